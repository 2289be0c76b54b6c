/** What the source of positions must know of a Flink job; the app makes it of what discovery and inventory know. */
export interface FlinkJobView {
  /** `<flink cluster>/<label of the job>`, the only one of its name. */
  readonly consumer: string
  readonly flinkCluster: string
  /** Of the run that is there now, or was last. */
  readonly jobId: string
  /** Of Flink, such as `1.20.5`. */
  readonly version?: string
  readonly applicationId?: string
  /** In Flink's word, such as `RUNNING`. */
  readonly state: string
  /** REST address that said so: evidence. */
  readonly rest: string
  /** It should run: when it has ended, its partitions are still expected to be read. */
  readonly expectedRunning: boolean
  /** Its consumer group when that is configured. */
  readonly group?: string
  /** Names of the Kafka clusters that it reads, when that is configured for it; else `kafkaClusterOf` says it. */
  readonly kafkaClusters?: readonly string[]
  /** Subtasks of each vertex by its id, as far as known; 0 for a vertex that has finished. */
  readonly parallelism: ReadonlyMap<string, number>
}

/** Flink will not run it again. */
export function hasEnded({ state }: FlinkJobView): boolean {
  return ends.has(state)
}

const ends: ReadonlySet<string> = new Set(['FINISHED', 'CANCELED', 'FAILED'])

/**
 * Up to 1.14.2 a KafkaSource's current gauge says what was fetched, which may be a thousand records ahead of what the job
 * was given (FLINK-25132): of it nothing can be said but where it will be later.
 */
export function hasFetchLevelGauges({ version }: Pick<FlinkJobView, 'version'>): boolean {
  const [major = 0, minor = 0, patch = 0] = (version ?? '').split('.').map((part) => Number.parseInt(part, 10))
  return major === 1 && (minor < 14 || (minor === 14 && patch < 3))
}
