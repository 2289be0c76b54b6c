import type { Config } from '../app/schema.ts'
import type { Selected } from './rules-selector.ts'
import type { Unit } from './rules-units.ts'

type Rule = Config['objectives'][number]

/** An entry of a schedule, with PromQL that has a value while it is going on. */
export interface Open {
  readonly entry: Rule['schedule'][number]
  readonly expression: string
}

/**
 * Lines of PromQL that are true while a consumer breaks a promise in one unit; none when nothing is ever promised in it.
 * The first entry that is going on counts, and the rule itself while none is.
 */
export function brokenPromise(
  rule: Rule,
  { unit, floor }: Unit,
  { matchers, unless }: Selected,
  open: readonly Open[],
): readonly string[] {
  const floorOf = (of: string): string => `${floor.record}${of === '' ? '' : `{${of}}`}`
  const always = rule[unit]
  const meanwhile = open.map(({ entry, expression }) => ({
    value: entry.off === true ? undefined : (entry[unit] ?? always),
    expression,
  }))
  // Entries that change nothing in this unit only keep later ones from counting.
  while (meanwhile.length > 0 && meanwhile.at(-1)?.value === always) meanwhile.pop()
  const clause = (value: number | undefined, ...times: readonly string[]): readonly (readonly string[])[] =>
    value === undefined ? [] : [[`${floorOf(matchers)} > ${value}`, ...times.map((time) => `  ${time}`)]]
  const except = (others: typeof meanwhile): readonly string[] =>
    others.length === 0 ? [] : [`unless on () (${others.map(({ expression }) => expression).join(' or ')})`]
  const clauses = [
    ...clause(always, ...except(meanwhile)),
    ...meanwhile.flatMap(({ value, expression }, index) =>
      clause(value, `and on () (${expression})`, ...except(meanwhile.slice(0, index))),
    ),
  ]
  const lines = clauses.flatMap((of, index) => (index === 0 ? of : ['or', ...of]))
  const others = unless.map((of) => `unless ${floorOf(of)}`)
  // `or` binds loosest.
  if (clauses.length > 1 && others.length > 0) return ['(', ...lines.map((line) => `  ${line}`), ')', ...others]
  return lines.length === 0 ? [] : [...lines, ...others]
}
