import { afterEach, describe, expect, it } from 'vitest'
import { createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster as connect } from '../../src/kafka/cluster.ts'
import { encodeListGroupsResponse } from '../../src/kafka-wire/list-groups.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { createZookeeperOffsets } from '../../src/positions/zookeeper-offsets.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'
import type { KafkaLine } from '../../src/simulator/kafka-versions.ts'
import { runClient } from '../contract/zookeeper-world.ts'
import { shown } from '../fakes/shown.ts'
import { startFakeZookeeper } from '../fakes/zookeeper.ts'

let offsetMs = 0
const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + offsetMs }
const signal = new AbortController().signal
const open: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** A simulated Kafka cluster with a fake ZooKeeper beside it, and what a cycle makes of both. */
async function start(version: KafkaLine = '1.1', named: readonly string[] = []) {
  offsetMs = 0
  const broker = await simulate({ version })
  const server = await startFakeZookeeper({ version: '3.4' })
  server.data.create('/consumers', '')
  const client = runClient({ connect: server.connect, sessionTimeoutMs: 6_000 })
  const cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 2_000, clock })
  const keep = { keepConsumer: () => true, keepTopic: () => true }
  const offsets = createZookeeperOffsets({
    zookeeper: client.zookeeper,
    connect: server.connect,
    clock,
    ...keep,
    deadlineMs: 400,
  })
  const collector = createClusterCollector({
    kafkaCluster: 'sim',
    cluster,
    sources: [createKafkaGroups({ cluster, clock, ...keep, groups: named, guesses: offsets.groups }), offsets],
    keepTopic: () => true,
    intervalMs: 15_000,
    noPosition: () => 'void',
    objectives: () => [],
    clock,
    observer: silentObserver,
  })
  open.push(
    async () => {
      await broker[Symbol.asyncDispose]()
    },
    () => server.stop(),
    () => client.stop(),
    async () => cluster.close(),
  )
  broker.state.createTopic('t', 2)
  for (const partition of [0, 1]) broker.state.setLog('t', partition, 0n, 100n)
  return {
    broker,
    server,
    /** As before 0.10.1, for groups without members. */
    hideGroups: () =>
      broker.faults.lie(({ api, version: of, correlation, bytes }) => {
        if (api !== 'ListGroups') return bytes
        const body = encodeListGroupsResponse(of, { throttleMs: 0, error: 0, groups: [] })
        const head = Buffer.alloc(8)
        head.writeInt32BE(4 + body.length, 0)
        head.writeInt32BE(correlation, 4)
        return Buffer.concat([head, body])
      }),
    commit: (group: string, partition: number, position: string): void => {
      const path = `/consumers/${group}/offsets/t/${partition}`
      const folders = [`/consumers/${group}`, `/consumers/${group}/offsets`, `/consumers/${group}/offsets/t`]
      for (const folder of folders) if (!server.data.tree.has(folder)) server.data.create(folder, '')
      if (server.data.tree.has(path)) server.data.write(path, position)
      else server.data.create(path, position)
    },
    cycle: () => collector.cycle(signal),
  }
}

function totals(snapshot: Snapshot): Record<string, unknown> {
  return Object.fromEntries(snapshot.consumers.map(({ consumer, lag }) => [consumer.name, [consumer.kind, lag]]))
}

