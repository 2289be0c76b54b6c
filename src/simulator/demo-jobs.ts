import { topicPlans } from './demo-plan.ts'
import type { JobHistory } from './flink-job.ts'
import { type PipelinePlan, sqlVertices, type VertexPlan } from './flink-plan.ts'
import { endOf } from './flink-splits.ts'
import type { FlinkApplicationPlan, FlinkWorld } from './flink-world.ts'
import { randomHex } from './random.ts'

const HOUR = 3_600

/** The Flink applications of the demo, each with what is interesting about it. */
export const applicationPlans: readonly FlinkApplicationPlan[] = [
  // Healthy: its lag is known by its gauges; what it commits is a saw-tooth, because only checkpoints commit.
  application('fraud-detection', {
    slots: 2,
    vertices: sqlVertices(
      reads('payments', 3, { group: 'fraud-detection', groupBy: 'city', sink: 'alerts', parallelism: 2 }),
    ),
    checkpointSeconds: 30,
  }),
  // A little too slow and held up by its sink: it falls behind for ever, and Flink's own lag is far too small.
  application('clickstream-sessions', {
    slots: 2,
    vertices: sqlVertices(
      reads('clicks', 0.95, {
        group: 'clickstream-sessions',
        groupBy: 'city',
        sink: 'sessions',
        parallelism: 4,
        startsBehind: 1_000,
      }),
    ),
    checkpointSeconds: 60,
  }),
  // Fails every minute and starts again from its last checkpoint.
  application('order-enrichment', {
    version: '2.2.1',
    vertices: sqlVertices(reads('orders', 3, { group: 'order-enrichment', sink: 'enriched_orders', parallelism: 2 })),
    checkpointSeconds: 25,
  }),
  // Stands still in the middle of a record: no checkpoint for 25 minutes, no commit, and a lag of 0 by its own figures.
  application('payment-settlement', {
    vertices: sqlVertices(reads('payments', 3, { group: 'payment-settlement', sink: 'ledger', startsBehind: 15_000 })),
    checkpointSeconds: 60,
    history: { completedCheckpoints: 95, lastCheckpointSeconds: 1_500 },
  }),
  // Two INSERTs in one job that read one topic twice and have nothing to do with each other, on a Flink without support.
  application('revenue-report', {
    version: '2.0.2',
    vertices: sqlVertices(
      reads('orders', 3, { table: 'orders_by_city', groupBy: 'city', sink: 'revenue_by_city' }),
      reads('orders', 2, { table: 'orders_by_day', sink: 'revenue_by_day' }),
    ),
    checkpointSeconds: 30,
  }),
  // A session with two jobs. The second has no checkpoints, so it commits nothing, and more subtasks than partitions.
  {
    ...common('adhoc-session'),
    queue: 'root.adhoc',
    tags: ['session'],
    user: 'analyst',
    jobs: [
      {
        name: 'warehouse-sync',
        vertices: sqlVertices({
          ...reads('shipments', 3, { group: 'warehouse-sync', sink: 'warehouse' }),
          topics: ['shipments', 'inventory'],
          recordsPerSecond: 40,
        }),
        checkpointSeconds: 20,
        history: history(2 * HOUR, 20),
      },
      {
        name: 'live-dashboard',
        vertices: sqlVertices(reads('notifications', 3, { groupBy: 'city', sink: 'dashboard', parallelism: 4 })),
        history: { ageSeconds: HOUR },
      },
    ],
  },
  // Its reporter is configured in a way that its Flink passes over: nobody can read its metrics.
  application('inventory-forecast', {
    reporter: 'class',
    vertices: sqlVertices(reads('inventory', 3, { group: 'inventory-forecast', sink: 'forecast' })),
    checkpointSeconds: 30,
  }),
  // Started before the topic had its second partition, which nobody reads.
  application('catalog-loader', {
    vertices: sqlVertices(reads('catalog-changes', 4, { group: 'catalog-loader', sink: 'catalog', partitions: 1 })),
    checkpointSeconds: 15,
  }),
  // A forgotten trial of the same name, which shows no gauges of its source.
  application('catalog-loader', {
    ageSeconds: 30 * HOUR,
    vertices: dataStream('catalog-changes', 100),
    checkpointSeconds: 15,
    disablesMetrics: true,
  }),
]

interface DemoJob extends Pick<FlinkApplicationPlan, 'reporter' | 'slots' | 'ageSeconds'> {
  readonly version?: string
  readonly vertices: readonly VertexPlan[]
  readonly checkpointSeconds: number
  readonly disablesMetrics?: true
  readonly history?: JobHistory
}

