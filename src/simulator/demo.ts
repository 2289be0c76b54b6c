import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { createDemoWorld, type DemoConsumer } from './demo-world.ts'
import { type FlinkProcess, flinkPage } from './flink-page.ts'
import { createKafkaCluster } from './kafka-cluster.ts'
import { createPageServer } from './page-server.ts'
import { randomHex, seededRandom } from './random.ts'

/** A little world to look at without having one: three brokers, eight topics, eight consumers, three Flink jobs. */
export interface Demo extends Service, AsyncDisposable {
  /** `host:port` of each simulated broker. */
  readonly bootstrap: readonly string[]
  readonly reporters: readonly DemoReporter[]
}

/** A process of a simulated job whose metrics page answers. */
export interface DemoReporter {
  readonly namespace: 'demo'
  readonly app: string
  readonly role: 'jobmanager' | 'taskmanager'
  readonly instance: string
  /** `host:port`. */
  readonly address: string
  readonly kind: 'flink'
  readonly labels: Readonly<Record<string, string>>
}

/**
 * Everything listens on loopback as soon as this settles; it moves while `run` does, and is gone when `run` or the
 * disposal has settled. Each second is one step, so a demo that starves moves more slowly but never in jumps.
 */
export async function createDemo(deps: { readonly logger: Logger; readonly clock: Clock }): Promise<Demo> {
  const random = seededRandom(20)
  const cluster = await createKafkaCluster({ brokers: 3, random })
  const world = createDemoWorld(cluster.state, random)
  const startedAt = Math.floor(deps.clock.wall() / 1000) - 30
  const jobs = world.consumers.filter(({ plan }) => plan.kind === 'flink')
  const processes = jobs.flatMap((consumer, job) => processesOf(consumer, job, startedAt, random))
  const pages = processes.map((flink) => createPageServer(() => flinkPage(flink, world, cluster.state)))
  const open = async () => {
    await Promise.all(pages.map((page) => page.open()))
  }
  const close = async () => {
    await Promise.all([...pages.map((page) => page.close()), cluster[Symbol.asyncDispose]()])
  }

  await open()
  const reporters = processes.map((flink, index) => describeReporter(flink, pages[index]!.address()))
  return {
    name: 'demo',
    bootstrap: cluster.bootstrap,
    reporters,
    async run(signal) {
      await open()
      deps.logger.info({ bootstrap: cluster.bootstrap.join(',') }, 'Demo runs')
      const stop = new AbortController()
      const either = AbortSignal.any([signal, stop.signal])
      const parts = [
        cluster.run(either),
        poll({ intervalMs: 1_000, clock: deps.clock }, either, async () => world.tick()),
      ]
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

function processesOf(consumer: DemoConsumer, job: number, startedAt: number, random: () => number): FlinkProcess[] {
  const jobId = randomHex(32, random)
  const container = `container_1700000000000_${String(job + 1).padStart(4, '0')}_01_`
  return [
    { role: 'jobmanager', consumer, jobId, tmId: `${container}000001`, startedAt },
    { role: 'taskmanager', consumer, jobId, tmId: `${container}000002`, startedAt: startedAt + 7 },
  ]
}

function describeReporter({ role, consumer, tmId }: FlinkProcess, address: string): DemoReporter {
  const app = consumer.plan.group
  const labels = { environment: 'demo', flink_cluster: 'demo', flink_job: app }
  return { namespace: 'demo', app, role, instance: tmId, address, kind: 'flink', labels }
}
