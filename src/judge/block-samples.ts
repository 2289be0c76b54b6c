import { countEntries, type Entries } from './moment-list.ts'

/** Sums over the partitions of a block at one moment, in records. */
export interface Sample {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly positions: number
  readonly ends: number
}

/** Where samples of the last minutes lie in a list of numbers (`Entries`): moment, positions and ends of each. */
export type SamplesFrom = number

const FIELDS = 3
const [POSITIONS, ENDS] = [1, 2]
const MOST = 7
export const sampleEntries: Entries = { fields: FIELDS, most: MOST }
/** Numbers that samples take. */
export const SAMPLES = MOST * FIELDS
/** Rates are those of so many milliseconds at least. */
export const RATE_MS = 300_000
const SPACING_MS = RATE_MS / 5

/** Adds a sample to those that a rate needs. Sums that fall are of other partitions or another log: all begins anew. */
export function addSample(
  list: number[],
  from: SamplesFrom,
  at: number,
  positions: number,
  ends: number,
  spanMs: number,
): void {
  let count = countEntries(list, from, sampleEntries)
  const last = from + (count - 1) * FIELDS
  if (count > 0 && ends < list[last + ENDS]!) count = 0
  if (count > 0) {
    if (at - list[last]! < Math.max(SPACING_MS, spanMs / 5)) return
    // One is kept that is as old as the span.
    let old = 0
    while (old < count - 1 && list[from + (old + 1) * FIELDS]! <= at - spanMs) old++
    old = Math.max(old, count - MOST + 1)
    for (let to = from; to < from + (count - old) * FIELDS; to++) list[to] = list[to + old * FIELDS]!
    count -= old
  }
  const next = from + count * FIELDS
  list[next] = at
  list[next + POSITIONS] = positions
  list[next + ENDS] = ends
  if (count + 1 < MOST) list[next + FIELDS] = Number.NaN
}

/** The oldest; undefined without one. */
export function firstSample(list: readonly number[], from: SamplesFrom): Sample | undefined {
  return sampleAt(list, from)
}

function lastSample(list: readonly number[], from: SamplesFrom): Sample | undefined {
  return sampleAt(list, from + Math.max(0, countEntries(list, from, sampleEntries) - 1) * FIELDS)
}

function sampleAt(list: readonly number[], index: number): Sample | undefined {
  const at = list[index]!
  return Number.isNaN(at) ? undefined : { at, positions: list[index + POSITIONS]!, ends: list[index + ENDS]! }
}

/** They reach back so far, and in all of them the sums were these. */
export function areSamplesFlat(
  list: readonly number[],
  from: SamplesFrom,
  positions: number,
  ends: number,
  since: number,
): boolean {
  const count = countEntries(list, from, sampleEntries)
  if (count === 0 || list[from]! > since) return false
  for (let at = from; at < from + count * FIELDS; at += FIELDS)
    if (list[at + POSITIONS] !== positions || list[at + ENDS] !== ends) return false
  return true
}

export interface Rates {
  /** Records a second. */
  readonly produce: number
  readonly consume: number
}

/**
 * Between the oldest sample and now; undefined before a minute has passed. A consumer that commits now and then draws
 * stairs, so it is measured from one of its steps to another.
 *
 * @param moves samples taken at the cycles in which the position moved
 */
export function ratesOf(
  list: readonly number[],
  samples: SamplesFrom,
  moves: SamplesFrom,
  now: Sample,
  stepMs: number,
): Rates | undefined {
  const first = firstSample(list, samples)
  if (first === undefined || now.at - first.at < SPACING_MS) return undefined
  const produce = perSecond(now.ends - first.ends, now.at - first.at)
  const idleMs = 2 * Math.max(stepMs, SPACING_MS / 2)
  const [from, to] = [firstSince(list, moves, first.at - idleMs), lastSample(list, moves)]
  // Of the same minutes, or the one would be told to be faster than the other where nothing came for a while.
  const isMoving = to !== undefined && now.at - to.at <= idleMs && from !== undefined && from.at - first.at <= idleMs
  const consume =
    isMoving && to.at - from.at >= SPACING_MS / 2
      ? perSecond(to.positions - from.positions, to.at - from.at)
      : perSecond(now.positions - first.positions, now.at - first.at)
  return { produce: Math.max(0, produce), consume: Math.max(0, consume) }
}

function firstSince(list: readonly number[], from: SamplesFrom, moment: number): Sample | undefined {
  const end = from + countEntries(list, from, sampleEntries) * FIELDS
  for (let at = from; at < end; at += FIELDS) if (list[at]! >= moment) return sampleAt(list, at)
  return undefined
}

function perSecond(records: number, ms: number): number {
  return (records * 1_000) / ms
}
