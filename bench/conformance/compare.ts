import { groupTopic, type Printed, type PrintedPage } from './name-sets.ts'
import type { TruthRow } from './truth.ts'

/**
 * right: a number that is true; or, where none is, silence with a reason (without one where nothing was committed).
 * wrong: a number that is not true, or no number. negative: below zero. missing: a commit without number and reason.
 * explained: no number where one is true, and a reason. made up: a number where nothing was committed.
 */
type Verdict = 'right' | 'wrong' | 'negative' | 'missing' | 'explained' | 'made up'

export interface Judged {
  readonly row: TruthRow
  /** As printed; undefined when it was not. */
  readonly printed: string | undefined
  /** The reasons given for the partitions of this group and topic that have no number. */
  readonly reasons: readonly string[]
  readonly verdict: Verdict
}

interface JudgedSum {
  readonly sum: Printed
  /** Undefined when a part of it is unknown, so that no sum is true. */
  readonly truth: readonly bigint[] | undefined
  readonly verdict: 'right' | 'wrong'
}

export interface Comparison {
  readonly rows: readonly Judged[]
  /** Lags of groups, topics or partitions that are none of ours. */
  readonly strangers: readonly Printed[]
  /** Second and further lags of the same partition of the same group. */
  readonly duplicates: readonly Printed[]
  readonly sums: readonly JudgedSum[]
  readonly counts: Counts
}

export interface Counts {
  /** Partitions with a commit. */
  readonly committed: number
  /** Of those, as the next three. */
  readonly right: number
  readonly wrong: number
  readonly missing: number
  readonly explained: number
  /** Here partitions without a commit count too. */
  readonly negative: number
  /** Lags of partitions without a commit, and of groups that nobody has. */
  readonly madeUp: number
  readonly duplicates: number
  readonly wrongSums: number
}

/** Holds a page against the truth, partition by partition and sum by sum. */
export function compare(truth: readonly TruthRow[], page: PrintedPage): Comparison {
  const expected = new Set(truth.map(rowKey))
  const printed = new Map<string, Printed>()
  const strangers: Printed[] = []
  const duplicates: Printed[] = []
  for (const lag of page.lags) {
    const key = rowKey({ ...lag, partition: lag.partition ?? Number.NaN })
    if (printed.has(key)) duplicates.push(lag)
    else {
      printed.set(key, lag)
      if (!expected.has(key)) strangers.push(lag)
    }
  }
  const silent = countSilent(truth, printed)
  const rows = truth.map((row): Judged => {
    const value = printed.get(rowKey(row))?.value
    const key = groupTopic(row.group, row.topic)
    // A partition that nobody committed on has its own reason, which explains no other.
    const explaining = Object.entries(page.reasons?.get(key) ?? {}).filter(
      ([reason, count]) => count > 0 && (reason === 'no_position') !== row.isCommitted,
    )
    const explained = explaining.reduce((sum, [, count]) => sum + count, 0)
    const isExplained = explained > 0 && explained >= (silent.get(key) ?? 0)
    const verdict = value === undefined ? judgeSilence(row, isExplained) : judgeNumber(row, value)
    return { row, printed: value, reasons: value === undefined ? explaining.map(([reason]) => reason) : [], verdict }
  })
  const sums = judgeSums(truth, page.sums)
  return { rows, strangers, duplicates, sums, counts: count(rows, strangers, duplicates, sums) }
}

function judgeSilence(row: TruthRow, isExplained: boolean): Verdict {
  if (!row.isCommitted) return 'right'
  if (!isExplained) return 'missing'
  return row.lags.length === 0 ? 'right' : 'explained'
}

function judgeNumber({ lags, isCommitted }: TruthRow, text: string): Verdict {
  const value = Number(text)
  if (lags.some((lag) => Number(lag) === value)) return 'right'
  if (value < 0) return 'negative'
  return isCommitted ? 'wrong' : 'made up'
}

/** Committed partitions that have no number, by group and topic: so many reasons are owed. */
function countSilent(truth: readonly TruthRow[], printed: ReadonlyMap<string, Printed>): ReadonlyMap<string, number> {
  const silent = new Map<string, number>()
  for (const row of truth) {
    if (!row.isCommitted || printed.has(rowKey(row))) continue
    const key = groupTopic(row.group, row.topic)
    silent.set(key, (silent.get(key) ?? 0) + 1)
  }
  return silent
}

/** A sum is true when it is that of its partitions; a partition without a commit adds nothing. */
function judgeSums(truth: readonly TruthRow[], sums: readonly Printed[]): readonly JudgedSum[] {
  const known = new Map<string, readonly bigint[] | undefined>()
  const add = (key: string, lags: readonly bigint[]): void => {
    const sofar = known.has(key) ? known.get(key) : [0n]
    // One definition is used for all of a sum, and no more than a handful of them ever differ.
    const next = sofar?.flatMap((sum) => lags.map((lag) => sum + lag)) ?? []
    known.set(key, next.length === 0 ? undefined : [...new Set(next)])
  }
  for (const { group, topic, lags, isCommitted } of truth) {
    add(groupTopic(group, topic), isCommitted ? lags : [0n])
    add(groupTopic(group, ''), isCommitted ? lags : [0n])
  }
  return sums.map((sum) => {
    const all = known.get(groupTopic(sum.group, sum.topic))
    return { sum, truth: all, verdict: all?.some((one) => Number(one) === Number(sum.value)) ? 'right' : 'wrong' }
  })
}

function count(
  rows: readonly Judged[],
  strangers: readonly Printed[],
  duplicates: readonly Printed[],
  sums: readonly JudgedSum[],
): Counts {
  const committed = rows.filter(({ row }) => row.isCommitted)
  const of = (verdict: Verdict, among: readonly Judged[] = committed): number =>
    among.filter((one) => one.verdict === verdict).length
  return {
    committed: committed.length,
    right: of('right'),
    wrong: of('wrong'),
    missing: of('missing'),
    explained: of('explained'),
    negative: of('negative', rows) + strangers.filter(({ value }) => Number(value) < 0).length,
    madeUp: of('made up', rows) + strangers.filter(({ value }) => !(Number(value) < 0)).length,
    duplicates: duplicates.length,
    wrongSums: sums.filter(({ verdict }) => verdict === 'wrong').length,
  }
}

function rowKey({ group, topic, partition }: Pick<TruthRow, 'group' | 'topic' | 'partition'>): string {
  return `${partition}/${groupTopic(group, topic)}`
}
