import type { Answer } from './rule-engine.ts'
import type { Expected } from './scenario.ts'

/** Alert rules that are judged as a whole. */
export const ruleSets = ['lagkeeper', 'strimzi', 'mixin', 'samber'] as const
type RuleSet = (typeof ruleSets)[number]

/** When something fired: minutes in all, and the second of the run at which it began. */
export interface Fired {
  readonly minutes: number
  readonly first?: number | undefined
}

/** What came of a scenario: pages are critical alerts, `told` are those that are more than `info`. */
export interface Outcome {
  readonly told: Readonly<Record<RuleSet, Fired>>
  readonly pages: Fired
  /** Our alerts by name, `info` included, in the order in which they began. */
  readonly alerts: readonly (Fired & { readonly alert: string; readonly severity: string })[]
}

type Answers = readonly (readonly Answer[])[]

/**
 * What the answers to the questions about the accounts say of one consumer, and of what is about no consumer; of all
 * together when it is absent.
 */
export function outcomeOf(answers: Answers, stepSeconds: number, consumer?: string): Outcome {
  const [toldCount = [], toldFirst = [], pageCount = [], pageFirst = [], alertCount = [], alertFirst = []] = answers
  const isOf = ({ labels }: Answer, set: RuleSet): boolean =>
    (labels['ruleset'] ?? 'lagkeeper') === set && (labels['consumer'] ?? consumer) === consumer
  const fired = (counts: readonly Answer[], firsts: readonly Answer[], set: RuleSet): Fired => {
    const all = counts.filter((one) => isOf(one, set)).map(({ value }) => value)
    const since = firsts.filter((one) => isOf(one, set)).map(({ value }) => value)
    if (all.length === 0) return { minutes: 0 }
    return { minutes: minutes(Math.max(...all), stepSeconds), first: Math.min(...since) }
  }
  return {
    told: {
      lagkeeper: fired(toldCount, toldFirst, 'lagkeeper'),
      strimzi: fired(toldCount, toldFirst, 'strimzi'),
      mixin: fired(toldCount, toldFirst, 'mixin'),
      samber: fired(toldCount, toldFirst, 'samber'),
    },
    pages: fired(pageCount, pageFirst, 'lagkeeper'),
    alerts: alertCount
      .filter((one) => isOf(one, 'lagkeeper'))
      .map(({ labels, value }) => ({
        alert: labels['alertname'] ?? '',
        severity: labels['severity'] ?? '',
        minutes: minutes(value, stepSeconds),
        first: alertFirst.find((one) => isSame(one.labels, labels))?.value,
      }))
      .sort((a, b) => (a.first ?? 0) - (b.first ?? 0) || (a.alert < b.alert ? -1 : 1)),
  }
}

function isSame(one: Answer['labels'], other: Answer['labels']): boolean {
  return ['alertname', 'severity', 'consumer'].every((label) => one[label] === other[label])
}

/** To a tenth. */
function minutes(evaluations: number, stepSeconds: number): number {
  return Math.round((evaluations * stepSeconds) / 6) / 10
}

/**
 * How the alerts of one set did; `before`: they fired when nothing was wrong yet; `short`: they ended while it still was.
 */
export const verdicts = ['right', 'false', 'late', 'never', 'before', 'short'] as const
type Verdict = (typeof verdicts)[number]

export function verdictOf(expected: Expected, fired: Fired): Verdict {
  if (expected.kind === 'silence') return fired.minutes === 0 ? 'right' : 'false'
  const { from, within, lasts = 0 } = expected
  if (fired.first === undefined) return 'never'
  if (fired.first < from) return 'before'
  if (fired.first > from + within) return 'late'
  return fired.minutes < lasts ? 'short' : 'right'
}
