import type { Outlook } from '../model/judgement.ts'
import type { Rates } from './block-samples.ts'

/** What a topic keeps, as its configuration says. */
export interface Kept {
  /** Milliseconds; absent without a limit. */
  readonly retentionMs?: number
  /** Bytes of a partition; absent without a limit. */
  readonly retentionBytes?: number
}

/**
 * Seconds until retention may delete the next record, the earliest: it deletes whole segments, so later as a rule. By time,
 * when the record is as old as `retention.ms`. By size, when as many records have arrived as lie before it: as if the log
 * were as large as it may be. Absent when neither is configured or known.
 *
 * @param records between log start and position
 * @param timeLagAtMost seconds; undefined when not known
 * @param arriving records a second; undefined when not known
 */
export function headroomSeconds(
  records: number,
  timeLagAtMost: number | undefined,
  arriving: number | undefined,
  kept: Kept,
): number | undefined {
  const byTime =
    kept.retentionMs === undefined || timeLagAtMost === undefined ? undefined : kept.retentionMs / 1_000 - timeLagAtMost
  const bySize =
    kept.retentionBytes === undefined || arriving === undefined || arriving <= 0 ? undefined : records / arriving
  if (kept.retentionMs !== undefined && byTime === undefined) return undefined
  const least = Math.min(byTime ?? Number.POSITIVE_INFINITY, bySize ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(least) ? Math.max(0, least) : undefined
}

/** A loss that is further away than this is for another day. */
const SOON_S = 24 * 3_600

/** Rates that differ by less are the same: both are samples of what comes in bursts and is committed in steps. */
const SAME_SHARE = 0.05

export interface OutlookFacts {
  readonly lag: number | undefined
  /** The least lag rose throughout the window: then it grows, however little the rates differ. */
  readonly isRising: boolean
  readonly rates: Rates | undefined
  readonly headroomSeconds: number | undefined
}

/** Whether the consumer will catch up, if both rates stay as they are. */
export function outlookOf({ lag, isRising, rates, headroomSeconds: headroom }: OutlookFacts): Outlook {
  if (lag === 0) return 'caught_up'
  if (lag === undefined || rates === undefined) return 'unknown'
  const { produce, consume } = rates
  if (consume > 0 && !isRising && Math.abs(consume - produce) <= SAME_SHARE * produce) return 'keeps_pace'
  if (consume > produce) return 'catches_up'
  if (headroom === undefined) return 'falls_behind'
  const loss = produce > consume ? (headroom * produce) / (produce - consume) : headroom
  return loss <= SOON_S ? 'loses_records' : 'falls_behind'
}

/** Seconds until the lag is gone; undefined when it does not shrink. */
export function drainOf({ lag, rates }: Pick<OutlookFacts, 'lag' | 'rates'>): number | undefined {
  if (lag === 0) return 0
  if (lag === undefined || rates === undefined || rates.consume <= rates.produce * (1 + SAME_SHARE)) return undefined
  return lag / (rates.consume - rates.produce)
}
