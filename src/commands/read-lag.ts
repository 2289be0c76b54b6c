import type { KafkaClusterConfig } from '../app/kafka-schema.ts'
import { createKafkaSources } from '../app/kafka-sources.ts'
import { createClusterCollector } from '../collect/cluster-collector.ts'
import { silentObserver } from '../collect/observer.ts'
import type { KafkaClusterOptions } from '../kafka/cluster.ts'
import { createKafkaCluster } from '../kafka/cluster.ts'
import { reasonCode } from '../model/reason.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Clock } from '../runtime/clock.ts'
import { silentLogger } from '../runtime/logger.ts'

export interface ReadLagOptions extends KafkaClusterOptions {
  readonly kafkaCluster: string
  readonly clock: Clock
  readonly keepConsumer: (name: string) => boolean
  readonly keepTopic: (name: string) => boolean
  /** Where else there are groups and positions. */
  readonly old?: Pick<KafkaClusterConfig, 'zookeeper' | 'groups'>
}

/** Generous: a one-shot read has no next cycle. */
const INTERVAL_MS = 120_000

/**
 * Reads a cluster once; a second time when ZooKeeper may have named groups to ask Kafka for. A position past the log end
 * may be a race of the reading itself, so it is read once more before it is believed.
 *
 * @throws UnavailableError when no broker answers
 */
export async function readLag(options: ReadLagOptions, signal: AbortSignal): Promise<Snapshot> {
  const cluster = createKafkaCluster(options)
  const { clock, keepTopic, old = { groups: [] } } = options
  const { sources, services } = createKafkaSources(
    { ...old, name: options.kafkaCluster, interval: INTERVAL_MS },
    { cluster, filters: options, clock, logger: silentLogger },
  )
  const collector = createClusterCollector({
    kafkaCluster: options.kafkaCluster,
    cluster,
    sources,
    keepTopic,
    intervalMs: INTERVAL_MS,
    noPosition: () => 'ignore',
    objectives: () => [],
    clock,
    observer: silentObserver,
  })
  const stopping = new AbortController()
  const both = AbortSignal.any([signal, stopping.signal])
  const running = services.map((service) => service.run(both))
  try {
    const first = await collector.cycle(signal)
    const beyond = reasonCode('position_beyond_end')
    const isDoubtful = first.parts.some((part) => part.reason.includes(beyond))
    return isDoubtful || services.length > 0 ? await collector.cycle(signal) : first
  } finally {
    stopping.abort()
    cluster.close()
    await Promise.all(running)
  }
}
