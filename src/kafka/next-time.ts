import type { SeenRecord, TimeBracket } from '../model/time-look-up.ts'

/** What is asked about one partition. Times are wall milliseconds. */
export interface TimeQuestion {
  readonly topic: string
  readonly partition: number
  /** Before the log end: there must be a record to tell the time of. */
  readonly position: bigint
  readonly start: bigint
  /** The log end, and when it was read: helps to guess. */
  readonly end?: SeenRecord
  /** When the record at the position may have been appended; absent when there is no idea. */
  readonly guess?: number
}

/** Which question of a call it is, from 0. */
export interface Round {
  readonly index: number
  readonly isLast: boolean
  /** Whether the log start lies on the leader's own disk, so that its time may be asked for. */
  readonly mayAskStart: boolean
}

/** A timestamp further ahead of our clock than this proves nothing. */
const CLOCK_SLACK_MS = 1_000
const SHORTEST_STEP_MS = 1_000
/** How many times farther one side must be than the other to aim between the position and it. */
const UNEVEN = 8
/** Difference of two paces that are the same, relative to the one that records at random would have. */
const EVEN = 0.05
/** The last step is so much longer: a wide bound is worth more than none. */
const LAST_STEP = 8

export function isFuture({ at }: SeenRecord, now: number): boolean {
  return at > now + CLOCK_SLACK_MS
}

/**
 * The time to ask for next; undefined when no answer could tell more. The first record of time t or later is monotone in
 * t, and lies at the position or before it exactly for every t up to the largest timestamp before: a search for one
 * number, in which every answer also gives a record whose own timestamp is a good next question. There are few rounds,
 * so the first answers are to lie near the position on both sides of it, and the last one at it.
 */
export function nextTime(
  question: TimeQuestion,
  bracket: TimeBracket,
  now: number,
  { index, isLast, mayAskStart }: Round,
): number | undefined {
  const { position, start, end, guess } = question
  const { below, above, here } = bracket
  const lowest = below === undefined ? 0 : below.at + 1
  const highest = latestTime(bracket, now)
  if (here !== undefined || highest < lowest) return undefined
  // Whatever comes behind the record before the position is at the position, or past it.
  if (below !== undefined && position - below.offset === 1n) return lowest
  // The first record of all times is that of the log start.
  const isBlind = above === undefined ? isLast || (index === 0 && guess === undefined) : isLast && end === undefined
  if (below === undefined && mayAskStart && (position <= start || isBlind)) return 0
  const isNarrow = below !== undefined && above !== undefined && !isFuture(above, now)
  if (index === 0 && !isNarrow && guess !== undefined && guess >= lowest && guess <= highest) return Math.floor(guess)
  const time = Math.floor(alongRecords(question, bracket, now, isLast) ?? Number.NaN)
  if (time >= lowest && time <= highest) return time
  return Math.min(highest, Math.max(lowest, Math.floor(middle(bracket, now))))
}

/** The last time that is not known to be too late. */
export function latestTime(
  { beforeMs = Number.POSITIVE_INFINITY, hiddenMs = Number.POSITIVE_INFINITY }: TimeBracket,
  now: number,
): number {
  return Math.min(beforeMs - 1, hiddenMs - 1, now)
}

/**
 * As if records came evenly between two that are known. What is aimed at lies a little past the position, away from the
 * nearer of what is known, by twice the scatter of records that come at random: so that both sides become known near by.
 */
function alongRecords(
  { position, end }: TimeQuestion,
  { below, above, beforeMs }: TimeBracket,
  now: number,
  isLast: boolean,
): number | undefined {
  const next = above !== undefined && !isFuture(above, now) ? above : undefined
  if (below === undefined) {
    if (next === undefined || end === undefined || end.offset <= next.offset) return undefined
    const records = Number(next.offset - position)
    const back = rate(next, end) * (records + scatter(records))
    return next.at - Math.max(1, back) * (isLast ? LAST_STEP : 1)
  }
  const right = next ?? end
  if (right === undefined || right.offset <= position) return undefined
  const line = next ?? { offset: right.offset, at: Math.min(right.at, beforeMs ?? right.at) }
  const [before, behind] = [Number(position - below.offset), Number(line.offset - position)]
  const pace = rate(below, line)
  if (next !== undefined && isEven(pace, before + behind, next, end)) return below.at + pace * before
  const past = before < behind / UNEVEN ? scatter(before) : behind < before / UNEVEN ? -scatter(behind) : 0
  return below.at + pace * (before + past)
}

function scatter(records: number): number {
  return 2 * Math.sqrt(records)
}

/** Whether records come as fast up to the log end, closer than chance would have it: then the line hits the position. */
function isEven(pace: number, records: number, next: SeenRecord, end: SeenRecord | undefined): boolean {
  if (end === undefined || end.offset <= next.offset) return false
  const fewest = Math.min(records, Number(end.offset - next.offset))
  return Math.abs(pace / rate(next, end) - 1) * Math.sqrt(fewest) < EVEN
}

/** Milliseconds a record. */
function rate(left: SeenRecord, right: SeenRecord): number {
  return (right.at - left.at) / Number(right.offset - left.offset)
}

/** Without two records to draw a line through: half way, or twice as long ago as what was too late. */
function middle(bracket: TimeBracket, now: number): number {
  const { below } = bracket
  const late = latestTime(bracket, now)
  if (below !== undefined) return below.at + (late - below.at) / 2
  return late - Math.max(SHORTEST_STEP_MS, now - late)
}
