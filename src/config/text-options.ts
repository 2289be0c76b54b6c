import { z } from 'zod'
import { hints } from './hints.ts'
import { Secret } from './secret.ts'

/** Text that is not empty; `expected` says what it shall look like, `form` checks it. */
export function text(expected: string, form: { test(text: string): boolean } = /./s) {
  return parsed(expected, (value) => (form.test(value) ? value : undefined))
}

/** Text that `parse` turns into a value; undefined means that it is wrong. */
export function parsed<T>(expected: string, parse: (text: string) => T | undefined) {
  return z
    .string()
    .transform((value, context) => {
      const result = parse(value)
      if (result !== undefined) return result
      context.addIssue({ code: 'custom', message: `expected ${expected}`, input: value })
      return z.NEVER
    })
    .register(hints, { expected })
}

/** A password or token. In an object it may also be given as `<name>_file`, which the loader reads. */
export function secret() {
  const expected = 'text that is not empty'
  return parsed(expected, (value) => (value === '' ? undefined : new Secret(value))).register(hints, {
    expected,
    secret: true,
  })
}

/** The path of a file that must be readable at start; relative to the directory of the configuration file. */
export function file() {
  return text('the path of a readable file').register(hints, { expected: 'the path of a readable file', file: 'open' })
}

/** The same for a key: nobody but its owner may read it. */
export function privateFile() {
  const expected = 'the path of a file that only its owner can read'
  return text(expected).register(hints, { expected, file: 'private' })
}