describe('a cycle over Kafka and ZooKeeper', () => {
  it('counts each partition once, and sums over both', async () => {
    const { broker, commit, cycle } = await start()
    commit('old', 0, '40')
    broker.state.commit('new', 't', 0, 30n)
    broker.state.commit('both', 't', 0, 50n)
    commit('both', 0, '45')
    commit('both', 1, '90')

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({
      'both t/0': '50',
      'both t/1': '10',
      'new t/0': '70',
      'old t/0': '60',
    })
    expect(totals(snapshot)).toEqual({ both: ['classic', 60], new: ['classic', 70], old: ['zookeeper', 60] })
  })

  it('holds what only ZooKeeper knows while it is away, and shows all else fresh', async () => {
    const { broker, server, commit, cycle } = await start()
    commit('old', 0, '40')
    broker.state.commit('new', 't', 0, 30n)
    broker.state.commit('both', 't', 0, 50n)
    commit('both', 0, '45')
    commit('both', 1, '90')
    await cycle()
    server.freeze()
    broker.state.append('t', 0, 1)

    const held = await cycle()

    expect(shown(held)).toEqual({
      'both t/0': '51',
      'both t/1': '10 timeout held',
      'new t/0': '71',
      'old t/0': '60 timeout held',
    })
    expect(totals(held)).toEqual({ both: ['classic', 61], new: ['classic', 71], old: ['zookeeper', 60] })
    expect(held.problems.map(({ consumer }) => consumer)).toEqual([undefined, 'both', 'old'])

    offsetMs += 91_000
    const gone = await cycle()

    expect(shown(gone)).toEqual({
      'both t/0': '51',
      'both t/1': '- timeout',
      'new t/0': '71',
      'old t/0': '- timeout',
    })
    expect(totals(gone)).toEqual({
      both: ['classic', undefined],
      new: ['classic', 71],
      old: ['zookeeper', undefined],
    })

    server.thaw()
    commit('old', 0, '41')
    expect(shown(await cycle())).toMatchObject({ 'both t/1': '10', 'old t/0': '60' })
  })

  it('follows a consumer from one store to the other as one consumer', async () => {
    const { broker, server, commit, cycle } = await start()
    commit('g', 0, '10')
    expect(shown(await cycle())).toEqual({ 'g t/0': '90' })
    commit('g', 0, '20')
    broker.state.commit('g', 't', 0, 20n)
    expect(shown(await cycle())).toEqual({ 'g t/0': '80' })
    broker.state.commit('g', 't', 0, 5n)
    expect(shown(await cycle())).toEqual({ 'g t/0': '95' })
    server.data.remove('/consumers/g/offsets/t/0')

    const last = await cycle()

    expect(shown(last)).toEqual({ 'g t/0': '95' })
    expect(last.consumers.map(({ consumer, present }) => [consumer.name, consumer.kind, present])).toEqual([
      ['g', 'classic', true],
    ])
  })
})

describe.each<KafkaLine>(['0.9', '0.10.0'])('a group that Kafka %s does not list', (version) => {
  it('is read from Kafka when the configuration or ZooKeeper names it', async () => {
    const { broker, server, commit, cycle, hideGroups } = await start(version, ['named', 'not-there'])
    hideGroups()
    broker.state.createTopic('__consumer_offsets', 1)
    broker.state.commit('named', 't', 0, 30n)
    broker.state.commit('in-zookeeper', 't', 1, 60n)
    broker.state.commit('nobody-knows', 't', 1, 60n)
    server.data.create('/consumers/in-zookeeper', '')
    commit('both', 0, '5')
    broker.state.commit('both', 't', 0, 25n)

    await cycle()
    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'both t/0': '75', 'in-zookeeper t/1': '40', 'named t/0': '70' })
    expect(snapshot.problems).toEqual([])
  })

  it('is missed only by who named it: what ZooKeeper names may have no commits, and is none of our business', async () => {
    const { broker, commit, cycle, hideGroups } = await start(version, ['named'])
    hideGroups()
    broker.state.createTopic('__consumer_offsets', 1)
    broker.state.commit('named', 't', 0, 30n)
    commit('old', 0, '5')
    broker.state.commit('old', 't', 0, 25n)
    broker.faults.errorFor('OffsetFetch', ...Array.from({ length: 10 }, () => 'GROUP_AUTHORIZATION_FAILED' as const))

    await cycle()
    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'old t/0': '95' })
    expect(snapshot.problems.map(({ consumer, reason }) => [consumer, reason])).toEqual([['named', 'unauthorized']])
  })

  it('is not asked for before anybody has commits: that would create a topic', async () => {
    const { broker, cycle, hideGroups } = await start(version, ['named'])
    hideGroups()

    await cycle()
    await cycle()

    expect(broker.requests.total('FindCoordinator')).toBe(0)
  })
})

it('asks a Kafka that lists all groups for none of them by name', async () => {
  const { broker, commit, cycle } = await start('0.10.2', ['named'])
  commit('g', 0, '5')

  await cycle()
  await cycle()

  expect(broker.requests.total('FindCoordinator')).toBe(0)
})
