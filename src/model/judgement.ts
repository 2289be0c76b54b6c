import type { TimeLag } from './time-lag.ts'

/** How a consumer is doing, the worst last. */
export const statuses = ['ok', 'unknown', 'lagging', 'rewound', 'stalled', 'stopped'] as const
export type Status = (typeof statuses)[number]

/**
 * Whether a consumer with lag will catch up before retention takes what it has not read. Assumes that both rates stay as
 * they are and that retention deletes as early as it may.
 */
export const outlooks = ['caught_up', 'catches_up', 'keeps_pace', 'falls_behind', 'loses_records', 'unknown'] as const
export type Outlook = (typeof outlooks)[number]

/** What is thought of a consumer on one topic. Immutable; what is unknown is absent. */
export interface TopicJudgement {
  readonly status: Status
  /** Why it is not ok, in a sentence with the numbers. */
  readonly why?: string
  /** Milliseconds of the wall clock since which it has this status. */
  readonly since: number
  /** The largest of the partitions. */
  readonly timeLag?: TimeLag
  /** Seconds, by the records' own timestamps. */
  readonly eventTimeLag?: number
  /** Records a second. */
  readonly produceRate?: number
  readonly consumeRate?: number
  /** Seconds until the lag is gone. */
  readonly drain?: number
  readonly headroomRecords?: number
  readonly headroomSeconds?: number
  readonly outlook: Outlook
  /** Milliseconds of the wall clock. */
  readonly positionChangedAt?: number
  /** Milliseconds. */
  readonly commitInterval?: number
  readonly rewinds: number
}

/** The worse of two. */
export function worse(one: Status, other: Status): Status {
  return statuses.indexOf(one) > statuses.indexOf(other) ? one : other
}

/** What is thought of a consumer as a whole. */
export interface ConsumerJudgement {
  readonly consumer: string
  /** That of its worst topic. */
  readonly status: Status
  /** Why it is not ok. */
  readonly why?: string
  /** Milliseconds, the largest of its topics; absent when one of them is not known. */
  readonly timeLagMs?: number
}

/** As it is when this is its only topic. */
export function consumerJudgement(consumer: string, { status, why, timeLag }: TopicJudgement): ConsumerJudgement {
  return {
    consumer,
    status,
    ...(why === undefined ? {} : { why }),
    ...(timeLag === undefined ? {} : { timeLagMs: timeLag.seconds * 1_000 }),
  }
}

/** Of a consumer of which both are said: the worse of two, the first where they are as bad. */
export function worseOff(one: ConsumerJudgement, other: ConsumerJudgement): ConsumerJudgement {
  const { timeLagMs: _, ...worst } = worse(one.status, other.status) === one.status ? one : other
  if (one.timeLagMs === undefined || other.timeLagMs === undefined) return worst
  return { ...worst, timeLagMs: Math.max(one.timeLagMs, other.timeLagMs) }
}
