/** How the position of a Flink job on one partition came to be: for explain, made when somebody asks. */
export interface PositionTrace {
  readonly flinkCluster: string
  /** REST address of the JobManager; absent while the job is only remembered. */
  readonly jobManager?: string
  readonly jobId?: string
  readonly applicationId?: string
  /** In Flink's word. */
  readonly state?: string
  /** How the topic was made out behind the name on the page, as a sentence. */
  readonly topicName?: string
  /** Every gauge that was looked at, those that count first. */
  readonly gauges: readonly GaugeTrace[]
  /** Position by the gauges alone; absent when they say none. */
  readonly gaugePosition?: number
  /** What the groups of the job have committed, whether it counts or not. */
  readonly commits: readonly CommitTrace[]
  /** Which of all these is the position and why, or why none is, as a sentence. */
  readonly verdict: string
}

export interface GaugeTrace {
  /** Address of the page. */
  readonly page: string
  /** Monotonic milliseconds. */
  readonly sentAt: number
  readonly takenAt: number
  /** The vertex: its id, and the operator in it. */
  readonly vertex: string
  readonly operator: string
  readonly operatorName: string
  readonly subtask: number
  readonly attempt: number
  /** Name and value of each gauge as they stand on the page, sentinels included. */
  readonly current?: { readonly gauge: string; readonly value: number }
  readonly committed?: { readonly gauge: string; readonly value: number }
  /** Next offset that these say; absent when they say none. */
  readonly position?: number
  /** Whether it counts, and why not, as a sentence. */
  readonly verdict: string
}

export interface CommitTrace {
  readonly group: string
  readonly offset: bigint
}
