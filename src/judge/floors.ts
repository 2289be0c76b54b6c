/** The lowest that a lag was in one stretch of time: what remains of a saw-tooth when the teeth are taken off. */
interface Floor {
  /** Monotonic milliseconds. */
  readonly since: number
  /** Records. */
  readonly lag: number
  /** Seconds; absent when it was not known throughout. */
  readonly timeLag?: number
  /** Sum of the log ends when the stretch began. */
  readonly ends: number
}

/** The stretches of a window, the oldest first; the last one is still open. */
export type Floors = readonly Floor[]

/** Closed stretches that make a trend. */
const CLOSED = 3
/** A floor that rises by less than this share of what arrived, or of the time that passed, rises by chance. */
const LEAST_RISE = 0.005

export interface FloorSample {
  readonly at: number
  readonly lag: number
  readonly timeLag: number | undefined
  readonly ends: number
}

/** @param stretchMs at least as long as the consumer takes from one commit to the next */
export function addToFloors(floors: Floors, { at, lag, timeLag, ends }: FloorSample, stretchMs: number): Floors {
  const open = floors.at(-1)
  if (open === undefined || ends < open.ends) return [begin()]
  if (at - open.since >= stretchMs) return [...floors.slice(-CLOSED), begin()]
  const least = timeLag === undefined || open.timeLag === undefined ? undefined : Math.min(open.timeLag, timeLag)
  if (lag >= open.lag && least === open.timeLag) return floors
  return floors.with(-1, {
    since: open.since,
    lag: Math.min(open.lag, lag),
    ends: open.ends,
    ...(least === undefined ? {} : { timeLag: least }),
  })

  function begin(): Floor {
    return { since: at, lag, ends, ...(timeLag === undefined ? {} : { timeLag }) }
  }
}

/** By how many records and seconds the floor rose throughout the window; undefined when it did not. */
export function riseOf(floors: Floors): { readonly records: number; readonly overMs: number } | undefined {
  if (floors.length <= CLOSED) return undefined
  const [one, two, three, open] = floors as readonly [Floor, Floor, Floor, Floor]
  const isRising = one.lag < two.lag && two.lag < three.lag && three.lag <= open.lag
  if (!isRising) return undefined
  const records = three.lag - one.lag
  if (records <= LEAST_RISE * (three.ends - one.ends)) return undefined
  // More records that are read as fast as ever are no delay.
  const overMs = three.since - one.since
  if (one.timeLag !== undefined && three.timeLag !== undefined) {
    const isDelayed = (three.timeLag - one.timeLag) * 1_000 > LEAST_RISE * overMs
    if (!isDelayed) return undefined
  }
  return { records, overMs }
}

/**
 * The lowest of the open stretch and the last closed one: at least as long as from one commit to the next. While nobody
 * knows how long that is, the lowest of the whole window.
 */
export function floorOf(
  floors: Floors,
  isStepKnown: boolean,
): { readonly lag: number; readonly timeLag?: number } | undefined {
  const stretches = isStepKnown ? 2 : CLOSED + 1
  const last = floors.slice(-stretches)
  if (last.length < stretches) return undefined
  const lag = Math.min(...last.map((floor) => floor.lag))
  const times = last.flatMap(({ timeLag }) => timeLag ?? [])
  return { lag, ...(times.length < last.length ? {} : { timeLag: Math.min(...times) }) }
}
