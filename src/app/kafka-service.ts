import { join } from 'node:path'
import { type ClusterCollector, createClusterCollector } from '../collect/cluster-collector.ts'
import { createLostKeeper } from '../collect/lost-keeper.ts'
import type { CollectObserver } from '../collect/observer.ts'
import type { ViewOptions } from '../collect/views.ts'
import { createKafkaCluster } from '../kafka/cluster.ts'
import { failureReason } from '../kafka/failure-reason.ts'
import type { Objective } from '../model/objective.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { together } from '../runtime/together.ts'
import { kafkaClientOptions } from './kafka-client.ts'
import { kafkaFilters } from './kafka-filters.ts'
import type { KafkaClusterConfig } from './kafka-schema.ts'
import { createKafkaSources } from './kafka-sources.ts'

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
  /** Folder for what must survive a restart; nothing does when absent. */
  readonly storage?: string
  /** After each cycle. */
  readonly onSnapshot: (snapshot: Snapshot) => void
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
      const { sources, services } = createKafkaSources(config, {
        cluster,
        filters: { keepConsumer, keepTopic },
        clock,
        logger,
      })
      const lost = createLostKeeper({
        kafkaCluster: config.name,
        ...(deps.storage === undefined ? {} : { file: join(deps.storage, `records-lost.${config.name}.jsonl`) }),
        clock,
        logger,
      })
      await lost.load(signal)
      collector = createClusterCollector({
        kafkaCluster: config.name,
        cluster,
        sources,
        keepTopic,
        intervalMs: config.interval,
        noPosition,
        objectives: deps.objectives,
        views: viewOptions(config.views),
        lost,
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
        const cycles = (both: AbortSignal) =>
          poll({ intervalMs: config.interval, jitter: JITTER, clock }, both, async () => {
            try {
              const snapshot = await running.cycle(both)
              lost.saveSoon(snapshot)
              deps.onSnapshot(snapshot)
              const { problems } = snapshot
              const now = problems[0]?.message
              if (now !== undefined && trouble === undefined)
                logger.warn({ problems: problems.length, first: now }, 'Cluster partly unread')
              if (now === undefined && trouble !== undefined) logger.info({}, 'Cluster read completely again')
              trouble = now
            } catch (error) {
              if (both.aborted) return
              if (error instanceof InvariantError) throw error
              if (trouble === undefined) logger.error({ error: describeError(error) }, 'Cluster unread')
              trouble = describeError(error)
              observer.source('kafka', config.name, { up: false, reasons: [failureReason(error)] })
            }
          })
        await together(signal, [...services.map(({ run }) => run), cycles])
      } finally {
        cluster.close()
        await lost.close()
        if (signal.aborted) {
          collector = undefined
          cycleMs = undefined
          deps.onStopped(config.name)
        }
      }
    },
  }
}

function viewOptions(views: KafkaClusterConfig['views']): ViewOptions {
  return {
    readCommitted: views.read_committed,
    controlRecords: views.control_records,
    coldRecords: views.cold_records,
    lagBytes: views.lag_bytes,
  }
}
