import type { Granularity } from '../exposition/granularity.ts'
import type { KafkaClusterConfig } from './kafka-schema.ts'

/** What the rules of one cluster say about names. */
export interface KafkaFilters {
  /** False for a consumer that is left out. */
  readonly keepConsumer: (name: string) => boolean
  readonly keepTopic: (name: string) => boolean
  /** Treatment of partitions without a position. */
  readonly noPosition: (consumer: string) => KafkaClusterConfig['consumers'][number]['no_position']
  /** How finely a consumer is printed. */
  readonly granularity: (consumer: string) => Granularity
}

/** Topics that Kafka keeps for itself; older brokers do not mark them. */
const internal: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

/** The rules `consumers`, `topics` and `internal_topics` as functions; the first consumer rule that matches counts. */
export function kafkaFilters(
  config: Pick<KafkaClusterConfig, 'consumers' | 'topics' | 'internal_topics'>,
): KafkaFilters {
  const { consumers, topics } = config
  const ruleFor = (name: string) => consumers.find((rule) => rule.match.matches(name))
  return {
    keepConsumer: (name) => ruleFor(name) !== undefined,
    keepTopic: (name) =>
      (config.internal_topics || !internal.has(name)) &&
      topics.include.some((pattern) => pattern.matches(name)) &&
      !topics.exclude.some((pattern) => pattern.matches(name)),
    noPosition: (consumer) => ruleFor(consumer)?.no_position ?? 'ignore',
    granularity: (consumer) => ruleFor(consumer)?.granularity ?? 'partition',
  }
}
