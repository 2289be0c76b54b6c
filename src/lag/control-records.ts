import { type Catalog, topicNamed } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import { difference, offsetAt } from '../model/offsets.ts'
import { KNOWN, reasonCode } from '../model/reason.ts'
import type { SnapshotPart } from '../model/snapshot.ts'
import { type Previous, previousPosition, previousRow } from './previous.ts'

/** A row of which neither the position nor the log end has moved since the last cycle. */
export interface StandingRow {
  /** Index into the parts, and the row and block in that part. */
  readonly part: number
  readonly row: number
  readonly block: number
  readonly topic: string
  readonly partition: number
  readonly position: bigint
  readonly end: bigint
}

/**
 * Rows with a lag of 1 to `mostLag` that stand still, of the topics (by catalog index) that are wanted. Yields now and
 * then, for others to run.
 */
export function* standingRows(
  parts: readonly SnapshotPart[],
  catalog: Catalog,
  ends: LogOffsetColumn,
  previous: Previous,
  wanted: (topic: number) => boolean,
  mostLag: number,
): Generator<void, readonly StandingRow[]> {
  const found: StandingRow[] = []
  for (const [index, part] of parts.entries()) {
    const { batch, catalogTopic, lag, reason } = part
    if (batch.holds !== 'position') continue
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      if (block % 64 === 63) yield
      const topicIndex = catalogTopic[batch.blockTopic[block]!]!
      const topic = catalog.topics[topicIndex]
      if (topic === undefined || !wanted(topicIndex)) continue
      const stoodStill = createStandStill(part, block, topic.name, ends, topic.firstRow, previous)
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
        const records = lag[row]!
        if (records < 1 || records > mostLag || (reason[row]! | batch.reason[row]!) !== KNOWN || !stoodStill(row))
          continue
        const partition = batch.partition[row]!
        const end = offsetAt(ends.offset, topic.firstRow + partition)
        const position = offsetAt(batch.value, row)
        // Below the log start more is in question than the end of a transaction.
        if (end - position > BigInt(records)) continue
        found.push({ part: index, row, block, topic: topic.name, partition, position, end })
      }
    }
  }
  return found
}

/** Tells for rows of one block whether they stood still; the earlier block is looked for once, and only when needed. */
function createStandStill(
  { batch }: SnapshotPart,
  block: number,
  topicName: string,
  ends: LogOffsetColumn,
  firstRow: number,
  previous: Previous,
): (row: number) => boolean {
  let before: ReturnType<Previous['block']> | 'unknown' = 'unknown'
  return (row) => {
    if (before === 'unknown') before = previous.block(batch.consumers[batch.blockConsumer[block]!]!.name, topicName)
    if (before === undefined || before.part.batch.holds !== 'position') return false
    const partition = batch.partition[row]!
    const then = previousRow(before, partition)
    if (then < 0 || previousPosition(before, then) !== offsetAt(batch.value, row)) return false
    const { catalog, ends: endsThen } = previous.snapshot
    const topic = topicNamed(catalog, topicName)
    if (topic === undefined || partition >= topic.partitions) return false
    const was = topic.firstRow + partition
    const now = firstRow + partition
    return endsThen.reason[was] === KNOWN && difference(ends.offset, now, endsThen.offset, was) === 0
  }
}

/**
 * Topics on which a transaction was open when their ends had just been read, by catalog index: a last stable offset that
 * was asked for after a log end and is lower can only be held back by one.
 */
export function* unstableTopics(
  catalog: Catalog,
  ends: LogOffsetColumn,
  stable: LogOffsetColumn,
): Generator<void, readonly number[]> {
  const found: number[] = []
  for (const [index, { firstRow, partitions }] of catalog.topics.entries()) {
    if (index % 256 === 255) yield
    for (let row = firstRow; row < firstRow + partitions; row++) {
      if ((ends.reason[row]! | stable.reason[row]!) !== KNOWN) continue
      if (difference(ends.offset, row, stable.offset, row) <= 0) continue
      found.push(index)
      break
    }
  }
  return found
}

/** What is known of a standing row: its lag may be the end of a transaction, or is certainly nothing else. */
export interface ControlMark {
  readonly at: StandingRow
  readonly isCertain: boolean
}

/**
 * The parts with marked rows. A suspicion leaves the lag as it is; where it is certain that nothing but ends of
 * transactions is left, the lag is 0: no consumer is ever given one.
 */
export function markControlRecords(
  parts: readonly SnapshotPart[],
  marks: readonly ControlMark[],
): readonly SnapshotPart[] {
  if (marks.length === 0) return parts
  const byPart = new Map<number, ControlMark[]>()
  for (const mark of marks) {
    const mine = byPart.get(mark.at.part) ?? []
    byPart.set(mark.at.part, mine)
    mine.push(mark)
  }
  return parts.map((part, index) => {
    const mine = byPart.get(index)
    if (mine === undefined) return part
    const reason = part.reason.slice()
    const lag = part.lag.slice()
    const blockLag = part.blockLag.slice()
    for (const { at, isCertain } of mine) {
      reason[at.row] = isCertain ? CERTAIN : SUSPECTED
      if (!isCertain) continue
      blockLag[at.block]! -= lag[at.row]!
      lag[at.row] = 0
    }
    return { ...part, reason, lag, blockLag }
  })
}

const SUSPECTED = reasonCode('control_records_suspected')
const CERTAIN = reasonCode('control_records')
