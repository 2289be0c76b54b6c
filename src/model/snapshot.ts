import type { Catalog } from './catalog.ts'
import type { Consumer } from './consumer.ts'
import type { Status } from './judgement.ts'
import type { Judgements } from './judgements.ts'
import type { LogOffsetColumn } from './log-offsets.ts'
import type { Objective } from './objective.ts'
import type { OffsetColumn } from './offsets.ts'
import type { PositionBatch } from './position-batch.ts'
import type { Problem } from './problem.ts'
import { KNOWN, type Reason, reasonCode, reasonOf } from './reason.ts'
import { sortedIndex } from './sorted.ts'
import type { TimeLagRows } from './time-lag.ts'

/** Rows that show an earlier cycle, whole, because this cycle could not read them (I2). Ascending by row. */
export interface HeldRows {
  readonly row: Uint32Array
  readonly position: OffsetColumn
  readonly start: OffsetColumn
  readonly end: OffsetColumn
  readonly lag: Float64Array
  /** 1 where the earlier cycle had a position; 0 for an empty partition without one. */
  readonly positioned: Uint8Array
  /** Monotonic milliseconds at which the position of the row was taken. */
  readonly takenAt: Float64Array
}

/** A batch joined with the log offsets of its cycle. */
export interface SnapshotPart {
  readonly batch: PositionBatch
  /** Index into the catalog's topics for each topic of the batch; −1 when the cluster does not have it. */
  readonly catalogTopic: Int32Array
  /** Records; says something only where `isFresh`. */
  readonly lag: Float64Array
  /** The reason after the join; the batch keeps the reason of the position alone. */
  readonly reason: Uint8Array
  readonly held: HeldRows
  /** Sum of a block under I3; says something only where `blockComplete` is 1. */
  readonly blockLag: Float64Array
  readonly blockComplete: Uint8Array
  /** Blocks with a position below the log start, ascending. */
  readonly belowStart: readonly number[]
  /** Absent when none was asked for. */
  readonly views?: BlockViews
  /** Absent when nobody judges, and for lags without a position. */
  readonly timeLags?: TimeLagRows
  /** Absent when nobody judges. */
  readonly judgements?: Judgements
}

/** Numbers, an entry a block or a partition of the catalog, where they are known. */
export interface KnownNumbers {
  readonly value: Float64Array
  /** 1 where it is. */
  readonly known: Uint8Array
}

/** Other looks at the lag of a block, each with the treatment of unknown rows that the sum of the lag has (I3). */
export interface BlockViews {
  /** Records up to the last stable offset. */
  readonly readCommitted?: KnownNumbers
  /** Records that lie before the local log start. */
  readonly coldRecords?: KnownNumbers
  /** An estimate: lag times the mean size of a record in the log. */
  readonly lagBytes?: KnownNumbers
}

/** What the views of a snapshot are made of, a row per partition of the catalog; absent what was not asked for. */
export interface LogViews {
  readonly stable?: LogOffsetColumn
  readonly local?: LogOffsetColumn
  /** Mean bytes of a record, where it is known. */
  readonly recordBytes?: KnownNumbers
}

/** Records that were lost to consumers before they read them, by consumer and topic; 0 where there is no entry. */
export type RecordsLost = ReadonlyMap<string, ReadonlyMap<string, number>>

/** A consumer as a whole, over all parts. */
export interface ConsumerTotal {
  readonly consumer: Consumer
  /** Sum under I3; absent when a partition that should count is unknown. */
  readonly lag?: number
  /** That of its worst topic; absent without one, and when nobody judges. */
  readonly status?: Status
  /** False for a consumer that was there and is gone: it stays in the list for 24 h. */
  readonly present: boolean
}

/** The last complete result of a cycle of one Kafka cluster; replaced whole, never written after publication. */
export interface Snapshot {
  readonly kafkaCluster: string
  /** 1 for the first cycle. */
  readonly cycle: number
  /** When the cycle ended: monotonic milliseconds, and the wall clock for display. */
  readonly takenAt: number
  readonly takenAtWall: number
  readonly catalog: Catalog
  readonly starts: LogOffsetColumn
  readonly ends: LogOffsetColumn
  readonly parts: readonly SnapshotPart[]
  /** Sorted by name. */
  readonly consumers: readonly ConsumerTotal[]
  readonly objectives: readonly Objective[]
  readonly problems: readonly Problem[]
  /** Absent when no view was asked for. */
  readonly views?: LogViews
  /** Absent when nobody counts. */
  readonly lost?: RecordsLost
}

const SUSPECTED = reasonCode('control_records_suspected')
const CONTROL = reasonCode('control_records')

/** What a row of a part shows: a fresh number, a held one, or only a reason. */
export type RowState = 'known' | 'held' | Reason

/** True when the row has a lag of this cycle. */
export function isFresh(part: SnapshotPart, row: number): boolean {
  const reason = part.reason[row]!
  return reason === KNOWN || reason === SUSPECTED || reason === CONTROL
}

/** Index into `part.held` of a row, or −1. */
export function heldIndex(part: SnapshotPart, row: number): number {
  return sortedIndex(part.held.row, row)
}

export function rowState(part: SnapshotPart, row: number): RowState {
  if (isFresh(part, row)) return 'known'
  if (heldIndex(part, row) >= 0) return 'held'
  return reasonOf(part.reason[row]!) ?? 'known'
}
