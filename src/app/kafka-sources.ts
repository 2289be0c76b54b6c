import { holdMs } from '../collect/snapshot-maker.ts'
import type { KafkaCluster } from '../kafka/cluster.ts'
import type { FlinkPages, FlinkPagesOptions } from '../positions/flink-pages.ts'
import { positionSources } from '../positions/index.ts'
import type { PositionSource } from '../positions/position-source.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { createZookeeper } from '../zookeeper/client.ts'
import type { KafkaFilters } from './kafka-filters.ts'
import type { KafkaClusterConfig } from './kafka-schema.ts'
import { zookeeperOptions } from './zookeeper-schema.ts'

interface KafkaSources {
  readonly sources: readonly PositionSource[]
  /** What must run as long as the sources are read. */
  readonly services: readonly Service[]
  /** The one of them that reads the pages of Flink jobs. */
  readonly flinkPages?: FlinkPages
}

/** What all Flink clusters together say, for those Kafka clusters that their jobs read. */
export type FlinkInput = Pick<
  FlinkPagesOptions,
  'pages' | 'failures' | 'restGauges' | 'jobs' | 'kafkaClusterOf' | 'mayBeElsewhere' | 'staleMs'
>

interface KafkaSourcesDeps {
  readonly cluster: KafkaCluster
  readonly filters: Pick<KafkaFilters, 'keepConsumer' | 'keepTopic'>
  /** Absent where no Flink cluster is known. */
  readonly flink?: FlinkInput
  readonly clock: Clock
  readonly logger: Logger
}

/** Of the cycle: the collector gives a source up after half of it, and would not know what it missed. */
const ZOOKEEPER_SHARE = 0.4

/**
 * Where the positions of one Kafka cluster come from: its groups, the offsets of old consumers in ZooKeeper, and the
 * pages of Flink jobs.
 */
export function createKafkaSources(config: SourcesConfig, deps: KafkaSourcesDeps): KafkaSources {
  const committed = committedSources(config, deps)
  if (deps.flink === undefined) return committed
  const flinkPages = positionSources['flink-pages']({
    ...deps.flink,
    ...deps.filters,
    kafkaCluster: config.name,
    clock: deps.clock,
    holdMs: holdMs(config.interval),
  })
  return { ...committed, sources: [...committed.sources, flinkPages], flinkPages }
}

type SourcesConfig = Pick<KafkaClusterConfig, 'name' | 'zookeeper' | 'groups' | 'interval'>

function committedSources(
  config: SourcesConfig,
  { cluster, filters, clock, logger }: KafkaSourcesDeps,
): Omit<KafkaSources, 'flinkPages'> {
  const { keepConsumer, keepTopic } = filters
  if (config.zookeeper === undefined) {
    const groups = positionSources['kafka-groups']({ cluster, clock, keepConsumer, keepTopic, groups: config.groups })
    return { sources: [groups], services: [] }
  }
  const { connect } = config.zookeeper
  const zookeeper = createZookeeper(
    { ...zookeeperOptions(config.zookeeper), name: `zookeeper of kafka ${config.name}`, allowsReadOnly: true },
    { clock, logger },
  )
  const offsets = positionSources['zookeeper-offsets']({
    zookeeper,
    connect,
    clock,
    keepConsumer,
    keepTopic,
    deadlineMs: config.interval * ZOOKEEPER_SHARE,
  })
  // A group that has a znode in ZooKeeper may have its offsets in Kafka, on brokers that would not list it.
  const guesses = offsets.groups
  const groups = positionSources['kafka-groups']({
    cluster,
    clock,
    keepConsumer,
    keepTopic,
    groups: config.groups,
    guesses,
  })
  return { sources: [groups, offsets], services: [zookeeper] }
}
