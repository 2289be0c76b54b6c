import type { RecordedSeries } from './recorded-series.ts'
import type { Scenario } from './scenario.ts'
import type { Track } from './track.ts'
import { stampOf } from './world.ts'

const seconds = 'stream_consumer_time_lag_seconds'
const uncertainty = 'stream_consumer_time_lag_uncertainty_seconds'
export const timeLagNames = [seconds, uncertainty] as const

/** How the printed time lags of a consumer did. */
export interface TimeLagCheck {
  readonly samples: number
  /** Scrapes without one. */
  readonly absent: number
  /** Those that were farther from the truth than they said, with it. */
  readonly wrong: readonly { readonly second: number; readonly printed: number; readonly truth: number }[]
}

/** The world goes second by second, and a cycle is up to a second after the one that it is held against. */
const TOLERANCE_SECONDS = 2.5

/** Partitions that differ, and logs that begin anew, have more than one truth. */
export function isTruthKnown({ behaviour, stuckFrom, vanishesAt }: Scenario): boolean {
  return behaviour.recreate === undefined && stuckFrom === undefined && vanishesAt === undefined
}

export function checkTimeLags(
  track: Track,
  recorded: Pick<RecordedSeries, 'values'>,
  consumer: string,
  stepSeconds: number,
): TimeLagCheck {
  const printed = recorded.values(seconds, consumer)
  const plusMinus = recorded.values(uncertainty, consumer)
  const wrong: { second: number; printed: number; truth: number }[] = []
  let samples = 0
  for (const [step, value] of printed.entries()) {
    if (value === undefined) continue
    samples++
    const second = step * stepSeconds
    const since = waitingSince(track, second)
    const truth = second - since
    const allowed = (plusMinus[step] ?? 0) + TOLERANCE_SECONDS
    // The log itself says that a record is a little older than it is.
    const tooOld = since - stampOf(since, track.end.length)
    if (value < truth - allowed || value > truth + tooOld + allowed) wrong.push({ second, printed: value, truth })
  }
  return { samples, absent: printed.length - samples, wrong }
}

/** The second at which the log end passed the position of this second; the same second for what is read to the end. */
function waitingSince({ past, end, start, committed }: Track, second: number): number {
  const position = Math.max(committed[second]!, start[second]!)
  if (position >= end[second]!) return second
  const endAt = (at: number): number => (at < 0 ? past[past.length + at]! : end[at]!)
  let since = second
  while (since > -past.length && endAt(since - 1) > position) since--
  return since
}
