import type { LogOffsetColumn } from './log-offsets.ts'
import { offsetAt } from './offsets.ts'
import { KNOWN } from './reason.ts'
import type { LogViews } from './snapshot.ts'

/** What the views of a snapshot say of one row; each only where it was asked for and is known. */
export interface RowViews {
  readonly lastStableOffset?: bigint
  /** Records up to the last stable offset. */
  readonly readCommittedRecordsLag?: bigint
  /** Records before the local log start. */
  readonly coldRecords?: bigint
  /** An estimate. */
  readonly lagBytes?: number
}

/**
 * @param log row of the partition in the catalog
 * @param from the larger of position and log start
 */
export function rowViews({ stable, local, recordBytes }: LogViews, log: number, lag: bigint, from: bigint): RowViews {
  const stableOffset = offsetOf(stable, log)
  const localStart = offsetOf(local, log)
  const upTo = (offset: bigint): bigint => {
    if (offset <= from) return 0n
    return offset - from < lag ? offset - from : lag
  }
  return {
    ...(stableOffset === undefined
      ? {}
      : { lastStableOffset: stableOffset, readCommittedRecordsLag: upTo(stableOffset) }),
    ...(localStart === undefined ? {} : { coldRecords: upTo(localStart) }),
    ...(recordBytes === undefined || (lag > 0n && recordBytes.known[log] === 0)
      ? {}
      : { lagBytes: lag === 0n ? 0 : Math.round(Number(lag) * recordBytes.value[log]!) }),
  }
}

function offsetOf(column: LogOffsetColumn | undefined, log: number): bigint | undefined {
  return column?.reason[log] === KNOWN ? offsetAt(column.offset, log) : undefined
}
