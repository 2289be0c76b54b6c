import type { Finding } from './finding.ts'
import type { Job } from './job.ts'
import type { ConsumerJudgement } from './judgement.ts'

/** One job as it is shown everywhere: one for each name in a Flink cluster, whatever run it is that has the name now. */
export interface JobView {
  readonly flinkCluster: string
  /** The only one of its kind in the Flink cluster; the name of the job, or made of it. */
  readonly label: string
  /** The name that its author gave it, whole. */
  readonly name: string
  /** Its run as it was last read; absent for a job that is only expected. */
  readonly job?: Job
  /** Its JobManager lists it and it has not ended; absent while that is not known. */
  readonly present?: boolean
  readonly expectedRunning: boolean
  /** Restarts within runs, and runs after the first; absent while nobody has told. */
  readonly restarts?: number
  /** Consumer groups that it commits to, as far as known. */
  readonly groups: readonly string[]
  readonly sources: readonly SourceFigures[]
  /** How its consumer is doing; absent when nobody judges it, and for jobs that are not there. */
  readonly judged?: ConsumerJudgement
  /** Of its most held-up vertex, 0 to 1. */
  readonly backPressure?: number
  /** Of its slowest operator. */
  readonly watermarkLagMs?: number
  /** The worst first, at most one of a kind. */
  readonly findings: readonly Finding[]
}

/** What one vertex that reads Kafka has before it. */
export interface SourceFigures {
  /** Its name without the numbers that every submission changes; the only one in its job. */
  readonly vertex: string
  readonly vertexId: string
  /** As the pages of its processes show them. */
  readonly topics: readonly string[]
  readonly partitions: number
  /** The true lag; absent when one of its partitions is unknown. */
  readonly recordsLag?: number
  /** What Flink itself says. */
  readonly pendingRecords?: number
  readonly backPressure?: number
}

/** Words that Flink has for the state of a job, and ours for when it has none. */
export const jobStates = [
  'initializing',
  'created',
  'running',
  'failing',
  'failed',
  'cancelling',
  'canceled',
  'finished',
  'restarting',
  'suspended',
  'reconciling',
  'gone',
  'unknown',
] as const

export type JobState = (typeof jobStates)[number]

/** `gone`: not listed any more though it had not ended; `unknown`: not read for too long, or a word that is new to us. */
export function jobState({ job, present }: JobView): JobState {
  if (job === undefined) return present === undefined ? 'unknown' : 'gone'
  if (present === undefined) return 'unknown'
  const word = stateWord(job.state)
  return present || hasEnded(job) ? word : 'gone'
}

/** Flink will not run it again. */
export function hasEnded({ state }: Job): boolean {
  return ends.has(state)
}

const ends: ReadonlySet<string> = new Set(['FINISHED', 'CANCELED', 'FAILED'])

function stateWord(state: string): JobState {
  const word = state.toLowerCase()
  return jobStates.find((known) => known === word) ?? 'unknown'
}
