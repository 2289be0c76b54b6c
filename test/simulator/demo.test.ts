import { describe, expect, it } from 'vitest'
import { createFlinkRest } from '../../src/flink/flink-rest.ts'
import { offsetNumber } from '../../src/model/offsets.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createDemo } from '../../src/simulator/demo.ts'
import { applicationPlans, startDemoJobs, stepDemoJobs } from '../../src/simulator/demo-jobs.ts'
import { consumerPlans, topicPlans } from '../../src/simulator/demo-plan.ts'
import { createDemoWorld } from '../../src/simulator/demo-world.ts'
import { clientLag, endOf, type Split } from '../../src/simulator/flink-splits.ts'
import { createFlinkWorld, type FlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaState, type KafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import type { YarnApplication } from '../../src/yarn/application.ts'
import { createYarnCluster } from '../../src/yarn/yarn-cluster.ts'
import { openKafkaSocket } from '../contract/kafka-socket.ts'
import { fakeClock } from '../fakes/clock.ts'
import { askGroups, askMetadata } from './ask.ts'

interface DemoState {
  readonly kafka: KafkaState
  readonly flink: FlinkWorld
  pass(seconds: number): void
}

function demoState(): DemoState {
  const kafka = createKafkaState('4.3', [1, 2, 3], seededRandom(1))
  const world = createDemoWorld(kafka, seededRandom(1), () => 1_800_000_000_000)
  let now = 1_800_000_000_000
  const flink = createFlinkWorld(kafka, { now: () => now, random: seededRandom(2) })
  startDemoJobs(flink, seededRandom(3))
  return {
    kafka,
    flink,
    pass(seconds) {
      for (let second = 0; second < seconds; second++) {
        now += 1_000
        world.tick()
        stepDemoJobs(flink, world.seconds())
        flink.tick()
      }
    },
  }
}

/** The committed lag of a consumer after each of so many seconds; partitions without a lag are left out. */
function lagsOf(group: string, seconds: number): number[] {
  const { kafka, pass } = demoState()
  const lags: number[] = []
  for (let second = 0; second < seconds; second++) {
    pass(1)
    let lag = 0
    for (const [topic, { offset, absent }] of kafka.groups.get(group)?.commits ?? []) {
      const end = kafka.topics.get(topic)?.end
      for (let partition = 0; partition < absent.length; partition++)
        if (absent[partition] === 0 && end !== undefined)
          lag += Math.max(0, offsetNumber(end, partition) - offsetNumber(offset, partition))
    }
    lags.push(lag)
  }
  return lags
}

function splitsOf({ flink }: DemoState, job: string): readonly Split[] {
  return flink.find(job).job.vertices.flatMap(({ subtasks }) => subtasks.flatMap(({ splits }) => splits))
}

/** What a job has not emitted yet, and what Flink itself would say of it. */
function lagOf(demo: DemoState, job: string): { readonly lag: number; readonly pending: number } {
  const splits = splitsOf(demo, job)
  return {
    lag: splits.reduce(
      (sum, { topic, partition, position }) => sum + endOf(demo.kafka, topic, partition) - position,
      0,
    ),
    pending: splits.reduce((sum, split) => sum + (clientLag(split) ?? 0), 0),
  }
}

describe('The demo world', () => {
  it('has a consumer that is always caught up', () => {
    expect(Math.max(...lagsOf('order-status', 60))).toBe(0)
  })

  it('has a consumer that stopped, whose lag only grows', () => {
    const lags = lagsOf('invoice-export', 60)

    expect(lags).toEqual(lags.toSorted((one, other) => one - other))
    expect(lags[0]).toBeGreaterThan(30_000)
  })

  it('has a consumer that works in bursts', () => {
    const lags = lagsOf('search-indexer', 120)

    expect(Math.max(...lags)).toBeGreaterThan(500)
    expect(lags.filter((lag) => lag < 30).length).toBeGreaterThan(5)
  })

  it('has a partition without a commit and one with a position beyond the end', () => {
    const { kafka, pass } = demoState()
    pass(100)

    expect(kafka.groups.get('refund-audit')?.commits.get('refunds')?.absent).toEqual(Uint8Array.of(0, 1, 0))
    const position = kafka.groups.get('email-sender')?.commits.get('notifications')?.offset ?? new Uint32Array(6)
    expect(offsetNumber(position, 2)).toBeGreaterThan(offsetNumber(kafka.topics.get('notifications')!.end, 2))
  })
})

describe('The jobs of the demo', () => {
  it('have one that is well: no lag by its gauges, a saw-tooth by what it commits', () => {
    const demo = demoState()
    demo.pass(45)
    expect(lagOf(demo, 'fraud-detection')).toEqual({ lag: 0, pending: 0 })

    const lags = lagsOf('fraud-detection', 60)
    expect(Math.min(...lags)).toBe(0)
    expect(Math.max(...lags)).toBeGreaterThan(750)
    expect(Math.max(...lags)).toBeLessThan(1_800)
  })

  it('have one that falls behind slowly, of which Flink knows half at most', () => {
    const demo = demoState()
    const lags: { readonly lag: number; readonly pending: number }[] = []
    for (let step = 0; step < 20; step++) {
      demo.pass(30)
      lags.push(lagOf(demo, 'clickstream-sessions'))
    }

    const growth = lags.at(-1)!.lag - lags[0]!.lag
    expect(growth).toBeGreaterThan(8_000)
    expect(growth).toBeLessThan(30_000)
    for (const { lag, pending } of lags) expect(pending).toBeLessThan(lag * 0.9)
    expect(demo.flink.find('clickstream-sessions').job.backPressure?.share).toBeGreaterThan(0.5)
  })

  it('have one that stands still, of which Flink knows nothing', () => {
    const demo = demoState()
    const before = lagOf(demo, 'payment-settlement')
    demo.pass(120)
    const { lag, pending } = lagOf(demo, 'payment-settlement')

    expect(pending).toBe(0)
    expect(lag - before.lag).toBeGreaterThan(100 * 40)
    const { checkpoints } = demo.flink.find('payment-settlement').job
    expect(checkpoints.inProgress).toBeDefined()
    expect(demo.flink.now() - (checkpoints.lastCompleted?.at ?? 0)).toBeGreaterThan(1_500_000)
  })

  it('have one that starts again every minute', () => {
    const demo = demoState()
    demo.pass(200)

    const { job } = demo.flink.find('order-enrichment')
    expect(job.restarts).toBe(3)
    expect(job.checkpoints.restored).toBe(3)
    expect(job.exceptions).toHaveLength(3)
  })

  it('have one that reads a topic twice, one without checkpoints, one with a partition that nobody reads', () => {
    const demo = demoState()
    demo.pass(120)

    expect(
      splitsOf(demo, 'revenue-report')
        .map(({ topic, partition }) => `${topic} ${partition}`)
        .toSorted(),
    ).toEqual(Array.from({ length: 12 }, (_, index) => `orders ${Math.floor(index / 2)}`))
    expect(demo.flink.find('live-dashboard').job.checkpoints.completed).toBe(0)
    expect(splitsOf(demo, 'live-dashboard').every(({ committed }) => committed === undefined)).toBe(true)
    expect(splitsOf(demo, 'catalog-loader').map(({ partition }) => partition)).toEqual([0])
  })
})

describe('The demo', () => {
  it('listens before it runs, moves while it runs and leaves nothing behind', async () => {
    const clock = fakeClock()
    const demo = await createDemo({ logger: silentLogger, clock })
    const [broker = ''] = demo.bootstrap
    const { topics, brokers } = await askMetadata(broker)
    expect(topics.map(({ name }) => name)).toEqual(topicPlans.map(({ name }) => name))
    expect(brokers).toHaveLength(3)

    const stop = new AbortController()
    const run = demo.run(stop.signal)
    const groups = (await Promise.all(demo.bootstrap.map(askGroups))).flat()
    expect(groups.toSorted()).toEqual([...consumerPlans.map(({ group }) => group), ...groupsOfJobs()].toSorted())
    const session = (await applicationsOf(demo.resourceManagers)).find(({ name }) => name === 'adhoc-session')
    expect(await jobsOf(session?.amRpcAddress)).toEqual(['warehouse-sync RUNNING', 'live-dashboard RUNNING'])
    await clock.advance(3_000)
    const urls = [
      ...demo.resourceManagers.map((url) => `${url}/isActive`),
      ...demo.reporters.map(({ address }) => `http://${address}/metrics`),
    ]
    for (const url of urls) expect((await fetch(url)).status).toBeLessThan(500)
    stop.abort()
    await run

    await expect(openKafkaSocket(broker)).rejects.toThrow('ECONNREFUSED')
    for (const url of urls) await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  it('has all its applications in YARN, and two that have ended', async () => {
    await using demo = await createDemo({ logger: silentLogger, clock: fakeClock() })
    const all = await applicationsOf(demo.resourceManagers)

    const states = all.map(({ name, state }) => `${name.replace(/-[0-9a-f]{4}$/, '')} ${state}`)
    expect(states.toSorted()).toEqual(
      [
        ...applicationPlans.map(({ name }) => `${name} RUNNING`),
        'nightly-backfill FINISHED',
        'nightly-backfill FAILED',
      ].toSorted(),
    )
  })

  it('has one process that registers itself, whose page answers', async () => {
    await using demo = await createDemo({ logger: silentLogger, clock: fakeClock() })

    expect(demo.reporters).toHaveLength(1)
    const [reporter] = demo.reporters
    expect(reporter).toMatchObject({ app: 'order-status', kind: 'kafka-streams' })
    const text = await (await fetch(`http://${reporter?.address}/metrics`)).text()
    expect(text).toMatch(/^kafka_consumer_fetch_manager_records_lag\{.*partition="5",topic="orders",\} \d+\.0$/m)
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|[a-zA-Z_]+(\{([a-zA-Z_]+="[^"]*",)+\})? -?\d+(\.\d+)?)$/)
    expect((await fetch(`http://${reporter?.address}/`)).status).toBe(404)
  })
})

function groupsOfJobs(): readonly string[] {
  const sources = applicationPlans.flatMap(({ jobs }) =>
    jobs.flatMap(({ vertices }) => vertices.map(({ source }) => source)),
  )
  return sources.flatMap((source) => source?.group ?? [])
}

async function applicationsOf(resourceManagers: readonly string[]): Promise<readonly YarnApplication[]> {
  const yarn = createYarnCluster({ name: 'demo', resourceManagers }, { logger: silentLogger })
  try {
    return await yarn.applications({}, AbortSignal.timeout(10_000))
  } finally {
    yarn.close()
  }
}

async function jobsOf(address: string | undefined): Promise<readonly string[]> {
  const rest = createFlinkRest({ url: `http://${address}` }, { clock: systemClock, logger: silentLogger })
  try {
    const { jobs } = await rest.look({ flinkCluster: 'demo' }, AbortSignal.timeout(10_000))
    return jobs.map(({ name, state }) => `${name} ${state}`)
  } finally {
    rest.close()
  }
}
