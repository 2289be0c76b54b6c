import { countEntries, type Entries } from './moment-list.ts'

/**
 * The lowest that a lag was in each stretch of a window: what remains of a saw-tooth when the teeth are taken off. This is
 * where they lie in a list of numbers (`Entries`), the last one still open. Of each: since when, the least lag in records,
 * the least time lag in seconds (NaN when it was not known throughout), and the sum of the log ends when it began.
 */
export type FloorsFrom = number

const FIELDS = 4
const [SINCE, LAG, TIME, ENDS] = [0, 1, 2, 3]
/** Closed stretches that make a trend. */
const CLOSED = 3
const MOST = CLOSED + 1
export const floorEntries: Entries = { fields: FIELDS, most: MOST }
/** Numbers that floors take. */
export const FLOORS = MOST * FIELDS
/** A floor that rises by less than this share of what arrived, or of the time that passed, rises by chance. */
const LEAST_RISE = 0.005

/**
 * @param timeLag seconds; NaN when not known
 * @param stretchMs at least as long as the consumer takes from one commit to the next
 */
export function addToFloors(
  list: number[],
  from: FloorsFrom,
  at: number,
  lag: number,
  timeLag: number,
  ends: number,
  stretchMs: number,
): void {
  let count = countEntries(list, from, floorEntries)
  const open = from + (count - 1) * FIELDS
  if (count > 0 && ends < list[open + ENDS]!) count = 0
  if (count > 0 && at - list[open + SINCE]! < stretchMs) {
    list[open + LAG] = Math.min(list[open + LAG]!, lag)
    list[open + TIME] = Math.min(list[open + TIME]!, timeLag)
    return
  }
  if (count === MOST) {
    for (let to = from; to < from + CLOSED * FIELDS; to++) list[to] = list[to + FIELDS]!
    count--
  }
  const next = from + count * FIELDS
  list[next + SINCE] = at
  list[next + LAG] = lag
  list[next + TIME] = timeLag
  list[next + ENDS] = ends
  if (count + 1 < MOST) list[next + FIELDS] = Number.NaN
}

/** By how many records and seconds the floor rose throughout the window. */
export interface Rise {
  readonly records: number
  readonly overMs: number
}

/** Undefined when it did not. */
export function riseOf(list: readonly number[], from: FloorsFrom): Rise | undefined {
  if (countEntries(list, from, floorEntries) < MOST) return undefined
  const [one, two, three, open] = [from, from + FIELDS, from + 2 * FIELDS, from + CLOSED * FIELDS]
  const isRising =
    list[one + LAG]! < list[two + LAG]! &&
    list[two + LAG]! < list[three + LAG]! &&
    list[three + LAG]! <= list[open + LAG]!
  if (!isRising) return undefined
  const records = list[three + LAG]! - list[one + LAG]!
  if (records <= LEAST_RISE * (list[three + ENDS]! - list[one + ENDS]!)) return undefined
  // More records that are read as fast as ever are no delay.
  const overMs = list[three + SINCE]! - list[one + SINCE]!
  const later = list[three + TIME]! - list[one + TIME]!
  if (later * 1_000 <= LEAST_RISE * overMs) return undefined
  return { records, overMs }
}

export interface Floor {
  /** Records. */
  readonly lag: number
  /** Seconds; undefined when it was not known throughout. */
  readonly timeLag: number | undefined
}

/**
 * The lowest of the open stretch and the last closed one: at least as long as from one commit to the next. While nobody
 * knows how long that is, the lowest of the whole window. Undefined while there are not enough stretches.
 */
export function floorOf(list: readonly number[], from: FloorsFrom, isStepKnown: boolean): Floor | undefined {
  const count = countEntries(list, from, floorEntries)
  const first = count - (isStepKnown ? 2 : MOST)
  if (first < 0) return undefined
  let [lag, timeLag] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let at = from + first * FIELDS; at < from + count * FIELDS; at += FIELDS) {
    lag = Math.min(lag, list[at + LAG]!)
    timeLag = Math.min(timeLag, list[at + TIME]!)
  }
  return { lag, timeLag: Number.isNaN(timeLag) ? undefined : timeLag }
}

/** All stretches are there, and in each there was nothing to read and nothing came. */
export function areFloorsFlat(list: readonly number[], from: FloorsFrom): boolean {
  if (countEntries(list, from, floorEntries) < MOST) return false
  for (let at = from; at < from + FLOORS; at += FIELDS)
    if (list[at + LAG] !== 0 || list[at + TIME] !== 0 || list[at + ENDS] !== list[from + ENDS]) return false
  return true
}
