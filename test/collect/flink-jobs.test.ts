import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { createLinkKeeper } from '../../src/collect/link-keeper.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import type { FlinkPage, PageReading } from '../../src/flink/flink-page.ts'
import { createKafkaCluster as connect } from '../../src/kafka/cluster.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import type { FlinkJobView } from '../../src/positions/flink-job-view.ts'
import { createFlinkPages } from '../../src/positions/flink-pages.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'
import { shown } from '../fakes/shown.ts'
import { jobView } from '../positions/flink-world.ts'

let offsetMs = 0
const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + offsetMs }
const signal = new AbortController().signal
const open: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** Gauges of one job by partition: `[current, committed]`. */
type Gauges = Readonly<Record<number, readonly [number, number]>>

function pageOf(gauges: Gauges, jobId: string): FlinkPage {
  const operator = { jobId, jobName: 'etl', taskId: 'v1', operatorId: 'op', operatorName: 'o', subtask: 0, attempt: 0 }
  return {
    tmId: 'tm',
    partitions: Object.entries(gauges).map(([partition, [current, committed]]) => ({
      operator,
      generation: 'source',
      topic: 'ods_orders',
      partition: Number(partition),
      current,
      committed,
    })),
    operators: [{ operator }],
    topicNames: new Map(),
    bytes: 1,
    badLines: 0,
  }
}

/** A simulated Kafka with the topic `ods.orders` of 100 records in two partitions, and Flink beside it. */
async function start(storage?: string) {
  offsetMs = 0
  const broker = await simulate({ version: '3.9' })
  const cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 2_000, clock })
  let jobs: readonly FlinkJobView[] = [jobView()]
  let page: PageReading | undefined
  const configured = new Set(['prod'])
  open.push(
    async () => broker[Symbol.asyncDispose](),
    async () => cluster.close(),
  )
  broker.state.createTopic('ods.orders', 2)
  for (const partition of [0, 1]) broker.state.setLog('ods.orders', partition, 0n, 100n)
  const filters = { keepConsumer: () => true, keepTopic: () => true }

  /** A process of ours: it ends and begins, and Kafka goes on. */
  async function daemon() {
    const flinkPages = createFlinkPages({
      kafkaCluster: 'sim',
      pages: () => (page === undefined ? [] : [page]),
      failures: () => [],
      jobs: () => jobs,
      kafkaClusterOf: () => 'sim',
      ...filters,
      clock,
      staleMs: 90_000,
      holdMs: 90_000,
    })
    const file = storage === undefined ? {} : { file: join(storage, 'group-links.sim.jsonl') }
    const isFlinkCluster = (name: string): boolean => configured.has(name)
    const options = { kafkaCluster: 'sim', flinkPages, isFlinkCluster, ...file, clock, logger: silentLogger }
    const links = createLinkKeeper(options)
    await links.load(signal)
    const collector = createClusterCollector({
      kafkaCluster: 'sim',
      cluster,
      sources: [createKafkaGroups({ cluster, clock, ...filters }), flinkPages],
      keepTopic: () => true,
      intervalMs: 15_000,
      noPosition: () => 'void',
      objectives: () => [],
      links,
      clock,
      observer: silentObserver,
    })
    return { links, cycle: () => collector.cycle(signal) }
  }

  return {
    broker,
    daemon,
    configured,
    jobs: (...views: readonly FlinkJobView[]): void => {
      jobs = views
    },
    /** The page as it is read now. */
    read: (gauges: Gauges, jobId = 'job1'): void => {
      offsetMs += 5
      const sentAt = clock.monotonic()
      offsetMs += 5
      page = {
        id: 'prod/session/taskmanager/tm',
        flinkCluster: 'prod',
        url: 'http://tm:9250/metrics',
        page: pageOf(gauges, jobId),
        sentAt,
        takenAt: clock.monotonic(),
      }
      offsetMs += 5
    },
    unread: (): void => {
      page = undefined
    },
    commit: (group: string, zero: bigint, one: bigint): void => {
      broker.state.commit(group, 'ods.orders', 0, zero)
      broker.state.commit(group, 'ods.orders', 1, one)
    },
  }
}

function consumers({ consumers: all }: Snapshot): Record<string, unknown> {
  return Object.fromEntries(
    all.map(({ consumer, present, lag }) => [consumer.name, present ? (lag ?? 'unknown') : 'gone']),
  )
}

