import type { Evidence } from './evidence.ts'
import { type OffsetColumn, offsetColumn } from './offsets.ts'

/** One side of the logs of a whole cluster, a row per partition of a catalog: the log starts, or the log ends. */
export interface LogOffsetColumn {
  readonly offset: OffsetColumn
  /** Leader epoch at the offset; −1 when the broker did not say. */
  readonly epoch: Int32Array
  /** 0 = known, else a reason code. */
  readonly reason: Uint8Array
  /** Which answer gave the row: an index into `evidence`; 0xffff = none. */
  readonly answer: Uint16Array
  readonly evidence: readonly Evidence[]
}

export const NO_ANSWER = 0xffff

/** Columns for `rows` partitions, every row `reason` until an answer fills it. */
export function logOffsetColumn(rows: number, reason: number, evidence: readonly Evidence[]): LogOffsetColumn {
  return {
    offset: offsetColumn(rows),
    epoch: new Int32Array(rows).fill(-1),
    reason: new Uint8Array(rows).fill(reason),
    answer: new Uint16Array(rows).fill(NO_ANSWER),
    evidence,
  }
}
