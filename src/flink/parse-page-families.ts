import { filterLabel } from './filter-label.ts'

/** What a sample of a family tells. */
export type FamilyKind =
  | { readonly of: 'partition'; readonly generation: 'source' | 'legacy'; readonly gauge: 'current' | 'committed' }
  | { readonly of: 'operator'; readonly gauge: OperatorGauge }
  | { readonly of: 'task'; readonly gauge: 'isBackPressured' | 'backPressuredMsPerSecond' }

export type OperatorGauge = 'pending' | 'pendingOfCluster' | 'recordsLagMax' | 'watermarkLag' | 'emitEventTimeLag'

const task = 'flink_taskmanager_job_task_'
const operator = `${task}operator_`
const legacy = `${operator}KafkaConsumer_`
/** A DynamicKafkaSource has one of each for each of its clusters. */
const readers = [`${operator}KafkaSourceReader_`, `${operator}DynamicKafkaSource_kafkaCluster_KafkaSourceReader_`]
const lagMax = { of: 'operator', gauge: 'recordsLagMax' } as const

/**
 * Every family that we read, of Flink 1.5 to 2.x. The legacy consumer has its client's gauges twice.
 *
 * @see flink-connector-kafka, KafkaSourceReaderMetrics and KafkaClusterMetricGroup; KafkaConsumerMetricConstants of the
 * legacy connector; FLIP-33 for what every source has
 */
export const families: ReadonlyMap<string, FamilyKind> = new Map<string, FamilyKind>([
  ...readers.flatMap((reader): readonly (readonly [string, FamilyKind])[] => [
    [`${reader}topic_partition_currentOffset`, { of: 'partition', generation: 'source', gauge: 'current' }],
    [`${reader}topic_partition_committedOffset`, { of: 'partition', generation: 'source', gauge: 'committed' }],
    [`${reader}KafkaConsumer_records_lag_max`, lagMax],
  ]),
  [`${legacy}topic_partition_currentOffsets`, { of: 'partition', generation: 'legacy', gauge: 'current' }],
  [`${legacy}topic_partition_committedOffsets`, { of: 'partition', generation: 'legacy', gauge: 'committed' }],
  [`${legacy}records_lag_max`, lagMax],
  [`${operator}records_lag_max`, lagMax],
  [`${operator}pendingRecords`, { of: 'operator', gauge: 'pending' }],
  [`${operator}DynamicKafkaSource_kafkaCluster_pendingRecords`, { of: 'operator', gauge: 'pendingOfCluster' }],
  [`${operator}watermarkLag`, { of: 'operator', gauge: 'watermarkLag' }],
  [`${operator}currentEmitEventTimeLag`, { of: 'operator', gauge: 'emitEventTimeLag' }],
  [`${task}isBackPressured`, { of: 'task', gauge: 'isBackPressured' }],
  [`${task}backPressuredTimeMsPerSecond`, { of: 'task', gauge: 'backPressuredMsPerSecond' }],
])

const lengths: ReadonlySet<number> = new Set([...families.keys()].map((name) => name.length))

/** False for most that are none of ours, at a hundredth of the price of their names: by the length of the name alone. */
export function mayBeFamily(length: number): boolean {
  return lengths.has(length)
}

/** A family that every TaskManager has: asked for beside the others, it tells whose page it is when nothing runs there. */
const always = 'flink_taskmanager_Status_JVM_CPU_Load'

/**
 * Asks a reporter for these families only, which makes its page about fifty times smaller. Whoever does not know the
 * parameter answers with all.
 *
 * @see https://github.com/prometheus/client_java, HTTPServer of simpleclient 0.3.0 to 0.8.1
 */
export const familiesQuery = [...families.keys(), always].map((name) => `name%5B%5D=${name}`).join('&')

/** What every line of a TaskManager begins with. */
export const processPrefix = Buffer.from('flink_taskmanager_')
/** Behind it every family above goes on. */
export const taskPrefix = Buffer.from(task)

/** What the lines begin with whose text has the true name of a topic. */
export const helpPrefix = Buffer.from(`# HELP ${legacy}c`)
const help = new RegExp(`^# HELP ${legacy}(?:current|committed)_offsets_(\\S+) (.+)-(\\d+) \\(scope: [^()]*\\)$`)

/**
 * The topic that a legacy consumer has in the HELP line of the family that has it in its name, such as `# HELP
 * …KafkaConsumer_current_offsets_ods_orders_v1_0 ods.orders-v1-0 (scope: …)`. The text is the gauge's own name, which
 * no filter goes over; undefined when the line is another, or was not made so.
 */
export function topicOfHelp(line: string): string | undefined {
  const [, family, topic = '', partition] = help.exec(line) ?? []
  return topic !== '' && filterLabel(`${topic}-${partition}`) === family ? topic : undefined
}
