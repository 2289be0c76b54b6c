import { type ClusterCollector, createClusterCollector } from '../collect/cluster-collector.ts'
import type { CollectObserver } from '../collect/observer.ts'
import { createKafkaCluster } from '../kafka/cluster.ts'
import type { Objective } from '../model/objective.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { positionSources } from '../positions/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { kafkaClientOptions } from './kafka-client.ts'
import { kafkaFilters } from './kafka-filters.ts'
import type { KafkaClusterConfig } from './kafka-schema.ts'

export interface KafkaService extends Service {
  readonly kafkaCluster: string
  current(): Snapshot | undefined
  /** How long the last cycle took; undefined before the first. */
  cycleMs(): number | undefined
}

export interface KafkaServiceDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: CollectObserver
  readonly objectives: (consumer: string, topic: string) => readonly Objective[]
  /** It is not to run any more: nothing about it is true from now on. */
  readonly onStopped: (kafkaCluster: string) => void
}

/** Spreads the first cycles of several clusters and replicas over this share of the interval. */
const JITTER = 0.05

/** One Kafka cluster, watched cycle after cycle. A cycle that fails is told once, and its recovery. */
export function createKafkaService(config: KafkaClusterConfig, deps: KafkaServiceDeps): KafkaService {
  const { clock, observer } = deps
  const logger = deps.logger.child({ kafka_cluster: config.name })
  const { keepConsumer, keepTopic, noPosition } = kafkaFilters(config)
  let collector: ClusterCollector | undefined
  let cycleMs: number | undefined
  return {
    name: `kafka ${config.name}`,
    kafkaCluster: config.name,
    current: () => collector?.current(),
    cycleMs: () => cycleMs,
    run: async (signal) => {
      const cluster = createKafkaCluster({
        ...kafkaClientOptions(config),
        clock,
        onRequest: (api) => observer.request(config.name, api),
        onDecodeError: () => observer.decodeError(`kafka ${config.name}`),
      })
      collector = createClusterCollector({
        kafkaCluster: config.name,
        cluster,
        sources: [positionSources['kafka-groups']({ cluster, clock, keepConsumer, keepTopic })],
        keepTopic,
        intervalMs: config.interval,
        noPosition,
        objectives: deps.objectives,
        clock,
        observer: {
          ...observer,
          cycle: (name, durationMs) => {
            cycleMs = durationMs
            observer.cycle(name, durationMs)
          },
        },
      })
      const running = collector
      let trouble: string | undefined
      try {
        await poll({ intervalMs: config.interval, jitter: JITTER, clock }, signal, async () => {
          try {
            const { problems } = await running.cycle(signal)
            const now = problems[0]?.message
            if (now !== undefined && trouble === undefined)
              logger.warn({ problems: problems.length, first: now }, 'Cluster partly unread')
            if (now === undefined && trouble !== undefined) logger.info({}, 'Cluster read completely again')
            trouble = now
          } catch (error) {
            if (signal.aborted) return
            if (error instanceof InvariantError) throw error
            if (trouble === undefined) logger.error({ error: describeError(error) }, 'Cluster unread')
            trouble = describeError(error)
            observer.source('kafka', config.name, { up: false, reasons: ['read_failed'] })
          }
        })
      } finally {
        cluster.close()
        if (signal.aborted) {
          collector = undefined
          cycleMs = undefined
          deps.onStopped(config.name)
        }
      }
    },
  }
}
