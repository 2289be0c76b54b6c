import type { FindingKind } from '../../src/model/finding.ts'
import type { JobState } from '../../src/model/job-view.ts'
import { HOUR, MINUTE } from './world-consumers.ts'

/** What happens to one Flink job in six hours. Times are seconds left until the end of the story. */
interface JobStory {
  readonly flinkCluster: string
  readonly job: string
  readonly topic: string
  readonly version: string
  readonly isExpected: boolean
  readonly state: (left: number) => JobState
  readonly checkpointEvery?: number
  readonly checkpointStoppedAt?: number
  readonly restarts?: (left: number) => number
  readonly failed?: (left: number) => number
  readonly backPressure?: (left: number) => number
  readonly watermarkLag?: (left: number) => number
  readonly lag?: (left: number) => number
  /** What Flink says of it. */
  readonly pending?: (left: number) => number
  readonly findings?: readonly FindingKind[]
}

const running = (): JobState => 'running'
const prod = { flinkCluster: 'prod', version: '1.20.5', isExpected: true, state: running } as const

export const jobStories: readonly JobStory[] = [
  { ...prod, job: 'fraud-detection', topic: 'payments', checkpointEvery: 37, watermarkLag: (left) => 4 + (left % 3) },
  // Held up by its sink: Flink's own number stays near nothing.
  {
    ...prod,
    job: 'clickstream-sessions',
    topic: 'clicks',
    checkpointEvery: 60,
    backPressure: (left) => (left < 4 * HOUR ? 0.62 + 0.05 * Math.sin(left / 400) : 0.1),
    watermarkLag: (left) => 5 + Math.max(0, 4 * HOUR - left) * 0.05,
    lag: (left) => Math.max(40, 4 * HOUR - left) * 30,
    pending: (left) => 900 + 300 * Math.sin(left / 250),
    findings: ['parallelism_above_partitions'],
  },
  // Fails again and again.
  {
    ...prod,
    job: 'order-enrichment',
    topic: 'orders',
    version: '2.2.1',
    checkpointEvery: 25,
    state: (left) => (left % 1_200 < 130 && left > 200 ? 'restarting' : 'running'),
    restarts: (left) => Math.floor((6 * HOUR - left + 130) / 1_200) + 3,
  },
  // Its checkpoints hang, and some fail before that.
  {
    ...prod,
    job: 'payment-settlement',
    topic: 'payments',
    checkpointEvery: 60,
    checkpointStoppedAt: 26 * MINUTE,
    failed: (left) => Math.max(0, Math.floor((40 * MINUTE - left) / 240)),
    lag: (left) => (left < 26 * MINUTE ? (26 * MINUTE - left) * 40 : 30),
    pending: (left) => (left < 26 * MINUTE ? 0 : 30),
    findings: ['checkpoint_overdue'],
  },
  {
    ...prod,
    job: 'ledger-sync',
    topic: 'payments',
    checkpointEvery: 30,
    checkpointStoppedAt: 42 * MINUTE,
    state: (left) => (left < 42 * MINUTE ? 'gone' : 'running'),
  },
  { ...prod, job: 'nightly-backfill', topic: 'stock', isExpected: false, state: () => 'finished' },
  {
    ...prod,
    flinkCluster: 'lab',
    job: 'adhoc-session',
    topic: 'stock',
    version: '2.0.2',
    state: (left) => (left < 12 * MINUTE ? 'unknown' : 'running'),
    findings: ['checkpointing_off', 'end_of_life'],
  },
]
