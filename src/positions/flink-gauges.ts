import type { PartitionReading } from '../flink/flink-page.ts'

type Gauges = Pick<PartitionReading, 'generation' | 'current' | 'committed'>

/**
 * Next offset that a source will read, by its gauges; undefined when they do not say.
 *
 * The current gauge is the offset of the last record, in every generation. A KafkaSource shows -1 from each start until
 * its first record, and then the committed gauge counts: it too starts at -1, so a commit is of this start, and no record
 * came since. The legacy consumer knows where it is from the moment at which it was given the partition, and its -1
 * means position 0; only its sentinels from -915623761773 down say nothing.
 */
export function positionOf(reading: Gauges): number | undefined {
  const current = currentOf(reading)
  return current === undefined ? committedOf(reading) : current + 1
}

/** Offset of the last record; undefined for a sentinel. */
export function currentOf({ generation, current }: Gauges): number | undefined {
  return current !== undefined && current >= (generation === 'source' ? 0 : -1) ? current : undefined
}

/** Next offset that was committed in this run; undefined before the first commit. */
export function committedOf({ committed }: Gauges): number | undefined {
  return committed !== undefined && committed >= 0 ? committed : undefined
}

/** Names of the gauges as they end on the page. */
export function gaugeNames({ generation, kafkaCluster }: PartitionReading): {
  readonly current: string
  readonly committed: string
} {
  if (generation === 'legacy')
    return {
      current: 'KafkaConsumer_topic_partition_currentOffsets',
      committed: 'KafkaConsumer_topic_partition_committedOffsets',
    }
  const prefix = kafkaCluster === undefined ? '' : 'DynamicKafkaSource_kafkaCluster_'
  return {
    current: `${prefix}KafkaSourceReader_topic_partition_currentOffset`,
    committed: `${prefix}KafkaSourceReader_topic_partition_committedOffset`,
  }
}
