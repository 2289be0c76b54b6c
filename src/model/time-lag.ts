/** What a time lag was made of, best first; explain names it. */
export const timeLagSources = ['log_ends', 'timestamps', 'record'] as const
export type TimeLagSource = (typeof timeLagSources)[number]

/**
 * How long ago the log end passed a position. The truth lies within `seconds ± uncertainty`.
 *
 * - `log_ends`: the position lies between two log ends that were seen;
 * - `timestamps`: the log was asked for the first record of a time;
 * - `record`: the record at the position was read.
 */
export interface TimeLag {
  readonly seconds: number
  readonly uncertainty: number
  readonly source: TimeLagSource
}

/** Rows of a part that have a lag and a time lag. Ascending by row; a row without lag has a time lag of 0 and no entry. */
export interface TimeLagRows {
  readonly row: Uint32Array
  readonly seconds: Float64Array
  readonly uncertainty: Float64Array
  /** Index into `timeLagSources`. */
  readonly source: Uint8Array
}
