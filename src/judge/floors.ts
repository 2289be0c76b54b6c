/**
 * The lowest that a lag was in each stretch of a window: what remains of a saw-tooth when the teeth are taken off. The
 * oldest stretch first, the last one is still open, four at most. Of each: since when (monotonic milliseconds), the least
 * lag in records, the least time lag in seconds (NaN when it was not known throughout), and the sum of the log ends when
 * it began. Plain numbers, written over: a hundred thousand consumers would have a million objects that live for minutes.
 */
export type Floors = number[]

const FIELDS = 4
const [SINCE, LAG, TIME, ENDS] = [0, 1, 2, 3]
/** Closed stretches that make a trend. */
const CLOSED = 3
/** A floor that rises by less than this share of what arrived, or of the time that passed, rises by chance. */
const LEAST_RISE = 0.005

/**
 * @param timeLag seconds; NaN when not known
 * @param stretchMs at least as long as the consumer takes from one commit to the next
 */
export function addToFloors(
  floors: Floors,
  at: number,
  lag: number,
  timeLag: number,
  ends: number,
  stretchMs: number,
): void {
  const open = floors.length - FIELDS
  if (open < 0 || ends < floors[open + ENDS]!) {
    floors.length = 0
    floors.push(at, lag, timeLag, ends)
  } else if (at - floors[open]! >= stretchMs) {
    if (open === CLOSED * FIELDS) floors.splice(0, FIELDS)
    floors.push(at, lag, timeLag, ends)
  } else {
    floors[open + LAG] = Math.min(floors[open + LAG]!, lag)
    floors[open + TIME] = Math.min(floors[open + TIME]!, timeLag)
  }
}

/** By how many records and seconds the floor rose throughout the window; undefined when it did not. */
export function riseOf(floors: Floors): { readonly records: number; readonly overMs: number } | undefined {
  if (floors.length <= CLOSED * FIELDS) return undefined
  const [one, two, three, open] = [0, FIELDS, 2 * FIELDS, CLOSED * FIELDS]
  const isRising =
    floors[one + LAG]! < floors[two + LAG]! &&
    floors[two + LAG]! < floors[three + LAG]! &&
    floors[three + LAG]! <= floors[open + LAG]!
  if (!isRising) return undefined
  const records = floors[three + LAG]! - floors[one + LAG]!
  if (records <= LEAST_RISE * (floors[three + ENDS]! - floors[one + ENDS]!)) return undefined
  // More records that are read as fast as ever are no delay.
  const overMs = floors[three + SINCE]! - floors[one + SINCE]!
  const later = floors[three + TIME]! - floors[one + TIME]!
  if (later * 1_000 <= LEAST_RISE * overMs) return undefined
  return { records, overMs }
}

/**
 * The lowest of the open stretch and the last closed one: at least as long as from one commit to the next. While nobody
 * knows how long that is, the lowest of the whole window.
 */
export function floorOf(
  floors: Floors,
  isStepKnown: boolean,
): { readonly lag: number; readonly timeLag: number | undefined } | undefined {
  const from = floors.length - (isStepKnown ? 2 : CLOSED + 1) * FIELDS
  if (from < 0) return undefined
  let [lag, timeLag] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let at = from; at < floors.length; at += FIELDS) {
    lag = Math.min(lag, floors[at + LAG]!)
    timeLag = Math.min(timeLag, floors[at + TIME]!)
  }
  return { lag, timeLag: Number.isNaN(timeLag) ? undefined : timeLag }
}

/** All stretches are there, and in each there was nothing to read and nothing came. */
export function areFloorsFlat(floors: Floors): boolean {
  if (floors.length <= CLOSED * FIELDS) return false
  for (let at = 0; at < floors.length; at += FIELDS)
    if (floors[at + LAG] !== 0 || floors[at + TIME] !== 0 || floors[at + ENDS] !== floors[ENDS]) return false
  return true
}

/** Time passed in which nothing changed. */
export function shiftFloors(floors: Floors, ms: number): void {
  for (let at = 0; at < floors.length; at += FIELDS) floors[at]! += ms
}
