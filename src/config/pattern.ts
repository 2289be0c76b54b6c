import { RE2JS } from 're2js'
import { z } from 'zod'
import { ConfigError, describeError } from '../runtime/errors.ts'
import { hints } from './hints.ts'

/** A user's pattern, compiled. */
export interface Pattern {
  readonly text: string
  /** True when the whole name matches. */
  readonly matches: (name: string) => boolean
}

const MAX_PATTERN = 512
/** Together these two keep one decision under 50 ms whatever the pattern (measured on repeats of 900). */
const MAX_PROGRAM = 1000
const MAX_NAME = 1024
/** Decisions remembered per pattern; past it the memory starts anew. */
const MAX_DECISIONS = 50_000

/**
 * Compiles an RE2 pattern that must match the whole text; linear in time, so a user's filter cannot stall the daemon.
 * A text of more than 1,024 characters matches only `.*`. Decisions are remembered.
 *
 * @throws ConfigError when the pattern is not RE2 or too large.
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  if (pattern.length > MAX_PATTERN) throw wrong(`${pattern.length} characters, expected at most ${MAX_PATTERN}`)
  if (pattern === '.*') return () => true
  const program = compile(pattern)
  if (program.programSize() > MAX_PROGRAM) throw wrong('its repeats make it too large, expected fewer or smaller ones')
  const decisions = new Map<string, boolean>()
  return (text) => {
    const known = decisions.get(text)
    if (known !== undefined) return known
    if (text.length > MAX_NAME) return false
    const matches = program.testExact(text)
    if (decisions.size >= MAX_DECISIONS) decisions.clear()
    decisions.set(text, matches)
    return matches
  }
}

/** An option that holds an RE2 pattern, matched against the whole name. */
export function pattern() {
  const expected = 'an RE2 pattern that matches the whole name'
  return z
    .string()
    .transform((text, context): Pattern => {
      try {
        return { text, matches: compilePattern(text) }
      } catch (error) {
        const why = error instanceof ConfigError ? error.message : 'not a pattern'
        context.addIssue({ code: 'custom', message: `expected ${expected}: ${why}`, input: text })
        return z.NEVER
      }
    })
    .register(hints, { expected })
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL)
  } catch (error) {
    // The library's message ends with a piece of the pattern; what may be printed of a value is the caller's to say.
    const [what] = describeError(error)
      .replace(/^error parsing regexp: /, '')
      .split(': `')
    throw new ConfigError([what ?? 'not a pattern'], { cause: error })
  }
}

function wrong(problem: string): ConfigError {
  return new ConfigError([problem])
}
