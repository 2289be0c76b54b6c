import type { z } from 'zod'

/** A check across several options; it gets what could be read of them. */
type Rule = (value: unknown, context: z.core.$RefinementCtx) => void

/** Lets a rule run beside other problems of the same mapping or list, so that all are reported at once. */
export const besideOthers = {
  when: ({ value }: { readonly value: unknown }): boolean => typeof value === 'object' && value !== null,
}

/** The two options are given together or not at all. */
export function onlyTogether(one: string, other: string): Rule {
  return (value, context) => {
    const given = [one, other].filter((name) => member(value, name) !== undefined)
    const [only] = given
    if (given.length !== 1 || only === undefined) return
    const missing = only === one ? other : one
    context.addIssue({ code: 'custom', path: [missing], message: `expected it beside "${only}"` })
  }
}

/** No two entries of a list have the same text at `name`. */
export function distinct(name: string): Rule {
  return (value, context) => {
    const seen = new Set<unknown>()
    for (const [index, entry] of (Array.isArray(value) ? value : []).entries()) {
      const text = member(entry, name)
      if (text !== undefined && seen.has(text))
        context.addIssue({ code: 'custom', path: [index, name], message: 'given twice, expected a name of its own' })
      seen.add(text)
    }
  }
}

/** A value of an object of which nothing is certain yet. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([key]) => key === name)?.[1]
}
