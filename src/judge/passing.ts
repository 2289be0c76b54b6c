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
  if (place < 0) {
    // An end of 0 may stand for any lower one, so that the first above it is the first that says something.
    let slot = 0
    for (; slot < moments.length; slot++) {
      const cell = columns[column[slot]!]![row]!
      if (cell !== UNKNOWN && cell > 0) break
    }
    if (slot < moments.length) found.notAfter = moments[slot]!.readAt
    return false
  }
  let [low, high] = [-1, moments.length]
  let [below, above] = [0, 0]
  // Most positions were passed a few moments ago: backwards in steps that grow, to the first end at or below the position.
  for (let slot = moments.length - 1, step = 1; slot >= 0; ) {
    const cell = columns[column[slot]!]![row]!
    if (cell === UNKNOWN) {
      slot--
    } else if (cell > place) {
      high = slot
      above = cell
      slot -= step
      step *= 2
    } else {
      low = slot
      below = cell
      found.notBefore = moments[slot]!.askedAt
      break
    }
  }
  // Known ends only grow: then the last one at or below is found by halves, around those that are not known.
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    let slot = middle
    let cell = columns[column[slot]!]![row]!
    while (cell === UNKNOWN && --slot > low) cell = columns[column[slot]!]![row]!
    if (slot === low) {
      // Nothing is known up to the middle: what is sought lies above it, or it is `low` itself.
      low = middle
    } else if (cell > place) {
      high = slot
      above = cell
    } else {
      low = middle
      below = cell
      found.notBefore = moments[slot]!.askedAt
    }
  }
  if (high < moments.length) found.notAfter = moments[high]!.readAt
  if (found.notBefore === Number.NEGATIVE_INFINITY || high === moments.length) return false
  const share = (place + 1 - below) / (above - below)
  found.guess = found.notBefore + share * (found.notAfter - found.notBefore)
  return true
}

/** What arrived in a row of a history, and since when. */
export interface Arrived {
  records: number
  /** Monotonic milliseconds. */
  since: number
}

/**
 * Records that arrived in a row of a history since the moment of a slot, or the last one before it at which the end was
 * known, or the first one after it. False when fewer than two ends are known.
 *
 * @param slot from `slotAt`
 */
export function findArrived(
  { columns }: EndRows,
  { moments, column }: EndSlots,
  row: number,
  slot: number,
  found: Arrived,
): boolean {
  let newest = moments.length - 1
  while (newest >= 0 && columns[column[newest]!]![row] === UNKNOWN) newest--
  let oldest = Math.min(slot, newest - 1)
  while (oldest >= 0 && columns[column[oldest]!]![row] === UNKNOWN) oldest--
  if (oldest < 0) {
    oldest = Math.max(0, Math.min(slot, newest - 1) + 1)
    while (oldest < newest && columns[column[oldest]!]![row] === UNKNOWN) oldest++
  }
  if (oldest >= newest) return false
  found.records = columns[column[newest]!]![row]! - columns[column[oldest]!]![row]!
  found.since = moments[oldest]!.readAt
  return true
}

/** The last moment at or before this one; -1 without one. */
export function slotAt({ moments }: EndSlots, moment: number): number {
  let [low, high] = [-1, moments.length]
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (moments[middle]!.readAt <= moment) low = middle
    else high = middle
  }
  return low
}
