/** What a job says that it committed, to find out which group is its own, and what it needs a group for. */
export interface JobCommits {
  /** `<flink cluster>/<job>`. */
  readonly consumer: string
  /** Of its present run. */
  readonly jobId: string
  readonly applicationId?: string
  /** As configured; then nothing is learned. */
  readonly group?: string
  /** It is known to run now: what it does not say, it does not do. */
  readonly isRunning: boolean
  /** Every subtask that reads was seen: it reads no topics but those it has rows for. */
  readonly isComplete: boolean
  /** An operator commits to one group; a job may have several. */
  readonly operators: readonly OperatorCommits[]
}

export interface OperatorCommits {
  readonly operatorId: string
  readonly offsets: readonly CommittedGauge[]
}

/** A gauge of the next offset that was committed, where it is known. */
export interface CommittedGauge {
  /** One name, or those that the shown one may stand for. */
  readonly topics: readonly string[]
  readonly partition: number
  readonly offset: number
  /** Monotonic milliseconds between which the gauge was looked at. */
  readonly sentAt: number
  readonly takenAt: number
}
