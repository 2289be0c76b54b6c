import { createClusterCollector } from '../collect/cluster-collector.ts'
import { silentObserver } from '../collect/observer.ts'
import type { KafkaClusterOptions } from '../kafka/cluster.ts'
import { createKafkaCluster } from '../kafka/cluster.ts'
import { reasonCode } from '../model/reason.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { positionSources } from '../positions/index.ts'
import type { Clock } from '../runtime/clock.ts'

export interface ReadLagOptions extends KafkaClusterOptions {
  readonly kafkaCluster: string
  readonly clock: Clock
  readonly keepConsumer: (name: string) => boolean
  readonly keepTopic: (name: string) => boolean
}

/** Generous: a one-shot read has no next cycle. */
const INTERVAL_MS = 120_000

/**
 * Reads a cluster once. A position past the log end may be a race of the reading itself, so it is read once more
 * before it is believed.
 *
 * @throws UnavailableError when no broker answers
 */
export async function readLag(options: ReadLagOptions, signal: AbortSignal): Promise<Snapshot> {
  const cluster = createKafkaCluster(options)
  const { clock, keepConsumer, keepTopic } = options
  const collector = createClusterCollector({
    kafkaCluster: options.kafkaCluster,
    cluster,
    sources: [positionSources['kafka-groups']({ cluster, clock, keepConsumer, keepTopic })],
    keepTopic,
    intervalMs: INTERVAL_MS,
    noPosition: () => 'ignore',
    objectives: () => [],
    clock,
    observer: silentObserver,
  })
  try {
    const first = await collector.cycle(signal)
    const beyond = reasonCode('position_beyond_end')
    return first.parts.some((part) => part.reason.includes(beyond)) ? await collector.cycle(signal) : first
  } finally {
    cluster.close()
  }
}
