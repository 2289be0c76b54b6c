import type { LabelSet, ReporterFacts } from '../model/registration.ts'
import { type FieldProblem, membersOf, preview } from './field-problem.ts'
import { isLabelName, isPlainText } from './plain-text.ts'

/** Reads one field: its value, or undefined with an entry in the list of problems. */
export type FieldRule<T> = (value: unknown, path: string, problems: FieldProblem[]) => T | undefined

/** A rule that asks one question about a text. */
export function text(isRight: (text: string) => boolean, expected: string): FieldRule<string> {
  return (value, path, problems) => {
    if (typeof value === 'string' && isRight(value)) return value
    problems.push({ path, value: preview(value), expected })
    return undefined
  }
}

/** A rule for a text that people also write as a number: a whole one that JSON did not round. */
export function textOrNumber(isRight: (text: string) => boolean, expected: string): FieldRule<string> {
  const rule = text(isRight, expected)
  return (value, path, problems) => rule(Number.isSafeInteger(value) ? String(value) : value, path, problems)
}

export function wholeNumber(least: number, most: number, unit: string): FieldRule<number> {
  return (value, path, problems) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    problems.push({ path, value: preview(value), expected: `a whole number of ${least} to ${most} ${unit}` })
    return undefined
  }
}

/** What stands in the document, in its order of importance for the problems. */
export const factFields: Readonly<Record<string, keyof ReporterFacts>> = {
  kind: 'kind',
  application_id: 'applicationId',
  attempt: 'attempt',
  container_id: 'containerId',
  flink_cluster: 'flinkCluster',
  flink_job: 'flinkJob',
  queue: 'queue',
  user: 'user',
  version: 'version',
}

export const fact = textOrNumber(
  (value) => value !== '' && value.length <= 256 && isPlainText(value),
  '1 to 256 characters without control characters',
)

interface SetLimits {
  readonly most: number
  readonly nameRule: string
  readonly isName: (name: string) => boolean
}

/** What a registrant may never say of itself: it comes from the path and from the credential. */
const ownLabels: ReadonlySet<string> = new Set(['job', 'instance', 'owner'])

/** Labels of the registrant; they come out as `__meta_lagkeeper_label_<name>`. */
export const labelSet = names({
  most: 32,
  nameRule:
    'a label name of 1 to 64 of a-z, A-Z, 0-9 and "_", not starting with a digit or "__", and not job, instance or owner',
  isName: (name) => isLabelName(name) && name.length <= 64 && !name.startsWith('__') && !ownLabels.has(name),
})

/** Query parameters of the scrape; they come out as `__param_<name>`. */
export const paramSet = names({
  most: 16,
  nameRule: 'a parameter name of 1 to 64 of a-z, A-Z, 0-9 and "_", not starting with "__"',
  isName: (name) => /^[a-zA-Z0-9_]{1,64}$/.test(name) && !name.startsWith('__'),
})

const longestValue = 512

/** A rule for an object of texts; what comes out is sorted by name and has no key that JavaScript treats specially. */
function names(limits: SetLimits): FieldRule<LabelSet> {
  return (value, path, problems) => {
    const members = membersOf(value)
    const keys = members === undefined ? [] : Object.keys(members)
    if (members === undefined || keys.length > limits.most) {
      const found = members === undefined ? preview(value) : `${keys.length} names`
      problems.push({ path, value: found, expected: `an object of at most ${limits.most} names with text values` })
      return undefined
    }
    const before = problems.length
    for (const name of keys) {
      const at = `${path}.${name.slice(0, 64)}`
      if (!limits.isName(name)) problems.push({ path: at, value: preview(name), expected: limits.nameRule })
      else setValue(members[name], at, problems)
    }
    if (problems.length > before) return undefined
    return Object.fromEntries(keys.toSorted().map((name) => [name, String(members[name])]))
  }
}

const setValue = text(
  (value) => value !== '' && value.length <= longestValue && isPlainText(value),
  `a text of 1 to ${longestValue} characters without control characters (leave the name out to have no value)`,
)
