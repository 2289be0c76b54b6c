import type { SeenRecord, TimeBracket, TimeLookUp, TimestampType } from '../model/time-look-up.ts'
import { isFuture, latestTime } from './next-time.ts'

/**
 * What an answer adds.
 *
 * @param asked the time that was asked for
 * @param found the first record of that time or later; undefined when there is none
 */
export function narrowed(
  bracket: TimeBracket,
  position: bigint,
  asked: number,
  found: SeenRecord | undefined,
  now: number,
): TimeBracket {
  if (found !== undefined && found.offset <= position && isFuture(found, now))
    return { ...bracket, hiddenMs: Math.min(asked, bracket.hiddenMs ?? asked) }
  const beforeMs = Math.min(asked, bracket.beforeMs ?? asked)
  if (found === undefined) return { ...bracket, beforeMs }
  if (found.offset === position) return { ...bracket, here: found }
  if (found.offset > position) return { ...bracket, beforeMs, above: earlier(found, bracket.above) }
  return { ...bracket, below: later(found, bracket.below) }
}

/** What is known of a position from looks at its partition. */
export function bracketFrom(position: bigint, looks: Iterable<TimeLookUp>): TimeBracket {
  let bracket: TimeBracket = {}
  for (const look of looks) {
    const { below, here, above, beforeMs } = look.bracket
    for (const seen of [below, here, above]) {
      if (seen === undefined) continue
      if (seen.offset < position) bracket = { ...bracket, below: later(seen, bracket.below) }
      else if (seen.offset > position) bracket = { ...bracket, above: earlier(seen, bracket.above) }
      else bracket = { ...bracket, here: seen }
    }
    // The first record of that time lies behind this position too.
    const isBehind = look.position >= position || (above !== undefined && above.offset > position)
    if (beforeMs !== undefined && isBehind) bracket = noLater(bracket, beforeMs)
    if (here !== undefined && here.offset > position && look.position === here.offset)
      bracket = noLater(bracket, here.at)
  }
  return bracket
}

function noLater(bracket: TimeBracket, beforeMs: number): TimeBracket {
  return { ...bracket, beforeMs: Math.min(beforeMs, bracket.beforeMs ?? beforeMs) }
}

/** What a bracket says; a reason when it holds no record up to the position. */
export function toldBy(
  position: bigint,
  bracket: TimeBracket,
  now: number,
  type: TimestampType | undefined,
  rounds: number,
): TimeLookUp {
  const { below, here, above, beforeMs, hiddenMs } = bracket
  const none = { position, rounds, bracket }
  const best = here ?? below
  if (best === undefined) {
    if (hiddenMs !== undefined) return { ...none, reason: 'future_timestamp' }
    return { ...none, reason: beforeMs === 0 ? 'no_timestamp' : 'not_found' }
  }
  const isStamped = type === 'LogAppendTime'
  const isSettled = here !== undefined || latestTime(bracket, now) <= best.at
  const bound = here?.at ?? latest(isStamped, above, beforeMs, now)
  const notAfter = bound === undefined ? undefined : Math.max(best.at, bound)
  return {
    ...none,
    isExact: here !== undefined,
    at: best.at,
    guess: isSettled ? best.at : likeliest(position, best, above, notAfter),
    notBefore: best.at,
    ...(notAfter === undefined ? {} : { notAfter }),
    notAfterIsGuess: !isStamped,
    isSettled,
    source: 'timestamps',
  }
}

function likeliest(
  position: bigint,
  below: SeenRecord,
  above: SeenRecord | undefined,
  notAfter: number | undefined,
): number {
  if (above === undefined || notAfter === undefined) return below.at
  return below.at + (notAfter - below.at) * (Number(position - below.offset) / Number(above.offset - below.offset))
}

/** A broker stamps in order, so that what was too late bounds the record itself; else a later record says when about. */
function latest(
  isStamped: boolean,
  above: SeenRecord | undefined,
  beforeMs: number | undefined,
  now: number,
): number | undefined {
  if (isStamped && beforeMs !== undefined) return beforeMs - 1
  return above === undefined || isFuture(above, now) ? undefined : above.at
}

function later(one: SeenRecord, other: SeenRecord | undefined): SeenRecord {
  return other === undefined || one.offset > other.offset ? one : other
}

function earlier(one: SeenRecord, other: SeenRecord | undefined): SeenRecord {
  return other === undefined || one.offset < other.offset ? one : other
}
