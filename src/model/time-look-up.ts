import type { Reason } from './reason.ts'
import type { TimeLagSource } from './time-lag.ts'

/** Who stamps the records of a topic: its producers, or the broker that appends them (`message.timestamp.type`). */
export type TimestampType = 'CreateTime' | 'LogAppendTime'

/** A record that a broker has told of. */
export interface SeenRecord {
  readonly offset: bigint
  /** Its timestamp, in milliseconds since 1970. */
  readonly at: number
}

/**
 * What is known of the timestamps of one partition around a position p: let M be the largest timestamp of all records up
 * to p. Every statement stays true while the log is the same one, so that a later look-up may begin with it.
 */
export interface TimeBracket {
  /** The last record before p that was told: M is its timestamp or more. */
  readonly below?: SeenRecord
  /** The record at p itself: then M is its timestamp. */
  readonly here?: SeenRecord
  /** The first record behind p that was told. */
  readonly above?: SeenRecord
  /** M is less than this: the first record of this time or later lies behind p, or there is none. */
  readonly beforeMs?: number
  /** From this time on every answer is a record up to p that is dated ahead of our clock, and tells nothing. */
  readonly hiddenMs?: number
}

/**
 * When the record at a position was appended, as far as timestamps tell. Times are milliseconds since 1970 by the clock
 * of whoever stamped the records.
 */
export interface LookedUp {
  readonly position: bigint
  /** `at` is the timestamp of the record at the position. */
  readonly isExact: boolean
  /** The latest timestamp that was seen of a record up to the position. */
  readonly at: number
  /** The likeliest moment within the bounds: between two records in proportion to their offsets. */
  readonly guess: number
  /** Appended no earlier than this: no record is appended before it was made, unless a producer's clock is ahead. */
  readonly notBefore: number
  /** Appended no later than this. Absent where no later record was told. */
  readonly notAfter?: number
  /**
   * Producers stamp what they write, and may write it late: then `notAfter` is the timestamp of a later record and
   * proves nothing. False only where the broker stamps.
   */
  readonly notAfterIsGuess: boolean
  /** More look-ups would not tell more. */
  readonly isSettled: boolean
  readonly source: Exclude<TimeLagSource, 'log_ends'>
  /** Requests about this partition, in this call. */
  readonly rounds: number
  readonly bracket: TimeBracket
}

/**
 * Why there is no time. Besides the reasons for every number:
 *
 * - `cold`: the position lies in remote storage, where nobody looks unasked
 * - `no_timestamp`: the records have none (written before 0.10, or in its format)
 * - `future_timestamp`: a record up to the position is dated ahead of our clock and hides all others
 * - `not_found`: no record up to the position was met in the rounds there are; or none at it, where it was to be read
 */
export type NoTimeReason = Reason | 'cold' | 'no_timestamp' | 'future_timestamp' | 'not_found'

export interface NoTime {
  readonly position: bigint
  readonly reason: NoTimeReason
  readonly rounds: number
  readonly bracket: TimeBracket
}

export type TimeLookUp = LookedUp | NoTime
