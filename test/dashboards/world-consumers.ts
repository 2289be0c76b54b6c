import type { Status } from '../../src/model/judgement.ts'
import type { Severity } from '../../src/model/objective.ts'

export const MINUTE = 60
export const HOUR = 3_600

interface TopicStory {
  readonly kafkaCluster: string
  readonly partitions: number
  /** Records in all partitions. */
  readonly perSecond: number
  /** Seconds. */
  readonly retention: number
}

export const topics: Readonly<Record<string, TopicStory>> = {
  orders: { kafkaCluster: 'main', partitions: 3, perSecond: 60, retention: 24 * HOUR },
  clicks: { kafkaCluster: 'main', partitions: 4, perSecond: 600, retention: 24 * HOUR },
  payments: { kafkaCluster: 'main', partitions: 3, perSecond: 40, retention: 72 * HOUR },
  refunds: { kafkaCluster: 'main', partitions: 2, perSecond: 3, retention: 6 * HOUR },
  stock: { kafkaCluster: 'main', partitions: 2, perSecond: 30, retention: 72 * HOUR },
  telemetry: { kafkaCluster: 'edge', partitions: 2, perSecond: 90, retention: 12 * HOUR },
}

/** What happens to one consumer in six hours. Times are seconds left until the end of the story. */
export interface ConsumerStory {
  readonly consumer: string
  readonly kind: 'classic' | 'flink'
  readonly topic: string
  /** Seconds between its commits. */
  readonly commits: number
  readonly status: (left: number) => Status
  /** Seconds behind, of which the records follow. */
  readonly behind: (left: number) => number
  readonly members?: (left: number) => number
  /** Why one of its partitions is not known. */
  readonly unknown?: (left: number) => string | undefined
  readonly standsSince?: number
  readonly goneSince?: number
  readonly rewindAt?: number
  readonly lost?: (left: number) => number
  readonly objectives?: readonly {
    readonly owner: string
    readonly severity: Severity
    readonly seconds?: number
    readonly records?: number
  }[]
}

/** Records that a consumer is behind: what its story says, and what came in since its last commit. */
export function lagAt({ behind, topic, commits, standsSince }: ConsumerStory, seconds: number, left: number): number {
  const stands = standsSince !== undefined && left < standsSince
  // Not in step with the scrapes, which would always see the same moment of the saw-tooth.
  return (behind(left) + (stands ? 0 : (seconds + left / 7) % commits)) * topics[topic]!.perSecond
}

/** Seconds since a moment, 0 before it. */
function since(moment: number, left: number): number {
  return Math.max(0, moment - left)
}

const ok = (): Status => 'ok'

export const consumerStories: readonly ConsumerStory[] = [
  // Somebody stopped it an hour and a half ago.
  {
    consumer: 'invoice-export',
    kind: 'classic',
    topic: 'orders',
    commits: 5,
    standsSince: 90 * MINUTE,
    behind: (left) => since(90 * MINUTE, left),
    status: (left) => (left < 80 * MINUTE ? 'stopped' : 'ok'),
    members: (left) => (left < 90 * MINUTE ? 0 : 2),
    objectives: [
      { owner: 'billing', severity: 'warning', seconds: 600 },
      { owner: 'billing', severity: 'critical', seconds: 3_600 },
    ],
  },
  // A little too slow for four hours; commits at its checkpoints.
  {
    consumer: 'prod/clickstream-sessions',
    kind: 'flink',
    topic: 'clicks',
    commits: 60,
    behind: (left) => since(4 * HOUR, left) * 0.05,
    status: (left) => (left < 2 * HOUR ? 'lagging' : 'ok'),
    objectives: [{ owner: 'web', severity: 'warning', records: 250_000 }],
  },
  {
    consumer: 'prod/fraud-detection',
    kind: 'flink',
    topic: 'payments',
    commits: 37,
    behind: () => 2,
    status: ok,
    objectives: [{ owner: 'risk', severity: 'critical', seconds: 120 }],
  },
  // Works every forty minutes for ten.
  {
    consumer: 'search-indexer',
    kind: 'classic',
    topic: 'orders',
    commits: 2,
    behind: (left) => {
      const into = (6 * HOUR - left) % (40 * MINUTE)
      return into < 30 * MINUTE ? into : Math.max(0, 30 * MINUTE - (into - 30 * MINUTE) * 4)
    },
    status: ok,
    members: () => 1,
    objectives: [{ owner: 'search', severity: 'warning', seconds: 1_500 }],
  },
  {
    consumer: 'refund-audit',
    kind: 'classic',
    topic: 'refunds',
    commits: 5,
    behind: () => 0,
    status: () => 'unknown',
    members: () => 1,
    unknown: () => 'unauthorized',
  },
  // Set back six minutes ago, and catches up.
  {
    consumer: 'stock-loader',
    kind: 'classic',
    topic: 'stock',
    commits: 5,
    rewindAt: 6 * MINUTE,
    behind: (left) => (left < 6 * MINUTE ? Math.max(0, 2 * HOUR - since(6 * MINUTE, left) * 8) : 0),
    status: (left) => (left < 6 * MINUTE ? 'rewound' : 'ok'),
    members: () => 3,
  },
  // So far behind that retention takes what it has not read.
  {
    consumer: 'old-report',
    kind: 'classic',
    topic: 'refunds',
    commits: 20,
    behind: (left) => 3 * HOUR + since(6 * HOUR, left) * 0.2,
    status: () => 'lagging',
    members: () => 1,
    lost: (left) => (left < 40 * MINUTE ? 1_800 : 0),
  },
  {
    consumer: 'sensor-archive',
    kind: 'classic',
    topic: 'telemetry',
    commits: 10,
    behind: () => 0,
    status: ok,
    members: () => 1,
    goneSince: 2 * HOUR,
  },
  // Its position stands still, and its members do not know it.
  {
    consumer: 'sensor-alerts',
    kind: 'classic',
    topic: 'telemetry',
    commits: 10,
    standsSince: 25 * MINUTE,
    behind: (left) => since(25 * MINUTE, left),
    status: (left) => (left < 15 * MINUTE ? 'stalled' : 'ok'),
    members: () => 2,
    objectives: [{ owner: 'plant', severity: 'critical', seconds: 900 }],
  },
]
