/** One metric family: what stands behind HELP and TYPE, and the labels of its series in the order they are printed. */
export interface Family {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  /** One line of plain text. */
  readonly help: string
  readonly labels: readonly string[]
  /** Labels that are the same on every line, as they are printed. */
  readonly constant?: string
  /** What one series stands for. */
  readonly level: 'partition' | 'topic' | 'consumer' | 'cluster' | 'job' | 'replica'
  /** Its series stand in the place of series of another family, not beside them. */
  readonly isInstead?: true
}

/**
 * The lag families, rendered from snapshots in this order. This file is the only place that spells a metric name:
 * alerts, dashboards and docs are checked against it.
 */
export const lagFamilies = {
  recordsLag: {
    name: 'stream_consumer_records_lag',
    type: 'gauge',
    help: 'Records of the partition that the consumer has not read and that are still there: log end minus the larger of position and log start. Absent when unknown; taken by the last cycle, not by the scrape.',
    labels: ['kafka_cluster', 'consumer', 'topic', 'partition'],
    level: 'partition',
  },
  position: {
    name: 'stream_consumer_position',
    type: 'gauge',
    help: 'Offset of the next record that the consumer will read.',
    labels: ['kafka_cluster', 'consumer', 'topic', 'partition'],
    level: 'partition',
  },
  topicRecordsLag: {
    name: 'stream_consumer_topic_records_lag',
    type: 'gauge',
    help: 'Records lag of the consumer summed over the partitions of the topic. Absent when a partition that counts is unknown, so never understated.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  totalRecordsLag: {
    name: 'stream_consumer_total_records_lag',
    type: 'gauge',
    help: 'Records lag of the consumer summed over all its topics. Absent when a partition that counts is unknown, so never understated.',
    labels: ['kafka_cluster', 'consumer'],
    level: 'consumer',
  },
  recordsLost: {
    name: 'stream_consumer_records_lost_total',
    type: 'counter',
    help: 'Records that left the log before the consumer read them: what the log start passed while the position was below it. From 0; goes on over restarts; does not grow while nobody is in a group that had members.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  timeLag: {
    name: 'stream_consumer_time_lag_seconds',
    type: 'gauge',
    help: 'How long ago the record that the consumer reads next was appended: now minus the moment at which the log end passed the position, the largest of the partitions of the topic. 0 when the records lag is 0. Absent when a partition that counts is unknown.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  timeLagUncertainty: {
    name: 'stream_consumer_time_lag_uncertainty_seconds',
    type: 'gauge',
    help: 'The true time lag differs from stream_consumer_time_lag_seconds by no more than this.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  eventTimeLag: {
    name: 'stream_consumer_event_time_lag_seconds',
    type: 'gauge',
    help: 'Age of the record that the consumer reads next by its own timestamp, the largest of the partitions that are behind. Only where that record was looked up; another number than the time lag when producers set timestamps of their own.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  status: {
    name: 'stream_consumer_status',
    type: 'gauge',
    help: '1 for the status of the consumer, that of its worst topic, and 0 for each other: ok, unknown, lagging, rewound, stalled, stopped.',
    labels: ['kafka_cluster', 'consumer', 'status'],
    level: 'consumer',
  },
  rewinds: {
    name: 'stream_consumer_rewinds_total',
    type: 'counter',
    help: 'Times at which the position of the consumer on the topic was set back. From 0; a topic that was created anew is no rewind.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  positionChangedAt: {
    name: 'stream_consumer_position_changed_timestamp_seconds',
    type: 'gauge',
    help: 'When a position of the consumer on the topic was last seen to change, in seconds since the Unix epoch. Absent until then.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  commitInterval: {
    name: 'stream_consumer_commit_interval_seconds',
    type: 'gauge',
    help: 'How far apart the positions of the consumer on the topic change while it reads: learnt from the last changes, never finer than the interval of the cycles. Windows of the status are at least three times as long.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  produceRate: {
    name: 'stream_consumer_produce_records_per_second',
    type: 'gauge',
    help: 'Records that arrive in the partitions of the topic that the consumer reads, over the last minutes.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  consumeRate: {
    name: 'stream_consumer_consume_records_per_second',
    type: 'gauge',
    help: 'Records by which the positions of the consumer on the topic advance, over the last minutes.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  drain: {
    name: 'stream_consumer_drain_seconds',
    type: 'gauge',
    help: 'Time until the records lag is gone if both rates stay as they are. 0 when there is none; absent when it does not shrink or a rate is not known.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  headroomRecords: {
    name: 'stream_consumer_retention_headroom_records',
    type: 'gauge',
    help: 'Records between the log start and the position, the smallest of the partitions with lag. Absent without lag: what was read cannot be lost.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  headroomSeconds: {
    name: 'stream_consumer_retention_headroom_seconds',
    type: 'gauge',
    help: 'Time until retention may delete the next record of a consumer that stays where it is, by retention.ms and retention.bytes: the smallest of the partitions with lag. Absent without lag, and when retention is not known or has no end.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  readCommittedRecordsLag: {
    name: 'stream_consumer_read_committed_records_lag',
    type: 'gauge',
    help: 'Option views.read_committed: records lag against the last stable offset, which is what a consumer with isolation.level=read_committed can read. Absent when unknown, and before Kafka 0.11.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  coldRecords: {
    name: 'stream_consumer_cold_records',
    type: 'gauge',
    help: 'Option views.cold_records: records of the lag that lie before the local log start, so in remote storage only. Read in every fourth cycle; absent when unknown, and from brokers that do not tell (before ListOffsets v8).',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  lagBytes: {
    name: 'stream_consumer_lag_bytes',
    type: 'gauge',
    help: 'Option views.lag_bytes: an estimate, the records lag times the mean size of a record in the log, as compressed on disk. Sizes are read in every fourth cycle. Absent when unknown.',
    labels: ['kafka_cluster', 'consumer', 'topic'],
    level: 'topic',
  },
  partitions: {
    name: 'stream_consumer_partitions',
    type: 'gauge',
    help: 'Partitions the consumer is expected to read, by state: known, held (the last complete row of an earlier cycle), or the reason why the lag is missing. State known is always there, others only above 0.',
    labels: ['kafka_cluster', 'consumer', 'topic', 'state'],
    level: 'topic',
  },
  info: {
    name: 'stream_consumer_info',
    type: 'gauge',
    help: 'Always 1: who keeps the position of the consumer (kind), its group id when it has one, and the job and application of a Flink job.',
    labels: ['kafka_cluster', 'consumer', 'kind', 'group', 'job_id', 'application_id'],
    level: 'consumer',
  },
  members: {
    name: 'stream_consumer_members',
    type: 'gauge',
    help: 'Live members of the group. Absent when not known.',
    labels: ['kafka_cluster', 'consumer'],
    level: 'consumer',
  },
  groupState: {
    name: 'stream_consumer_group_state',
    type: 'gauge',
    help: 'Always 1: the present state of the group in the words of Kafka. One series a group.',
    labels: ['kafka_cluster', 'consumer', 'state'],
    level: 'consumer',
  },
  present: {
    name: 'stream_consumer_present',
    type: 'gauge',
    help: '1 while the consumer is there, 0 for 24 hours after it has gone.',
    labels: ['kafka_cluster', 'consumer'],
    level: 'consumer',
  },
  objectiveSeconds: {
    name: 'stream_consumer_objective_seconds',
    type: 'gauge',
    help: 'Time lag promised for the consumer on the topic, one series a severity, to be compared with stream_consumer_time_lag_seconds.',
    labels: ['kafka_cluster', 'consumer', 'topic', 'owner', 'severity'],
    level: 'topic',
  },
  objectiveRecords: {
    name: 'stream_consumer_objective_records',
    type: 'gauge',
    help: 'Records lag promised for the consumer on the topic, one series a severity, to be compared with stream_consumer_topic_records_lag.',
    labels: ['kafka_cluster', 'consumer', 'topic', 'owner', 'severity'],
    level: 'topic',
  },
  logStartOffset: {
    name: 'kafka_partition_log_start_offset',
    type: 'gauge',
    help: 'Offset of the first record that the log of the partition still holds.',
    labels: ['kafka_cluster', 'topic', 'partition'],
    level: 'partition',
  },
  logEndOffset: {
    name: 'kafka_partition_log_end_offset',
    type: 'gauge',
    help: 'High watermark of the partition: the offset that the next record visible to consumers will get.',
    labels: ['kafka_cluster', 'topic', 'partition'],
    level: 'partition',
  },
} as const satisfies Readonly<Record<string, Family>>

const job = ['flink_cluster', 'flink_job'] as const

/** The families of jobs. */
export const jobFamilies = {
  info: {
    name: 'stream_job_info',
    type: 'gauge',
    help: 'Always 1: which run of the job it is, and where. Labels that are not known are left out.',
    labels: [...job, 'version', 'job_id', 'application_id', 'queue', 'user'],
    level: 'job',
  },
  state: {
    name: 'stream_job_state',
    type: 'gauge',
    help: '1 for the state that the job is in, 0 for each other: the words of Flink, gone for a job that is not listed any more though it had not ended, unknown while its JobManager does not answer.',
    labels: [...job, 'state'],
    level: 'job',
  },
  expectedRunning: {
    name: 'stream_job_expected_running',
    type: 'gauge',
    help: '1 for a job that should run: the configuration says so, or it says nothing and the job ran and did not finish and was not cancelled. Kept for 24 hours after a job was listed last.',
    labels: [...job],
    level: 'job',
  },
  present: {
    name: 'stream_job_present',
    type: 'gauge',
    help: '1 while the JobManager lists the job and it has not ended, else 0. Absent while the JobManager does not answer: see state unknown.',
    labels: [...job],
    level: 'job',
  },
  restarts: {
    name: 'stream_job_restarts_total',
    type: 'counter',
    help: 'Restarts of the job. Goes on where Flink starts again from 0: a new attempt, JobManager or job id under the same name is one restart more.',
    labels: [...job],
    level: 'job',
  },
  lastCheckpoint: {
    name: 'stream_job_last_checkpoint_timestamp_seconds',
    type: 'gauge',
    help: 'When the last checkpoint of this run was completed, by the clock of the JobManager. Absent before the first.',
    labels: [...job],
    level: 'job',
  },
  checkpointsFailed: {
    name: 'stream_job_checkpoints_failed_total',
    type: 'counter',
    help: 'Checkpoints of this run that failed.',
    labels: [...job],
    level: 'job',
  },
  sourceRecordsLag: {
    name: 'stream_job_source_records_lag',
    type: 'gauge',
    help: 'Records that one source of the job has not emitted yet, the true lag summed over its partitions. Absent when one of them is unknown. What was emitted may not be processed yet.',
    labels: [...job, 'vertex'],
    level: 'job',
  },
  pendingRecords: {
    name: 'stream_job_flink_pending_records',
    type: 'gauge',
    help: 'What Flink itself says is pending (pendingRecords), beside the true lag: far too small under back-pressure, 0 for a job that is stuck.',
    labels: [...job, 'vertex'],
    level: 'job',
  },
  backPressure: {
    name: 'stream_job_backpressure_ratio',
    type: 'gauge',
    help: 'Share of the time in which the most held-up task of the job waits for those behind it, 0 to 1.',
    labels: [...job],
    level: 'job',
  },
  watermarkLag: {
    name: 'stream_job_watermark_lag_seconds',
    type: 'gauge',
    help: 'How far the watermark of the slowest operator is behind the clock; 0 when it is ahead. Absent without watermarks.',
    labels: [...job],
    level: 'job',
  },
  finding: {
    name: 'stream_job_finding',
    type: 'gauge',
    help: 'Always 1: something is wrong with the job. /api/v1/jobs has the evidence.',
    labels: [...job, 'finding'],
    level: 'job',
  },
} as const satisfies Readonly<Record<string, Family>>

/** Metrics of the daemon itself. They stand on `/metrics` behind the lag families, and alone on `/metrics/self`. */
export const selfFamilies = {
  buildInfo: {
    name: 'lagkeeper_build_info',
    type: 'gauge',
    help: 'Always 1: the version that runs.',
    labels: ['version'],
    level: 'replica',
  },
  sourceUp: {
    name: 'lagkeeper_source_up',
    type: 'gauge',
    help: '1 when the last read of the source gave an answer, 0 when nothing of it could be read. What a source left out is counted in lagkeeper_source_errors_total.',
    labels: ['source', 'name'],
    level: 'replica',
  },
  sourceLastSuccess: {
    name: 'lagkeeper_source_last_success_timestamp_seconds',
    type: 'gauge',
    help: 'When the source last gave an answer, in seconds since the Unix epoch. Absent before the first time.',
    labels: ['source', 'name'],
    level: 'replica',
  },
  sourceErrors: {
    name: 'lagkeeper_source_errors_total',
    type: 'counter',
    help: 'Things that could not be read from the source, by reason.',
    labels: ['source', 'name', 'reason'],
    level: 'replica',
  },
  cycleDuration: {
    name: 'lagkeeper_cycle_duration_seconds',
    type: 'gauge',
    help: 'How long the last cycle of the Kafka cluster took.',
    labels: ['kafka_cluster'],
    level: 'replica',
  },
  cycleInterval: {
    name: 'lagkeeper_cycle_interval_seconds',
    type: 'gauge',
    help: 'How far apart cycles of the Kafka cluster begin, as configured; later when one takes longer.',
    labels: ['kafka_cluster'],
    level: 'replica',
  },
  kafkaRequests: {
    name: 'lagkeeper_kafka_requests_total',
    type: 'counter',
    help: 'Requests sent to the brokers of the Kafka cluster, by API.',
    labels: ['kafka_cluster', 'api'],
    level: 'replica',
  },
  jobSeriesDropped: {
    name: 'lagkeeper_job_series_dropped',
    type: 'gauge',
    help: 'Series of jobs that the limit left out of the last page, as if every number were known.',
    labels: [],
    level: 'replica',
  },
  series: {
    name: 'lagkeeper_series',
    type: 'gauge',
    help: 'Series of the family on the last page that was rendered.',
    labels: ['kafka_cluster', 'family'],
    level: 'replica',
  },
  seriesDropped: {
    name: 'lagkeeper_series_dropped',
    type: 'gauge',
    help: 'Series that a limit left out of the last page, as if every number were known: kafka_cluster_limit or page_limit. What granularity leaves out is not counted.',
    labels: ['kafka_cluster', 'reason'],
    level: 'replica',
  },
  targets: {
    name: 'lagkeeper_targets',
    type: 'gauge',
    help: 'Targets known to service discovery, by state.',
    labels: ['state'],
    level: 'replica',
  },
  registryLastSync: {
    name: 'lagkeeper_registry_last_sync_timestamp_seconds',
    type: 'gauge',
    help: 'When the registry last had a complete view, in seconds since the Unix epoch.',
    labels: [],
    level: 'replica',
  },
  registryRejected: {
    name: 'lagkeeper_registry_rejected_total',
    type: 'counter',
    help: 'Registrations that were refused, by the field that was wrong.',
    labels: ['field'],
    level: 'replica',
  },
  registryLeasesEnded: {
    name: 'lagkeeper_registry_leases_ended_total',
    type: 'counter',
    help: 'Leases that ran out, by what became of the process: alive (the target stays), gone, or unverified.',
    labels: ['outcome'],
    level: 'replica',
  },
  registryPathBytes: {
    name: 'lagkeeper_registry_path_bytes',
    type: 'gauge',
    help: 'What the registrations of this replica take in ZooKeeper: used, and limit, past which new ones get 503.',
    labels: ['kind'],
    level: 'replica',
  },
  registryExpiries: {
    name: 'lagkeeper_registry_session_expiries_total',
    type: 'counter',
    help: 'Sessions with ZooKeeper that were lost with all their members, which were then put back.',
    labels: [],
    level: 'replica',
  },
  replicas: {
    name: 'lagkeeper_replicas',
    type: 'gauge',
    help: 'Replicas that this one sees, itself included; 0 while it sees none.',
    labels: [],
    level: 'replica',
  },
  peerDecodeErrors: {
    name: 'lagkeeper_peer_decode_errors_total',
    type: 'counter',
    help: 'Answers of a peer that broke its own protocol.',
    labels: ['peer'],
    level: 'replica',
  },
  configReloadSuccessful: {
    name: 'lagkeeper_config_last_reload_successful',
    type: 'gauge',
    help: '1 when the configuration was valid when it was last read, 0 when it was not and the one before stays.',
    labels: [],
    level: 'replica',
  },
  configReloadedAt: {
    name: 'lagkeeper_config_last_reload_success_timestamp_seconds',
    type: 'gauge',
    help: 'When a valid configuration was last read, in seconds since the Unix epoch.',
    labels: [],
    level: 'replica',
  },
  eventLoopDelay: {
    name: 'lagkeeper_event_loop_delay_seconds',
    type: 'gauge',
    help: 'Longest time between two looks at the event loop since the last scrape. It is looked at every 0.25 seconds, so that is what it says when nothing holds it.',
    labels: [],
    level: 'replica',
  },
} as const satisfies Readonly<Record<string, Family>>