describe('a Flink job beside its group', () => {
  it('has its own lag at once, and its group is shown as the job from the second page on, and never as gone', async () => {
    const world = await start()
    const { cycle } = await world.daemon()
    world.commit('etl-orders', 50n, 60n)
    world.read({ 0: [79, 50], 1: [89, 60] })

    expect(consumers(await cycle())).toEqual({ 'etl-orders': 90, 'prod/etl': 30 })
    world.read({ 0: [84, 50], 1: [89, 60] })
    const second = await cycle()
    expect(consumers(second)).toEqual({ 'prod/etl': 25 })
    expect(second.consumers[0]!.consumer).toEqual({
      name: 'prod/etl',
      kind: 'flink',
      jobId: 'job1',
      group: 'etl-orders',
    })
    expect(consumers(await cycle())).toEqual({ 'prod/etl': 25 })
  })

  it('goes on by what its group committed when it has been started again and no record came', async () => {
    const world = await start()
    const { cycle, links } = await world.daemon()
    world.commit('etl-orders', 50n, 60n)
    for (const current of [79, 80]) {
      world.read({ 0: [current, 50], 1: [89, 60] })
      await cycle()
    }
    world.jobs(jobView({ jobId: 'job2' }))
    world.read({ 0: [-1, -1], 1: [-1, -1] }, 'job2')

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'prod/etl ods.orders/0': '50', 'prod/etl ods.orders/1': '40' })
    const trace = await links.trace('prod/etl', 'ods.orders', 0)
    expect(trace?.commits).toEqual([{ group: 'etl-orders', offset: 50n }])
    expect(trace?.verdict).toMatch(/^The gauge says nothing.*; what its group "etl-orders" committed counts: 50$/)
  })

  it('stays the same consumer while YARN and Flink cannot be asked, and over a restart of ours', async () => {
    const storage = await mkdtemp(join(tmpdir(), 'links-'))
    open.push(() => rm(storage, { recursive: true }))
    const world = await start(storage)
    world.commit('etl-orders', 50n, 60n)
    const before = await world.daemon()
    for (const current of [79, 80]) {
      world.read({ 0: [current, 50], 1: [89, 60] })
      await before.cycle()
    }
    await before.links.close()
    expect((await readFile(join(storage, 'group-links.sim.jsonl'), 'utf8')).split('\n')).toEqual([
      '{"lagkeeper":"group_links","version":1,"kafka_cluster":"sim"}',
      '{"group":"etl-orders","consumer":"prod/etl"}',
      '{"lines":2}',
      '',
    ])

    world.jobs()
    world.unread()
    const after = await world.daemon()

    const snapshot = await after.cycle()
    expect(consumers(snapshot)).toEqual({ 'prod/etl': 90 })
    expect(snapshot.consumers[0]!.consumer).toEqual({ name: 'prod/etl', kind: 'flink', group: 'etl-orders' })
    expect(await after.links.trace('prod/etl', 'ods.orders', 1)).toEqual({
      flinkCluster: 'prod',
      gauges: [],
      commits: [{ group: 'etl-orders', offset: 60n }],
      verdict:
        'The job is not known now, only that the group is its own; what its group "etl-orders" committed counts: 60',
    })
    expect(await after.links.trace('etl-orders', 'ods.orders', 1)).toBeUndefined()

    world.jobs(jobView())
    world.read({ 0: [89, 50], 1: [89, 60] })
    expect(consumers(await after.cycle())).toEqual({ 'prod/etl': 20 })
  })

  it.each([
    ['nothing', ''],
    ['what is no such file', '{"some":"thing"}\n'],
    ['another cluster', '{"lagkeeper":"group_links","version":1,"kafka_cluster":"other"}\n{"lines":1}\n'],
    [
      'half a file',
      '{"lagkeeper":"group_links","version":1,"kafka_cluster":"sim"}\n{"group":"etl-orders","consumer":"prod/etl"}\n',
    ],
    ['too many lines', '{"lagkeeper":"group_links","version":1,"kafka_cluster":"sim"}\n{"lines":2}\n'],
  ])('is learned anew when the file holds %s', async (_, text) => {
    const storage = await mkdtemp(join(tmpdir(), 'links-'))
    open.push(() => rm(storage, { recursive: true }))
    await writeFile(join(storage, 'group-links.sim.jsonl'), text)
    const world = await start(storage)
    world.commit('etl-orders', 50n, 60n)
    const { cycle, links } = await world.daemon()
    world.read({ 0: [79, 50], 1: [89, 60] })

    expect(consumers(await cycle())).toEqual({ 'etl-orders': 90, 'prod/etl': 30 })
    await links.close()
  })

  it('leaves no job behind when its Flink cluster is taken out of the configuration', async () => {
    const world = await start()
    const { cycle } = await world.daemon()
    world.commit('etl-orders', 50n, 60n)
    for (const current of [79, 80]) {
      world.read({ 0: [current, 50], 1: [89, 60] })
      await cycle()
    }
    world.jobs()
    world.unread()
    expect(consumers(await cycle())).toEqual({ 'prod/etl': 90 })

    world.configured.clear()
    expect(consumers(await cycle())).toEqual({ 'etl-orders': 90 })
  })

  it('has its earlier rows when its group cannot be read and was all there was', async () => {
    const world = await start()
    const { cycle } = await world.daemon()
    world.commit('etl-orders', 50n, 60n)
    for (const current of [79, 80]) {
      world.read({ 0: [current, 50], 1: [89, 60] })
      await cycle()
    }
    world.jobs()
    world.unread()
    expect(consumers(await cycle())).toEqual({ 'prod/etl': 90 })

    world.broker.faults.lie(({ api, bytes }) => (api === 'OffsetFetch' ? Buffer.alloc(6, 255) : bytes))
    const snapshot = await cycle()

    const rows = Object.values(shown(snapshot))
    expect(rows).toHaveLength(2)
    for (const row of rows) expect(row).toMatch(/^\d+ \w+ held$/)
    expect(consumers(snapshot)).toEqual({ 'prod/etl': 90 })
  })

  it('loses the group when that gets members: then both are consumers', async () => {
    const world = await start()
    const { cycle } = await world.daemon()
    world.commit('etl-orders', 50n, 60n)
    for (const current of [79, 80]) {
      world.read({ 0: [current, 50], 1: [89, 60] })
      await cycle()
    }
    world.broker.state.setGroup('etl-orders', { members: [{ assignment: { 'ods.orders': [0, 1] } }] })

    await cycle()
    expect(Object.keys(consumers(await cycle()))).toEqual(['etl-orders', 'prod/etl'])
  })
})
