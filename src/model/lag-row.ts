import type { ConsumerKind } from './consumer.ts'
import { type RowViews, rowViews } from './lag-row-views.ts'
import { offsetAt } from './offsets.ts'
import { KNOWN, type Reason, reasonOf } from './reason.ts'
import { heldIndex, isFresh, type Snapshot, type SnapshotPart } from './snapshot.ts'
import { sortedIndex } from './sorted.ts'
import { type TimeLag, timeLagSources } from './time-lag.ts'

/**
 * One partition of one consumer for people and scripts: what is unknown is left out, integers are exact. A held row has no
 * views.
 */
export interface LagRow extends RowViews {
  readonly kafkaCluster: string
  readonly consumer: string
  readonly kind: ConsumerKind
  readonly topic: string
  readonly partition: number
  readonly position?: bigint
  readonly logStartOffset?: bigint
  readonly logEndOffset?: bigint
  readonly recordsLag?: bigint
  /** Of the moment at which the log ends were read, or of a held row at which it was taken; absent when not known. */
  readonly timeLag?: TimeLag
  /** Why a number is missing or not fully trusted. */
  readonly reason?: Reason
  /** Held rows only: when it was taken, in milliseconds of the wall clock. */
  readonly takenAt?: number
  /** Where the row stands, for explain. */
  readonly part: SnapshotPart
  readonly row: number
}

export interface RowFilter {
  readonly consumer?: (name: string) => boolean
  readonly topic?: (name: string) => boolean
}

/** Rows of a snapshot in the order of its parts, made one at a time: nothing maps a million of them. */
export function* lagRows(snapshot: Snapshot, filter: RowFilter = {}): Generator<LagRow> {
  for (const part of snapshot.parts) {
    const { batch } = part
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      const consumer = batch.consumers[batch.blockConsumer[block]!]!
      const topic = batch.topics[batch.blockTopic[block]!]!.name
      if (filter.consumer?.(consumer.name) === false || filter.topic?.(topic) === false) continue
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++)
        yield lagRow(snapshot, part, block, row)
    }
  }
}

/** The object view of one row. */
export function lagRow(snapshot: Snapshot, part: SnapshotPart, block: number, row: number): LagRow {
  const { batch } = part
  const consumer = batch.consumers[batch.blockConsumer[block]!]!
  const base = {
    kafkaCluster: snapshot.kafkaCluster,
    consumer: consumer.name,
    kind: consumer.kind,
    topic: batch.topics[batch.blockTopic[block]!]!.name,
    partition: batch.partition[row]!,
    part,
    row,
  }
  const reason = reasonOf(part.reason[row]!)
  const why = reason === undefined ? {} : { reason }
  const held = heldIndex(part, row)
  if (held >= 0) {
    const { position, start, end, positioned, takenAt } = part.held
    const from = offsetAt(start, held)
    const at = offsetAt(position, held)
    const to = offsetAt(end, held)
    if (batch.holds === 'lag')
      return { ...base, ...why, recordsLag: at, takenAt: takenAtWall(snapshot, takenAt[held]!) }
    return {
      ...base,
      ...why,
      ...(positioned[held] === 1 ? { position: at } : {}),
      logStartOffset: from,
      logEndOffset: to,
      recordsLag: positioned[held] === 1 && part.held.lag[held]! > 0 ? to - later(at, from) : 0n,
      ...timeLagOf(part, row, part.held.lag[held]),
      takenAt: takenAtWall(snapshot, takenAt[held]!),
    }
  }
  const value = batch.reason[row] === KNOWN ? offsetAt(batch.value, row) : undefined
  const position = batch.holds === 'position' ? value : undefined
  const log = logOf(snapshot, part, block, base.partition)
  const lag = isFresh(part, row) ? exactLag(batch.holds, value, log, reason) : undefined
  const views =
    snapshot.views === undefined || lag === undefined || position === undefined || log.start === undefined
      ? {}
      : rowViews(snapshot.views, log.row, lag, later(position, log.start))
  return {
    ...base,
    ...why,
    ...(position === undefined ? {} : { position }),
    ...(log.start === undefined ? {} : { logStartOffset: log.start }),
    ...(log.end === undefined ? {} : { logEndOffset: log.end }),
    ...(lag === undefined ? {} : { recordsLag: lag, ...timeLagOf(part, row, part.lag[row]) }),
    ...views,
  }
}

interface LogEnds {
  /** In the catalog; −1 when it does not have the partition. */
  readonly row: number
  readonly start?: bigint
  readonly end?: bigint
}

function logOf(snapshot: Snapshot, part: SnapshotPart, block: number, partition: number): LogEnds {
  const topic = snapshot.catalog.topics[part.catalogTopic[part.batch.blockTopic[block]!]!]
  if (topic === undefined || partition >= topic.partitions) return { row: -1 }
  const row = topic.firstRow + partition
  return {
    row,
    ...(snapshot.starts.reason[row] === KNOWN ? { start: offsetAt(snapshot.starts.offset, row) } : {}),
    ...(snapshot.ends.reason[row] === KNOWN ? { end: offsetAt(snapshot.ends.offset, row) } : {}),
  }
}

/** The same arithmetic as the join, in BigInt: exact at any offset. */
function exactLag(
  holds: 'position' | 'lag',
  value: bigint | undefined,
  log: LogEnds,
  reason: Reason | undefined,
): bigint | undefined {
  if (holds === 'lag') return value
  if (reason === 'control_records') return 0n
  if (log.end === undefined || log.start === undefined) return undefined
  if (value === undefined) return log.start === log.end ? 0n : undefined
  return log.end - later(value, log.start)
}

function later(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}

/** A moment of the monotonic clock on the wall clock, as it stood when the snapshot was taken. */
function takenAtWall(snapshot: Snapshot, monotonic: number): number {
  return snapshot.takenAtWall - (snapshot.takenAt - monotonic)
}

const caughtUp: TimeLag = { seconds: 0, uncertainty: 0, source: 'log_ends' }

function timeLagOf({ timeLags }: SnapshotPart, row: number, lag: number | undefined): { readonly timeLag?: TimeLag } {
  if (timeLags === undefined) return {}
  if (lag === 0) return { timeLag: caughtUp }
  const at = sortedIndex(timeLags.row, row)
  if (at < 0) return {}
  const { seconds, uncertainty, source } = timeLags
  return {
    timeLag: { seconds: seconds[at]!, uncertainty: uncertainty[at]!, source: timeLagSources[source[at]!]! },
  }
}
