/** A streaming job as its runtime knows it: facts as they were read, nothing concluded. */
export interface Job {
  readonly flinkCluster: string
  /** The name that its author gave it. Need not be the only one of that name. */
  readonly name: string
  /** 32 hex digits. Not unique between applications: with high availability it is the same in all. */
  readonly id: string
  /** Flink's own word, such as `RUNNING` or `RESTARTING`. */
  readonly state: string
  /** Milliseconds of the JobManager's wall clock. */
  readonly startedAt: number
  readonly endedAt?: number
  /** Of Flink, such as `1.20.5`. */
  readonly version?: string
  /** The REST address that said all this: evidence. */
  readonly rest: string
  readonly application?: JobApplication
  readonly vertices: readonly JobVertex[]
  /** Empty when the plan could not be read. */
  readonly plan: readonly PlanNode[]
  readonly restarts?: number
  readonly checkpoints?: JobCheckpoints
  readonly lastException?: { readonly at: number; readonly text: string }
  /** Monotonic milliseconds at which all this had been read. */
  readonly takenAt: number
  /** What could not be read this time, as sentences; what depends on it is absent above. */
  readonly unread: readonly string[]
}

/** The application on YARN that the job runs in. */
export interface JobApplication {
  readonly id: string
  readonly attempt?: number
  readonly name: string
  readonly queue: string
  readonly user: string
  readonly tags: readonly string[]
}

export interface JobVertex {
  /** 32 hex digits; the same in many unrelated jobs. */
  readonly id: string
  readonly name: string
  readonly parallelism: number
  readonly state: string
  /** Share of the time in which its most back-pressured subtask was held up, 0 to 1. */
  readonly backPressure?: number
}

/** A node of the plan: one vertex, with what is chained into it. */
export interface PlanNode {
  readonly id: string
  /** As Flink wrote it, its HTML entities undone and `<br/>` as line ends. */
  readonly description: string
  readonly parallelism: number
  /** Ids of the nodes that it reads from. */
  readonly inputs: readonly string[]
}

export interface JobCheckpoints {
  /** Absent when checkpointing is off. */
  readonly intervalMs?: number
  readonly completed: number
  readonly failed: number
  readonly inProgress: number
  readonly restored: number
  /** Milliseconds of the JobManager's wall clock; absent before the first. */
  readonly lastCompletedAt?: number
  readonly lastRestoredAt?: number
  readonly lastFailure?: { readonly at: number; readonly text: string }
}
