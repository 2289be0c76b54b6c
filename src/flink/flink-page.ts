/** Whose gauges: the labels that every gauge of an operator has, as the page shows them. */
export interface OperatorLabels {
  readonly jobId: string
  /** Filtered, as a rule. */
  readonly jobName: string
  /** The vertex. */
  readonly taskId: string
  readonly operatorId: string
  readonly operatorName: string
  readonly subtask: number
  readonly attempt: number
}

/** What a source says of one partition. Values are the gauges' own, sentinels included; absent when there is no gauge. */
export interface PartitionReading {
  readonly operator: OperatorLabels
  /** `source`: KafkaSource; `legacy`: FlinkKafkaConsumer and its forebears. */
  readonly generation: 'source' | 'legacy'
  /** Of a DynamicKafkaSource: which of its clusters. */
  readonly kafkaCluster?: string
  /** As the page shows it. */
  readonly topic: string
  readonly partition: number
  /** Offset of the last record. */
  readonly current?: number
  /** Next offset that was committed. */
  readonly committed?: number
}

/** What Flink itself says of an operator's lag, to be shown beside the true one. */
export interface OperatorReading {
  readonly operator: OperatorLabels
  readonly pendingRecords?: number
  readonly recordsLagMax?: number
  /** Share of the time, 0 to 1, of the task it is in; up to Flink 1.12 whether it was so at that moment, 0 or 1. */
  readonly backPressure?: number
  readonly watermarkLagMs?: number
  /** Age of the last record when it left the source, by its own timestamp. */
  readonly emitEventTimeLagMs?: number
}

/** One page of a Flink process, read to its end. */
export interface FlinkPage {
  /** As the page shows it; absent on the page of a JobManager. */
  readonly tmId?: string
  readonly partitions: readonly PartitionReading[]
  readonly operators: readonly OperatorReading[]
  /**
   * Filtered topic to the names behind it, from the HELP lines of legacy consumers. They prove a name, not that it is
   * the only one: of two topics that filter to one, a page shows the name that came first.
   */
  readonly topicNames: ReadonlyMap<string, ReadonlySet<string>>
  /** A label value has a character that the filter replaces: values are as they are, topics by their true names. */
  readonly hasTrueLabels?: true
  /** Bytes, decompressed. */
  readonly bytes: number
  /** Lines of our families that could not be understood. */
  readonly badLines: number
}

/** A page with where and when it was read. */
export interface PageReading {
  /** `<namespace>/<app>/<role>/<instance>` of the reporter. */
  readonly id: string
  readonly flinkCluster: string
  readonly url: string
  readonly page: FlinkPage
  /** Monotonic milliseconds: when it was asked for, and when it had arrived whole. */
  readonly sentAt: number
  readonly takenAt: number
}

/** Why a reporter has no page this time. */
export interface PageFailure {
  readonly id: string
  readonly flinkCluster: string
  readonly url: string
  /** `other_process`: the page names another TaskManager, nothing of it was used. */
  readonly kind: 'timeout' | 'refused' | 'too_large' | 'no_flink_page' | 'other_process' | 'failed'
  readonly why: string
  readonly at: number
}
