/** A topic of the demo. */
export interface TopicPlan {
  readonly name: string
  readonly partitions: number
  /** Records in all partitions, on average. */
  readonly perSecond: number
  /** Records are deleted when they are as old as this; kept for ever when absent. */
  readonly retentionSeconds?: number
}

/** A consumer of the demo that is no Flink job, and what is interesting about it. */
export interface ConsumerPlan {
  readonly group: string
  readonly topics: readonly string[]
  /** A live member of its group, nobody's any more, or a group that is deleted after a minute. */
  readonly kind: 'member' | 'stopped' | 'vanishes'
  /** What it can read, as a share of what is produced on average; above 1 it keeps up. */
  readonly speed: number
  readonly commitEverySeconds: number
  /** How far behind it starts, in records of all partitions. */
  readonly behind: number
  /** It works for `busy` of every `period` seconds. */
  readonly bursts?: { readonly period: number; readonly busy: number }
  /** A partition of its first topic that it never committed. */
  readonly neverCommits?: number
  /** A partition of its first topic whose commit lies beyond the end, as after a topic was restored from a backup. */
  readonly beyondEnd?: number
}

export const topicPlans: readonly TopicPlan[] = [
  { name: 'orders', partitions: 6, perSecond: 60 },
  { name: 'payments', partitions: 4, perSecond: 40 },
  { name: 'clicks', partitions: 12, perSecond: 600 },
  { name: 'shipments', partitions: 4, perSecond: 20 },
  { name: 'inventory', partitions: 3, perSecond: 30 },
  { name: 'catalog-changes', partitions: 2, perSecond: 25 },
  { name: 'refunds', partitions: 3, perSecond: 3 },
  { name: 'notifications', partitions: 3, perSecond: 50 },
  { name: 'audit-events', partitions: 2, perSecond: 40, retentionSeconds: 900 },
]

const steady = { speed: 3, behind: 0 } as const

export const consumerPlans: readonly ConsumerPlan[] = [
  // Somebody stopped it: nobody is in the group, the lag only grows.
  { group: 'invoice-export', topics: ['orders'], kind: 'stopped', speed: 0, behind: 30_000, commitEverySeconds: 5 },
  // Always caught up.
  { ...steady, group: 'order-status', topics: ['orders'], kind: 'member', commitEverySeconds: 1 },
  // Works in bursts, as a batch job does.
  {
    group: 'search-indexer',
    topics: ['catalog-changes'],
    kind: 'member',
    speed: 8,
    behind: 0,
    commitEverySeconds: 1,
    bursts: { period: 45, busy: 8 },
  },
  { ...steady, group: 'refund-audit', topics: ['refunds'], kind: 'member', commitEverySeconds: 5, neverCommits: 1 },
  { ...steady, group: 'email-sender', topics: ['notifications'], kind: 'member', commitEverySeconds: 2, beyondEnd: 2 },
  // A slow leak: nearly as fast as what arrives.
  { group: 'stock-replica', topics: ['inventory'], kind: 'member', speed: 0.9, behind: 0, commitEverySeconds: 1 },
  // Hangs: its member is there and commits nothing.
  { group: 'tax-report', topics: ['shipments'], kind: 'member', speed: 0, behind: 4_000, commitEverySeconds: 5 },
  // Its group is deleted after a minute.
  { ...steady, group: 'trial-export', topics: ['refunds'], kind: 'vanishes', commitEverySeconds: 5 },
  // Far behind and half as fast as what arrives: retention catches up with it within minutes.
  {
    group: 'audit-archive',
    topics: ['audit-events'],
    kind: 'member',
    speed: 0.5,
    behind: 24_000,
    commitEverySeconds: 2,
  },
]

/** The age at which a group that vanishes does so. */
export const VANISHES_AFTER_SECONDS = 60
