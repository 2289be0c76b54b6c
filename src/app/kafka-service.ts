import { join } from 'node:path'
import { type ClusterCollector, createClusterCollector } from '../collect/cluster-collector.ts'
import { createJudgeKeeper } from '../collect/judge-keeper.ts'
import { createLinkKeeper, type LinkKeeper } from '../collect/link-keeper.ts'
import { createLogInquiry } from '../collect/log-inquiry.ts'
import { createLostKeeper } from '../collect/lost-keeper.ts'
import type { CollectObserver } from '../collect/observer.ts'
import type { ViewOptions } from '../collect/views.ts'
import { createKafkaCluster } from '../kafka/cluster.ts'
import { failureReason } from '../kafka/failure-reason.ts'
import type { Objective } from '../model/objective.ts'
import type { PositionTrace } from '../model/position-trace.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { createBell } from '../runtime/bell.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { together } from '../runtime/together.ts'
import { kafkaClientOptions } from './kafka-client.ts'
import { kafkaFilters } from './kafka-filters.ts'
import type { KafkaClusterConfig } from './kafka-schema.ts'
import { createKafkaSources, type FlinkInput } from './kafka-sources.ts'

export interface KafkaService extends Service {
  readonly kafkaCluster: string
  current(): Snapshot | undefined
  /** How long the last cycle took; undefined before the first. */
  cycleMs(): number | undefined
  /** Asks for a cycle sooner than is due: there is something new to be seen. */
  hurry(): void
  /** The groups that were found to be of a Flink job, by its consumer. */
  groupsOfJobs(): ReadonlyMap<string, readonly string[]>
  /** How the position of a Flink job came to be; undefined for what is none. */
  trace(consumer: string, topic: string, partition: number): Promise<PositionTrace | undefined>
}

export interface KafkaServiceDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: CollectObserver
  readonly objectives: (consumer: string, topic: string) => readonly Objective[]
  /** Absent where no Flink cluster is known. */
  readonly flink?: FlinkInput
  /** Whether this Flink cluster is configured now; when absent, each is. */
  readonly isFlinkCluster?: (name: string) => boolean
  /** What a status is decided over, at least. */
  readonly statusWindowMs: number
  /** Whether the job runs whose consumer this is; undefined for others, and when not known. */
  readonly isJobRunning?: (consumer: string) => boolean | undefined
  /** Folder for what must survive a restart; nothing does when absent. */
  readonly storage?: string
  /** After each cycle. */
  readonly onSnapshot: (snapshot: Snapshot) => void
  /** It is not to run any more: nothing about it is true from now on. */
  readonly onStopped: (kafkaCluster: string) => void
}

/** Spreads the first cycles of several clusters and replicas over this share of the interval. */
const JITTER = 0.05

/** Cycles that somebody asked for begin at least so far apart. */
const GAP_MS = 2_000

/** One Kafka cluster, watched cycle after cycle. A cycle that fails is told once, and its recovery. */
export function createKafkaService(config: KafkaClusterConfig, deps: KafkaServiceDeps): KafkaService {
  const { clock, observer } = deps
  const logger = deps.logger.child({ kafka_cluster: config.name })
  const { keepConsumer, keepTopic, noPosition } = kafkaFilters(config)
  let collector: ClusterCollector | undefined
  let cycleMs: number | undefined
  let links: LinkKeeper | undefined
  const bell = createBell()
  return {
    name: `kafka ${config.name}`,
    kafkaCluster: config.name,
    current: () => collector?.current(),
    cycleMs: () => cycleMs,
    hurry: bell.ring,
    groupsOfJobs: () => links?.groups() ?? new Map(),
    trace: async (consumer, topic, partition) => links?.trace(consumer, topic, partition),
    run: async (signal) => {
      const cluster = createKafkaCluster({
        ...kafkaClientOptions(config),
        clock,
        onRequest: (api) => observer.request(config.name, api),
        onDecodeError: () => observer.decodeError(`kafka ${config.name}`),
      })
      const { sources, services, flinkPages } = createKafkaSources(config, {
        cluster,
        filters: { keepConsumer, keepTopic },
        ...(deps.flink === undefined ? {} : { flink: deps.flink }),
        clock,
        logger,
      })
      const keeper =
        flinkPages &&
        createLinkKeeper({
          kafkaCluster: config.name,
          flinkPages,
          ...(deps.isFlinkCluster === undefined ? {} : { isFlinkCluster: deps.isFlinkCluster }),
          ...(deps.storage === undefined ? {} : { file: join(deps.storage, `groups-of-jobs.${config.name}.jsonl`) }),
          clock,
          logger,
        })
      await keeper?.load(signal)
      links = keeper
      const lost = createLostKeeper({
        kafkaCluster: config.name,
        ...(deps.storage === undefined ? {} : { file: join(deps.storage, `records-lost.${config.name}.jsonl`) }),
        clock,
        logger,
      })
      await lost.load(signal)
      const judge = createJudgeKeeper({
        kafkaCluster: config.name,
        windowMs: deps.statusWindowMs,
        intervalMs: config.interval,
        inquiry: createLogInquiry({
          kafkaCluster: config.name,
          cluster,
          intervalMs: config.interval,
          lookUps: config.time_lag.look_ups,
          readRecords: config.time_lag.read_records,
          cold: config.time_lag.cold_records,
          clock,
          observer,
        }),
        ...(deps.isJobRunning === undefined ? {} : { isJobRunning: deps.isJobRunning }),
        ...(deps.storage === undefined ? {} : { file: join(deps.storage, `history.${config.name}.jsonl`) }),
        clock,
        logger,
      })
      await judge.load(signal)
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
        judge,
        ...(keeper === undefined ? {} : { links: keeper }),
        clock,
        observer: {
          ...observer,
          cycle: (name, durationMs, intervalMs) => {
            cycleMs = durationMs
            observer.cycle(name, durationMs, intervalMs)
          },
        },
      })
      const running = collector
      let trouble: string | undefined
      try {
        const options = { intervalMs: config.interval, jitter: JITTER, sooner: { bell, gapMs: GAP_MS }, clock }
        const cycles = (both: AbortSignal) =>
          poll(options, both, async () => {
            try {
              const snapshot = await running.cycle(both)
              lost.saveSoon(snapshot)
              judge.saveSoon(snapshot)
              deps.onSnapshot(snapshot)
              await judge.inquire(snapshot, both)
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
        await Promise.all([lost.close(), judge.close(), keeper?.close()])
        links = undefined
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
