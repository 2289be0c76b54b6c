import type { CommittedGauge, OperatorCommits } from '../model/job-commits.ts'
import { committedIn, type GroupCommits } from './group-commits.ts'

/**
 * What the commits of a group say to the gauges of an operator. `equal`: the same offsets. `between`: each gauge lies
 * between what the group had committed before the page was asked for and what it has now. `possible`: nothing speaks
 * against it, or for it. `contradicts`: the group is not the operator's.
 */
export type Agreement = 'equal' | 'between' | 'possible' | 'contradicts'

/** Commits of groups as they were a cycle earlier, by group and then by `<topic> <partition>`. */
export type EarlierCommits = ReadonlyMap<
  string,
  { readonly receivedAt: number; readonly offsets: ReadonlyMap<string, number> }
>

export function agreement(operator: OperatorCommits, group: GroupCommits, earlier: EarlierCommits): Agreement {
  let worst: Agreement = 'equal'
  for (const gauge of operator.offsets) {
    let best: Agreement = 'contradicts'
    for (const topic of gauge.topics) best = better(best, onTopic(topic, gauge, group, earlier))
    if (best === 'contradicts') return best
    worst = better(worst, best) === worst ? best : worst
  }
  return worst
}

function onTopic(topic: string, gauge: CommittedGauge, group: GroupCommits, earlier: EarlierCommits): Agreement {
  const now = committedIn(group, topic, gauge.partition)
  if (now === gauge.offset) return 'equal'
  // Whoever shows a commit has made it: it must be there, unless it was looked for too early.
  if (now === undefined || now < gauge.offset) return group.sentAt >= gauge.takenAt ? 'contradicts' : 'possible'
  const before = earlier.get(group.consumer.name)
  const then = before?.offsets.get(commitKey(topic, gauge.partition))
  if (before === undefined || then === undefined || before.receivedAt > gauge.sentAt) return 'possible'
  // It had committed more than the gauge knew of afterwards: somebody else did.
  return then > gauge.offset ? 'contradicts' : 'between'
}

export function commitKey(topic: string, partition: number): string {
  return `${topic} ${partition}`
}

const ranks: readonly Agreement[] = ['contradicts', 'possible', 'between', 'equal']

function better(one: Agreement, other: Agreement): Agreement {
  return ranks.indexOf(one) >= ranks.indexOf(other) ? one : other
}
