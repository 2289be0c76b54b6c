import { difference, type OffsetColumn } from '../model/offsets.ts'
import { type EndRows, UNKNOWN } from './end-rows.ts'
import type { EndSlots } from './end-slots.ts'

/**
 * When a log end passed an offset, in monotonic milliseconds: after the last moment with an end at or below it was asked
 * for, and before the first with an end above it had been read. Without the one, or the other, infinite on that side.
 */
export interface Passing {
  notBefore: number
  /** By even arrival between the two; says something only where both are known. */
  guess: number
  notAfter: number
}

/** To be written by `findPassing` again and again: a cycle asks for a million. */
export function newPassing(): Passing {
  return { notBefore: Number.NEGATIVE_INFINITY, guess: 0, notAfter: Number.POSITIVE_INFINITY }
}

/**
 * When the log end of a row of a history passed an offset of a column of positions.
 *
 * @returns whether it lies between two ends of the history, so that all of `found` says something
 */
export function findPassing(
  { base, columns }: EndRows,
  { moments, column }: EndSlots,
  row: number,
  offset: OffsetColumn,
  index: number,
  found: Passing,
): boolean {
  found.notBefore = Number.NEGATIVE_INFINITY
  found.notAfter = Number.POSITIVE_INFINITY
  const place = difference(offset, index, base, row)
  // Below the base an end of 0 may stand for any lower one, so that only those above it say something.
  const most = Math.max(place, 0)
  let [low, high] = [-1, moments.length]
  let [below, above] = [0, 0]
  // Known ends only grow: the last one at or below is found by halves, around those that are not known.
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    let slot = middle
    let cell = columns[column[slot]!]![row]!
    while (cell === UNKNOWN && --slot > low) cell = columns[column[slot]!]![row]!
    if (slot === low) {
      // Nothing is known up to the middle: what is sought lies above it, or it is `low` itself.
      low = middle
      continue
    }
    if (cell > most) {
      high = slot
      above = cell
    } else {
      low = middle
      below = cell
      found.notBefore = moments[slot]!.askedAt
    }
  }
  if (high < moments.length) found.notAfter = moments[high]!.readAt
  if (place < 0) found.notBefore = Number.NEGATIVE_INFINITY
  if (found.notBefore === Number.NEGATIVE_INFINITY || high === moments.length) return false
  const share = (place + 1 - below) / (above - below)
  found.guess = found.notBefore + share * (found.notAfter - found.notBefore)
  return true
}

/**
 * Records that arrived in a row of a history since a moment, and since which moment that is: the last that is as old as asked
 * for, or the oldest there is. Undefined when fewer than two ends are known.
 */
export function arrivedSince(
  { columns }: EndRows,
  { moments, column }: EndSlots,
  row: number,
  since: number,
): { readonly records: number; readonly since: number } | undefined {
  let newest: number | undefined
  let oldest: number | undefined
  let at = 0
  for (let slot = moments.length - 1; slot >= 0; slot--) {
    const cell = columns[column[slot]!]![row]!
    if (cell === UNKNOWN) continue
    if (newest === undefined) {
      newest = cell
      continue
    }
    oldest = cell
    at = moments[slot]!.readAt
    if (at <= since) break
  }
  return newest === undefined || oldest === undefined ? undefined : { records: newest - oldest, since: at }
}
