import type { TimestampType } from './time-look-up.ts'

/** How long a topic keeps its records, as its configuration has it. */
export interface Retention {
  /** `delete`: what is too old or too much goes. `compact`: the last record of each key stays. */
  readonly cleanup: 'delete' | 'compact' | 'both'
  /** Age, by the timestamps of records, from which they may be deleted; absent for no limit. Says nothing for `compact`. */
  readonly retentionMs?: number
  /** Size of each partition, from which its oldest records may be deleted; absent for no limit. As `retentionMs`. */
  readonly retentionBytes?: number
  readonly timestampType: TimestampType
  /** Whether old segments lie in remote storage; absent where brokers do not know it (before 3.6). */
  readonly remote?: boolean
}
