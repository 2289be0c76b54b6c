import {
  kafkaExporterFamilies as exporter,
  kafkaLagExporterFamilies as lagExporter,
} from '../exposition/compat-families.ts'

/** What a series of another exporter is about. */
export type Quantity =
  | 'records_lag'
  | 'position'
  | 'log_end_offset'
  | 'log_start_offset'
  | 'topic_records_lag'
  | 'total_records_lag'
  | 'max_records_lag'
  | 'topic_position'
  | 'members'

export type Exporter = 'kafka_exporter' | 'kafka_lag_exporter' | 'kminion' | 'burrow'

/** Which labels of a family name what. */
interface ForeignFamily {
  readonly exporter: Exporter
  readonly quantity: Quantity
  readonly consumer?: string
  readonly topic?: string
  readonly partition?: string
  readonly cluster?: string
}

const byGroup = { consumer: 'consumergroup' }
const byGroupTopic = { ...byGroup, topic: 'topic' }
const byGroupPartition = { ...byGroupTopic, partition: 'partition' }
const lagGroup = { cluster: 'cluster_name', consumer: 'group' }
const kminionGroup = { consumer: 'group_id', topic: 'topic_name' }
const burrowGroup = { cluster: 'cluster', consumer: 'consumer_group' }
const partitionOf = { topic: 'topic', partition: 'partition' }

const KE = 'kafka_exporter'
const KLE = 'kafka_lag_exporter'

const table: readonly (readonly [string, ForeignFamily])[] = [
  [exporter.groupLag.name, { exporter: KE, quantity: 'records_lag', ...byGroupPartition }],
  [exporter.zookeeperLag.name, { exporter: KE, quantity: 'records_lag', ...byGroupPartition }],
  // The fork in Grafana's agent calls the lag so.
  ['kafka_consumergroup_uncommitted_offsets', { exporter: KE, quantity: 'records_lag', ...byGroupPartition }],
  ['kafka_consumergroup_uncommitted_offsets_sum', { exporter: KE, quantity: 'topic_records_lag', ...byGroupTopic }],
  [exporter.groupOffset.name, { exporter: KE, quantity: 'position', ...byGroupPartition }],
  [exporter.groupOffsetSum.name, { exporter: KE, quantity: 'topic_position', ...byGroupTopic }],
  [exporter.groupLagSum.name, { exporter: KE, quantity: 'topic_records_lag', ...byGroupTopic }],
  [exporter.members.name, { exporter: KE, quantity: 'members', ...byGroup }],
  [exporter.currentOffset.name, { exporter: KE, quantity: 'log_end_offset', ...partitionOf }],
  [exporter.oldestOffset.name, { exporter: KE, quantity: 'log_start_offset', ...partitionOf }],
  [lagExporter.groupLag.name, { exporter: KLE, quantity: 'records_lag', ...lagGroup, ...partitionOf }],
  [lagExporter.groupOffset.name, { exporter: KLE, quantity: 'position', ...lagGroup, ...partitionOf }],
  [lagExporter.groupTopicSumLag.name, { exporter: KLE, quantity: 'topic_records_lag', ...lagGroup, topic: 'topic' }],
  [lagExporter.groupSumLag.name, { exporter: KLE, quantity: 'total_records_lag', ...lagGroup }],
  [lagExporter.groupMaxLag.name, { exporter: KLE, quantity: 'max_records_lag', ...lagGroup }],
  [
    lagExporter.latestOffset.name,
    { exporter: KLE, quantity: 'log_end_offset', cluster: 'cluster_name', ...partitionOf },
  ],
  [
    lagExporter.earliestOffset.name,
    { exporter: KLE, quantity: 'log_start_offset', cluster: 'cluster_name', ...partitionOf },
  ],
  [
    'kminion_kafka_consumer_group_topic_partition_lag',
    { exporter: 'kminion', quantity: 'records_lag', ...kminionGroup, partition: 'partition_id' },
  ],
  ['kminion_kafka_consumer_group_topic_lag', { exporter: 'kminion', quantity: 'topic_records_lag', ...kminionGroup }],
  [
    'kminion_kafka_consumer_group_topic_offset_sum',
    { exporter: 'kminion', quantity: 'topic_position', ...kminionGroup },
  ],
  ['kminion_kafka_consumer_group_members', { exporter: 'kminion', quantity: 'members', consumer: 'group_id' }],
  [
    'kminion_kafka_topic_partition_high_water_mark',
    { exporter: 'kminion', quantity: 'log_end_offset', topic: 'topic_name', partition: 'partition_id' },
  ],
  [
    'kminion_kafka_topic_partition_low_water_mark',
    { exporter: 'kminion', quantity: 'log_start_offset', topic: 'topic_name', partition: 'partition_id' },
  ],
  [
    'burrow_kafka_consumer_partition_lag',
    { exporter: 'burrow', quantity: 'records_lag', ...burrowGroup, ...partitionOf },
  ],
  [
    'burrow_kafka_consumer_current_offset',
    { exporter: 'burrow', quantity: 'position', ...burrowGroup, ...partitionOf },
  ],
  ['burrow_kafka_consumer_lag_total', { exporter: 'burrow', quantity: 'total_records_lag', ...burrowGroup }],
  [
    'burrow_kafka_topic_partition_offset',
    { exporter: 'burrow', quantity: 'log_end_offset', cluster: 'cluster', ...partitionOf },
  ],
]

const families: ReadonlyMap<string, ForeignFamily> = new Map(table)

/** What a family of another exporter is about, when it has a counterpart here. The prefix of kminion is its user's. */
export function foreignFamily(name: string): ForeignFamily | undefined {
  const found = families.get(name)
  if (found !== undefined) return found
  const at = name.search(/_kafka_(consumer_group|topic_partition)_/)
  return at < 0 ? undefined : families.get(`kminion${name.slice(at)}`)
}
