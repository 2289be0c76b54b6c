/** Sums over the partitions of a block at one moment, in records. */
export interface Sample {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly positions: number
  readonly ends: number
}

/**
 * Samples of the last minutes, the oldest first, at most seven: moment, positions and ends of each. Plain numbers, written
 * over: a hundred thousand consumers would have a million objects that live for minutes.
 */
export type Samples = number[]

const FIELDS = 3
const [POSITIONS, ENDS] = [1, 2]
/** Rates are those of so many milliseconds at least. */
export const RATE_MS = 300_000
const SPACING_MS = RATE_MS / 5

/** Adds a sample to those that a rate needs. Sums that fall are of other partitions or another log: all begins anew. */
export function addSample(samples: Samples, at: number, positions: number, ends: number, spanMs: number): void {
  const last = samples.length - FIELDS
  if (last < 0 || ends < samples[last + ENDS]!) samples.length = 0
  else {
    if (at - samples[last]! < Math.max(SPACING_MS, spanMs / 5)) return
    let kept = last
    while (kept > 0 && samples[kept]! > at - spanMs) kept -= FIELDS
    if (kept > 0) samples.splice(0, kept)
  }
  samples.push(at, positions, ends)
}

/** They reach back so far, and in all of them the sums were these. */
export function areSamplesFlat(samples: Samples, positions: number, ends: number, since: number): boolean {
  if (samples.length === 0 || samples[0]! > since) return false
  for (let at = 0; at < samples.length; at += FIELDS)
    if (samples[at + POSITIONS] !== positions || samples[at + ENDS] !== ends) return false
  return true
}

/** Time passed in which nothing changed. */
export function shiftSamples(samples: Samples, ms: number): void {
  for (let at = 0; at < samples.length; at += FIELDS) samples[at]! += ms
}

/** The oldest; undefined without one. */
export function firstSample(samples: Samples): Sample | undefined {
  return sampleAt(samples, 0)
}

function sampleAt(samples: Samples, index: number): Sample | undefined {
  const at = samples[index]
  return at === undefined ? undefined : { at, positions: samples[index + POSITIONS]!, ends: samples[index + ENDS]! }
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
export function ratesOf(samples: Samples, moves: Samples, now: Sample, stepMs: number): Rates | undefined {
  const first = firstSample(samples)
  if (first === undefined || now.at - first.at < SPACING_MS) return undefined
  const produce = perSecond(now.ends - first.ends, now.at - first.at)
  const [from, to] = [firstSample(moves), sampleAt(moves, moves.length - FIELDS)]
  const isMoving = to !== undefined && now.at - to.at <= 2 * Math.max(stepMs, SPACING_MS / 2)
  const consume =
    isMoving && from !== undefined && to.at - from.at >= SPACING_MS / 2
      ? perSecond(to.positions - from.positions, to.at - from.at)
      : perSecond(now.positions - first.positions, now.at - first.at)
  return { produce: Math.max(0, produce), consume: Math.max(0, consume) }
}

function perSecond(records: number, ms: number): number {
  return (records * 1_000) / ms
}