/** A job in an application of its own. */
function application(
  name: string,
  { vertices, checkpointSeconds, disablesMetrics, ...more }: DemoJob,
): FlinkApplicationPlan {
  const { ageSeconds = 2 * HOUR } = more
  const job = { name, vertices, checkpointSeconds, ...(disablesMetrics ? { disablesMetrics } : {}) }
  const past = { ...history(ageSeconds, checkpointSeconds), ...more.history }
  return {
    ...common(name),
    ...(more.version === undefined ? {} : { version: more.version }),
    ...(more.reporter === undefined ? {} : { reporter: more.reporter }),
    ...(more.slots === undefined ? {} : { slots: more.slots }),
    ageSeconds,
    jobs: [{ ...job, history: past }],
  }
}

function common(name: string) {
  return {
    name,
    version: '1.20.5',
    queue: 'root.streaming',
    tags: ['prod'],
    ageSeconds: 2 * HOUR,
    attempts: 10,
  } as const
}

function history(ageSeconds: number, checkpointSeconds: number): JobHistory {
  return { ageSeconds, completedCheckpoints: Math.floor(ageSeconds / checkpointSeconds) }
}

type Reading = Pick<PipelinePlan, 'sink' | 'group' | 'groupBy' | 'parallelism' | 'partitions' | 'startsBehind'>

/** `speed`: what it can read, as a share of what is produced on average; above 1 it keeps up. */
function reads(topic: string, speed: number, more: Reading & { readonly table?: string }): PipelinePlan {
  const table = topic.replaceAll('-', '_')
  return { table, topics: [topic], startsBehind: 0, recordsPerSecond: rate(topic, speed), ...more }
}

/** Records of one partition in a second. */
function rate(topic: string, speed: number): number {
  const plan = topicPlans.find(({ name }) => name === topic)
  return plan === undefined ? 1 : Math.max(1, Math.round((plan.perSecond / plan.partitions) * speed))
}

/** A job of the DataStream API, whose author named its source. */
function dataStream(topic: string, recordsPerSecond: number): readonly VertexPlan[] {
  const operator = `Source: Kafka ${topic}`
  return [
    {
      name: `${operator} -> Parse -> Sink: Writer`,
      description: `${operator}\n+- Parse\n   +- Sink: Writer\n`,
      parallelism: 1,
      inputs: [],
      source: { operator, topics: [topic], recordsPerSecond, startsBehind: 0 },
    },
  ]
}

/** Submits them all, with what has happened before; two more have ended already. */
export function startDemoJobs(world: FlinkWorld, random: () => number): void {
  for (const plan of applicationPlans) {
    commitBefore(plan, world)
    world.submit(plan)
  }
  for (const state of ['FINISHED', 'FAILED'] as const) {
    const over = world.submit({ ...common(`nightly-backfill-${randomHex(4, random)}`), ageSeconds: 6 * HOUR, jobs: [] })
    world.end(
      over,
      state,
      state === 'FAILED' ? 'Application failed 2 times: AM container exited with exitCode: 239' : '',
    )
  }
  world.tick()
  const { job: clicks } = world.find('clickstream-sessions')
  clicks.backPressure = { share: 0.62, recordsPerSecond: rate('clicks', 0.95) }
  const { job: stuck } = world.find('payment-settlement')
  stuck.isStuck = true
  stuck.checkpoints.since = 60
}

/** What their groups had committed before the demo began. */
function commitBefore({ jobs }: FlinkApplicationPlan, { kafka }: FlinkWorld): void {
  for (const { source } of jobs.flatMap(({ vertices }) => vertices)) {
    if (source?.group === undefined) continue
    for (const topic of source.topics) {
      const all = kafka.topics.get(topic)?.partitions.length ?? 0
      for (let partition = 0; partition < Math.min(all, source.partitions ?? all); partition++) {
        const offset = endOf(kafka, topic, partition) - (source.startsBehind ?? 0)
        kafka.commit(source.group, topic, partition, BigInt(offset))
      }
    }
  }
}

const FAILS_EVERY_SECONDS = 60

/** What goes on happening to them. */
export function stepDemoJobs(world: FlinkWorld, seconds: number): void {
  if (seconds % FAILS_EVERY_SECONDS !== 0) return
  const { cluster, job } = world.find('order-enrichment')
  cluster.restart(job)
}
