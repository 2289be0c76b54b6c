import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { startDemoJobs, stepDemoJobs } from './demo-jobs.ts'
import { createDemoWorld } from './demo-world.ts'
import { createFlinkWorld } from './flink-world.ts'
import { createKafkaCluster } from './kafka-cluster.ts'
import { createPageServer } from './page-server.ts'
import { seededRandom } from './random.ts'
import { createSimulatedYarn } from './simulated-yarn.ts'
import { streamsPage } from './streams-page.ts'

/**
 * A little world to look at without having one: three brokers, nine topics, nine consumers, ten Flink jobs on a YARN
 * with two ResourceManagers, and one process that registers itself.
 */
export interface Demo extends Service, AsyncDisposable {
  /** `host:port` of each simulated broker. */
  readonly bootstrap: readonly string[]
  /** Of each simulated ResourceManager, such as `http://127.0.0.1:8088`. */
  readonly resourceManagers: readonly string[]
  /** Those that register themselves; all others are to be found by way of YARN. */
  readonly reporters: readonly DemoReporter[]
}

/** A process whose metrics page answers. */
export interface DemoReporter {
  readonly namespace: 'demo'
  readonly app: string
  readonly role: string
  readonly instance: string
  /** `host:port`. */
  readonly address: string
  readonly kind: string
  readonly labels: Readonly<Record<string, string>>
}

/** The consumer of the demo that is an application of Kafka Streams. */
const STREAMS_APP = 'order-status'

/**
 * Everything listens on loopback as soon as this settles; it moves while `run` does, and is gone when `run` or the
 * disposal has settled. Each second is one step, so a demo that starves moves more slowly but never in jumps.
 */
export async function createDemo({ logger, clock }: { readonly logger: Logger; readonly clock: Clock }): Promise<Demo> {
  const random = seededRandom(20)
  const cluster = await createKafkaCluster({ brokers: 3, random, wall: () => clock.wall() })
  const world = createDemoWorld(cluster.state, random, () => clock.wall())
  const flink = createFlinkWorld(cluster.state, { now: () => clock.wall(), random })
  startDemoJobs(flink, random)
  const yarn = await createSimulatedYarn(flink)
  // The ApplicationMasters have their ports now, and register.
  await yarn.tick()
  const startedAt = Math.floor(clock.wall() / 1000) - 30
  const consumer = world.consumers.find(({ plan }) => plan.group === STREAMS_APP)
  const page = createPageServer(() => (consumer === undefined ? '' : streamsPage(consumer, cluster.state, startedAt)))
  const open = async () => {
    await Promise.all([page.open(), yarn.settle()])
  }
  const close = async () => {
    await Promise.all([page.close(), yarn.close(), cluster[Symbol.asyncDispose]()])
  }
  const tick = async () => {
    world.tick()
    stepDemoJobs(flink, world.seconds())
    await yarn.tick()
  }

  await open()
  return {
    name: 'demo',
    bootstrap: cluster.bootstrap,
    resourceManagers: yarn.resourceManagers,
    reporters: [
      {
        namespace: 'demo',
        app: STREAMS_APP,
        role: 'streams',
        instance: `${STREAMS_APP}-0`,
        address: page.address(),
        kind: 'kafka-streams',
        labels: { environment: 'demo' },
      },
    ],
    async run(signal) {
      await open()
      logger.info({ bootstrap: cluster.bootstrap.join(','), yarn: yarn.resourceManagers.join(',') }, 'Demo runs')
      const stop = new AbortController()
      const either = AbortSignal.any([signal, stop.signal])
      const parts = [cluster.run(either), poll({ intervalMs: 1_000, clock }, either, tick)]
      try {
        await Promise.all(parts)
      } finally {
        stop.abort()
        await Promise.allSettled(parts)
        await close()
      }
    },
    [Symbol.asyncDispose]: close,
  }
}
