import { consumerName } from '../../src/model/consumer.ts'
import type { LagRow } from '../../src/model/lag-row.ts'
import type { Reason } from '../../src/model/reason.ts'
import type { GroupRow, LogOffset } from '../rigs/kafka-tool.ts'
import type { GroupPosition, LogEnds } from '../rigs/rig-contract.ts'

/** What is judged of a row. */
export type JudgedRow = Omit<LagRow, 'kafkaCluster' | 'kind' | 'takenAt' | 'part' | 'row'>

/** What is true of a cluster, by somebody who is not us. */
export interface Truth {
  readonly committed: readonly GroupPosition[]
  readonly ends: readonly LogEnds[]
}

/** A partition of a group that has a member on it and no commit. */
export interface AssignedPartition {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

/** What became of a comparison. Rows are distinct by consumer, topic and partition. */
export interface Verdict {
  /** Rows that were held against the truth. */
  readonly compared: number
  /** Rows that say something else than the truth, or that the truth does not have. In words, at most 20 of them. */
  readonly wrong: readonly string[]
  readonly wrongCount: number
  /** Rows without a lag where the truth has none either: by reason. */
  readonly unknown: Readonly<Record<string, number>>
  /** Rows without a lag, or no rows, where the truth has one: by reason, `absent` for no row. */
  readonly missing: Readonly<Record<string, number>>
}

const wordsOfAtMost = 20

/** Why a position past the log end may be without a lag. */
const beyond: readonly (Reason | undefined)[] = ['position_beyond_end', 'truncated', 'topic_recreated']

/** Nothing moves: every column must be what the truth says, and the lag what `docs/design.md` says. */
export function judgeResting(
  rows: readonly JudgedRow[],
  truth: Truth,
  assigned: readonly AssignedPartition[] = [],
): Verdict {
  const book = createBook()
  const ends = endsByPlace(truth.ends)
  const ours = byPlace(rows)
  for (const { group, topic, partition, offset } of truth.committed) {
    const place = placeOf(consumerName(group), topic, partition)
    const row = ours.get(place)
    ours.delete(place)
    const log = ends.get(`${topic}/${partition}`)
    if (row === undefined) book.missing('absent')
    else if (row.position !== offset) book.off(row, `position ${offset}`)
    else if (log === undefined) book.without(row, ['topic_deleted'])
    else if (row.logStartOffset !== log.beginning || row.logEndOffset !== log.end)
      book.off(row, `log ${log.beginning} to ${log.end}`)
    else if (offset > log.end) book.without(row, beyond)
    else book.lag(row, log.end - later(offset, log.beginning))
  }
  for (const { group, topic, partition } of assigned) {
    const place = placeOf(consumerName(group), topic, partition)
    const row = ours.get(place)
    ours.delete(place)
    const log = ends.get(`${topic}/${partition}`)
    if (row === undefined || log === undefined) book.missing('absent')
    else if (row.position !== undefined) book.wrong(row, 'no position')
    else if (log.beginning === log.end) book.lag(row, 0n)
    else book.without(row, ['no_position'])
  }
  for (const row of ours.values()) book.wrong(row, 'no such row')
  return book.verdict()
}

/**
 * Everything moves: each column must lie between what the truth was before our reading and what it was after it, and
 * the lag must be what our own columns say.
 */
export function judgeMoving(rows: readonly JudgedRow[], before: Truth, after: Truth): Verdict {
  const book = createBook()
  const ours = byPlace(rows)
  const endsBefore = endsByPlace(before.ends)
  const endsAfter = endsByPlace(after.ends)
  const later = new Map(after.committed.map((one) => [placeOf(consumerName(one.group), one.topic, one.partition), one]))
  for (const { group, topic, partition, offset } of before.committed) {
    const place = placeOf(consumerName(group), topic, partition)
    const row = ours.get(place)
    const from = endsBefore.get(`${topic}/${partition}`)
    const to = endsAfter.get(`${topic}/${partition}`)
    const offsetAfter = later.get(place)?.offset
    if (from === undefined || to === undefined || offsetAfter === undefined)
      throw new Error(`Judge ${place}: the truth lost it, expected a load that only grows`)
    if (row === undefined) book.missing('absent')
    else if (!isBetween(offset, row.position, offsetAfter)) book.off(row, `position ${offset} to ${offsetAfter}`)
    else if (!isBetween(from.beginning, row.logStartOffset, to.beginning))
      book.off(row, `log start ${from.beginning} to ${to.beginning}`)
    else if (!isBetween(from.end, row.logEndOffset, to.end)) book.off(row, `log end ${from.end} to ${to.end}`)
    else book.lag(row, lagOfColumns(row))
  }
  return book.verdict()
}

/**
 * Against the group tool of the broker's own version. Its LAG is end minus position whatever comes out, so it may
 * differ from ours below the log start and past the log end, and nowhere else.
 */
export function judgeTool(rows: readonly JudgedRow[], tool: readonly GroupRow[]): Verdict {
  const book = createBook()
  const ours = byPlace(rows)
  for (const { group, topic, partition, current, end, lag } of tool) {
    const row = ours.get(placeOf(consumerName(group), topic, partition))
    const said = `position ${current}, log end ${end}, lag ${lag}`
    if (row === undefined) book.missing('absent')
    else if (row.position !== current || (end !== undefined && row.logEndOffset !== end)) book.off(row, said)
    else if (current === undefined && row.recordsLag === undefined) book.without(row, ['no_position'])
    else if (current !== undefined && end !== undefined && current > end) book.without(row, beyond)
    else if (lag === undefined || (current !== undefined && current < (row.logStartOffset ?? 0n)))
      book.lag(row, lagOfColumns(row))
    else book.lag(row, lag)
  }
  return book.verdict()
}

/** As `judgeMoving`, with what the group tool said before and after. */
export function judgeToolMoving(
  rows: readonly JudgedRow[],
  before: readonly GroupRow[],
  after: readonly GroupRow[],
): Verdict {
  const book = createBook()
  const ours = byPlace(rows)
  const laterRows = new Map(after.map((one) => [placeOf(consumerName(one.group), one.topic, one.partition), one]))
  for (const { group, topic, partition, current, end } of before) {
    const place = placeOf(consumerName(group), topic, partition)
    const row = ours.get(place)
    const then = laterRows.get(place)
    if (row === undefined) book.missing('absent')
    else if (!isBetween(current, row.position, then?.current)) book.off(row, `position ${current} to ${then?.current}`)
    else if (!isBetween(end, row.logEndOffset, then?.end)) book.off(row, `log end ${end} to ${then?.end}`)
    else book.lag(row, lagOfColumns(row))
  }
  return book.verdict()
}

/** Log starts or log ends against GetOffsetShell. */
export function judgeLogs(
  ours: ReadonlyMap<string, bigint>,
  tool: readonly LogOffset[],
  what: 'log start' | 'log end',
): Verdict {
  const book = createBook()
  for (const { topic, partition, offset } of tool) {
    const mine = ours.get(`${topic}/${partition}`)
    if (mine === undefined) book.missing('absent')
    else if (mine === offset) book.right()
    else book.wrongWords(`${topic}/${partition}: ${what} ${mine}, expected ${offset}`)
  }
  return book.verdict()
}

/** Verdicts about different rows as one. */
export function addVerdicts(verdicts: readonly Verdict[]): Verdict {
  return {
    compared: sum(verdicts.map(({ compared }) => compared)),
    wrong: verdicts.flatMap(({ wrong }) => wrong).slice(0, wordsOfAtMost),
    wrongCount: sum(verdicts.map(({ wrongCount }) => wrongCount)),
    unknown: addCounts(verdicts.map(({ unknown }) => unknown)),
    missing: addCounts(verdicts.map(({ missing }) => missing)),
  }
}

/** The worst of several verdicts about the same rows. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  const badness = ({ wrongCount, missing }: Verdict): number => wrongCount + sum(Object.values(missing))
  return verdicts.reduce((worst, verdict) => (badness(verdict) > badness(worst) ? verdict : worst))
}

/** Counts by name, added name by name, in the order of the names. */
export function addCounts(many: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const all = new Map<string, number>()
  for (const counts of many)
    for (const [name, count] of Object.entries(counts)) all.set(name, (all.get(name) ?? 0) + count)
  return Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function placeOf(consumer: string, topic: string, partition: number): string {
  return `${consumer}\u0001${topic}/${partition}`
}

interface Book {
  right(): void
  /** A lag that must be there, and this one. */
  lag(row: JudgedRow, expected: bigint | undefined): void
  /** No lag, for one of these reasons. */
  without(row: JudgedRow, because: readonly (Reason | undefined)[]): void
  /** A column that is not what it should be: wrong, unless it is absent and the row says why. */
  off(row: JudgedRow, expected: string): void
  wrong(row: JudgedRow, expected: string): void
  wrongWords(words: string): void
  missing(reason: string): void
  verdict(): Verdict
}

function createBook(): Book {
  const wrong: string[] = []
  const unknown: Record<string, number> = {}
  const missing: Record<string, number> = {}
  let compared = 0
  let wrongCount = 0
  const count = (counts: Record<string, number>, name: string): void => {
    compared++
    counts[name] = (counts[name] ?? 0) + 1
  }
  const book: Book = {
    right: () => {
      compared++
    },
    lag: (row, expected) => {
      if (row.recordsLag === undefined && row.reason !== undefined) count(missing, row.reason)
      else if (row.recordsLag === undefined || row.recordsLag !== expected) book.wrong(row, `lag ${expected}`)
      else book.right()
    },
    without: (row, because) => {
      if (row.recordsLag !== undefined || !because.includes(row.reason)) book.wrong(row, because.join(' or '))
      else count(unknown, row.reason ?? '')
    },
    off: (row, expected) => {
      const isSilent = row.recordsLag === undefined && row.reason !== undefined
      const isAbsent = row.position === undefined || row.logStartOffset === undefined || row.logEndOffset === undefined
      if (isSilent && isAbsent) count(missing, row.reason ?? '')
      else book.wrong(row, expected)
    },
    wrong: (row, expected) => {
      const { consumer, topic, partition, position, logStartOffset, logEndOffset, recordsLag, reason } = row
      const got = `position ${position}, log ${logStartOffset} to ${logEndOffset}, lag ${recordsLag}, ${reason ?? 'no reason'}`
      book.wrongWords(`${JSON.stringify(consumer)} ${topic}/${partition}: ${got}; expected ${expected}`)
    },
    wrongWords: (words) => {
      compared++
      wrongCount++
      if (wrong.length < wordsOfAtMost) wrong.push(words)
    },
    missing: (reason) => count(missing, reason),
    verdict: () => ({ compared, wrong, wrongCount, unknown, missing }),
  }
  return book
}

/** The lag that a row's own columns give; undefined when they are not all there. */
function lagOfColumns({ position, logStartOffset, logEndOffset }: JudgedRow): bigint | undefined {
  if (position === undefined || logStartOffset === undefined || logEndOffset === undefined) return undefined
  return position > logEndOffset ? undefined : logEndOffset - later(position, logStartOffset)
}

function isBetween(low: bigint | undefined, value: bigint | undefined, high: bigint | undefined): boolean {
  return low !== undefined && value !== undefined && high !== undefined && low <= value && value <= high
}

function later(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}

function byPlace(rows: readonly JudgedRow[]): Map<string, JudgedRow> {
  const places = new Map<string, JudgedRow>()
  for (const row of rows) {
    const place = placeOf(row.consumer, row.topic, row.partition)
    if (places.has(place)) throw new Error(`Judge ${place}: two rows, expected one`)
    places.set(place, row)
  }
  return places
}

function endsByPlace(ends: readonly LogEnds[]): ReadonlyMap<string, LogEnds> {
  return new Map(ends.map((end) => [`${end.topic}/${end.partition}`, end]))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
