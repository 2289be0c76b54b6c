import type { Family } from './families.ts'

/**
 * Names, labels and help of kafka_exporter (danielqsj), so that its dashboards, rules and KEDA triggers go on.
 * `kafka_cluster` is ours: one Lagkeeper watches several clusters, and without it their series would be the same.
 *
 * @see https://github.com/danielqsj/kafka_exporter#metrics
 */
export const kafkaExporterFamilies = {
  brokers: {
    name: 'kafka_brokers',
    type: 'gauge',
    help: 'Number of Brokers in the Kafka Cluster.',
    labels: ['kafka_cluster'],
    level: 'cluster',
  },
  brokerInfo: {
    name: 'kafka_broker_info',
    type: 'gauge',
    help: 'Information about the Kafka Broker.',
    labels: ['kafka_cluster', 'id', 'address'],
    level: 'cluster',
  },
  topicPartitions: {
    name: 'kafka_topic_partitions',
    type: 'gauge',
    help: 'Number of partitions for this Topic',
    labels: ['kafka_cluster', 'topic'],
    level: 'topic',
  },
  currentOffset: {
    name: 'kafka_topic_partition_current_offset',
    type: 'gauge',
    help: 'Current Offset of a Broker at Topic/Partition',
    labels: ['kafka_cluster', 'topic', 'partition'],
    level: 'partition',
  },
  oldestOffset: {
    name: 'kafka_topic_partition_oldest_offset',
    type: 'gauge',
    help: 'Oldest Offset of a Broker at Topic/Partition',
    labels: ['kafka_cluster', 'topic', 'partition'],
    level: 'partition',
  },
  leader: {
    name: 'kafka_topic_partition_leader',
    type: 'gauge',
    help: 'Leader Broker ID of this Topic/Partition',
    labels: ['kafka_cluster', 'topic', 'partition'],
    level: 'partition',
  },
  groupOffset: {
    name: 'kafka_consumergroup_current_offset',
    type: 'gauge',
    help: 'Current Offset of a ConsumerGroup at Topic/Partition',
    labels: ['kafka_cluster', 'consumergroup', 'topic', 'partition'],
    level: 'partition',
  },
  groupOffsetSum: {
    name: 'kafka_consumergroup_current_offset_sum',
    type: 'gauge',
    help: 'Current Offset of a ConsumerGroup at Topic for all partitions',
    labels: ['kafka_cluster', 'consumergroup', 'topic'],
    level: 'topic',
  },
  groupLag: {
    name: 'kafka_consumergroup_lag',
    type: 'gauge',
    help: 'Current Approximate Lag of a ConsumerGroup at Topic/Partition',
    labels: ['kafka_cluster', 'consumergroup', 'topic', 'partition'],
    level: 'partition',
  },
  groupLagSum: {
    name: 'kafka_consumergroup_lag_sum',
    type: 'gauge',
    help: 'Current Approximate Lag of a ConsumerGroup at Topic for all partitions',
    labels: ['kafka_cluster', 'consumergroup', 'topic'],
    level: 'topic',
  },
  zookeeperLag: {
    name: 'kafka_consumergroupzookeeper_lag_zookeeper',
    type: 'gauge',
    help: 'Current Approximate Lag(zookeeper) of a ConsumerGroup at Topic/Partition',
    labels: ['kafka_cluster', 'consumergroup', 'topic', 'partition'],
    level: 'partition',
    isInstead: true,
  },
  members: {
    name: 'kafka_consumergroup_members',
    type: 'gauge',
    help: 'Amount of members in a consumer group',
    labels: ['kafka_cluster', 'consumergroup'],
    level: 'consumer',
  },
} as const satisfies Readonly<Record<string, Family>>

/** What kafka-lag-exporter itself prints of a group whose members it does not see; here it is so for every group. */
const noMember = 'member_host="unknown",consumer_id="unknown",client_id="unknown"'

/**
 * Names, labels and help of kafka-lag-exporter (seglo), which klag-exporter (softwaremill) shares. `cluster_name` is the
 * name of the Kafka cluster in our configuration.
 *
 * @see https://github.com/seglo/kafka-lag-exporter#metrics
 */
export const kafkaLagExporterFamilies = {
  latestOffset: {
    name: 'kafka_partition_latest_offset',
    type: 'gauge',
    help: 'Latest offset of a partition',
    labels: ['cluster_name', 'topic', 'partition'],
    level: 'partition',
  },
  earliestOffset: {
    name: 'kafka_partition_earliest_offset',
    type: 'gauge',
    help: 'Earliest offset of a partition',
    labels: ['cluster_name', 'topic', 'partition'],
    level: 'partition',
  },
  groupOffset: {
    name: 'kafka_consumergroup_group_offset',
    type: 'gauge',
    help: 'Last group consumed offset of a partition',
    labels: ['cluster_name', 'group', 'topic', 'partition'],
    constant: noMember,
    level: 'partition',
  },
  groupLag: {
    name: 'kafka_consumergroup_group_lag',
    type: 'gauge',
    help: 'Group offset lag of a partition',
    labels: ['cluster_name', 'group', 'topic', 'partition'],
    constant: noMember,
    level: 'partition',
  },
  groupTopicSumLag: {
    name: 'kafka_consumergroup_group_topic_sum_lag',
    type: 'gauge',
    help: 'Sum of group offset lag across topic partitions',
    labels: ['cluster_name', 'group', 'topic'],
    level: 'topic',
  },
  groupMaxLag: {
    name: 'kafka_consumergroup_group_max_lag',
    type: 'gauge',
    help: 'Max group offset lag',
    labels: ['cluster_name', 'group'],
    level: 'consumer',
  },
  groupSumLag: {
    name: 'kafka_consumergroup_group_sum_lag',
    type: 'gauge',
    help: 'Sum of group offset lag',
    labels: ['cluster_name', 'group'],
    level: 'consumer',
  },
} as const satisfies Readonly<Record<string, Family>>
