import { afterEach, describe, expect, it } from 'vitest'
import { type ClusterCollector, createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster as connect, type KafkaCluster } from '../../src/kafka/cluster.ts'
import { encodeDescribeShareGroupOffsetsResponse } from '../../src/kafka-wire/describe-share-group-offsets.ts'
import { encodeListGroupsResponse } from '../../src/kafka-wire/list-groups.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'
import type { KafkaLine } from '../../src/simulator/kafka-versions.ts'
import { shown } from '../fakes/shown.ts'

let broker: Simulated
let cluster: KafkaCluster
let collector: ClusterCollector

async function start(options: { brokers?: number; version?: KafkaLine } = {}): Promise<void> {
  broker = await simulate(options)
  cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 2_000, clock: systemClock })
  collector = createClusterCollector({
    kafkaCluster: 'sim',
    cluster,
    sources: [createKafkaGroups({ cluster, clock: systemClock, keepConsumer: () => true, keepTopic: () => true })],
    keepTopic: () => true,
    intervalMs: 15_000,
    noPosition: () => 'ignore',
    objectives: () => [],
    clock: systemClock,
    observer: silentObserver,
  })
}

afterEach(async () => {
  cluster.close()
  await broker[Symbol.asyncDispose]()
})

const cycle = (): Promise<Snapshot> => collector.cycle(new AbortController().signal)

/** `consumer` to kind, state and members. */
function people(snapshot: Snapshot): Record<string, string> {
  return Object.fromEntries(
    snapshot.consumers.map(({ consumer: { name, kind, state, members }, present }) => [
      name,
      present ? `${kind} ${state} ${members}` : 'gone',
    ]),
  )
}

/** A topic of so many partitions with 100 records in each. */
function fill(topic: string, partitions: number): void {
  broker.state.createTopic(topic, partitions)
  for (let partition = 0; partition < partitions; partition++) broker.state.append(topic, partition, 100)
}

describe('a consumer group of KIP-848', () => {
  it('has a row for each assigned partition, its state and its members', async () => {
    await start({ brokers: 3 })
    fill('t', 4)
    broker.state.setGroup('g', {
      type: 'consumer',
      members: [{ assignment: { t: [0, 1] } }, { assignment: { t: [2, 3] } }],
    })
    broker.state.commit('g', 't', 1, 40n)

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({
      'g t/0': '- no_position',
      'g t/1': '60',
      'g t/2': '- no_position',
      'g t/3': '- no_position',
    })
    expect(people(snapshot)).toEqual({ g: 'consumer Stable 2' })
  })

  it('keeps the row of a partition that nobody has in a rebalance, by what somebody shall have', async () => {
    await start()
    fill('t', 2)
    broker.state.setGroup('g', { type: 'consumer', members: [{ assignment: { t: [0, 1] } }] })
    await cycle()
    broker.state.setGroup('g', {
      type: 'consumer',
      members: [{ assignment: { t: [0] } }, { assignment: {}, target: { t: [1] } }],
      state: 'Reconciling',
    })

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'g t/0': '- no_position', 'g t/1': '- no_position' })
    expect(people(snapshot)).toEqual({ g: 'consumer Reconciling 2' })
  })

  it('whose topics may not be described says so', async () => {
    await start()
    fill('open', 1)
    fill('secret', 1)
    broker.state.setGroup('g', { type: 'consumer', members: [{ assignment: { open: [0], secret: [0] } }] })
    broker.state.commit('g', 'open', 0, 90n)
    broker.state.commit('g', 'secret', 0, 90n)
    broker.state.denied.topics.add('secret')

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'g open/0': '10' })
    expect(snapshot.consumers[0]).not.toHaveProperty('lag')
    expect(snapshot.consumers.map(({ consumer }) => consumer)).toEqual([
      { name: 'g', kind: 'consumer', group: 'g', state: 'Stable', partial: true },
    ])
    expect(snapshot.problems).toEqual([
      { reason: 'incomplete', message: 'Positions of "g": its members read topics that we may not describe' },
    ])
  })

  it('goes on with its series when it was a classic one', async () => {
    await start()
    fill('t', 2)
    broker.state.setGroup('g', { members: [{ assignment: { t: [0, 1] } }] })
    broker.state.commit('g', 't', 0, 40n)
    expect([shown(await cycle()), people(await cycle())]).toEqual([
      { 'g t/0': '60', 'g t/1': '- no_position' },
      { g: 'classic Stable 1' },
    ])

    broker.state.setGroup('g', { type: 'consumer', members: [{ assignment: { t: [0, 1] } }] })

    const snapshot = await cycle()
    expect(shown(snapshot)).toEqual({ 'g t/0': '60', 'g t/1': '- no_position' })
    expect(people(snapshot)).toEqual({ g: 'consumer Stable 1' })
  })
})

describe('a classic group', () => {
  it('keeps the rows of assigned partitions through a rebalance, and loses them when all members have left', async () => {
    await start()
    fill('t', 2)
    broker.state.setGroup('g', { members: [{ assignment: { t: [0, 1] } }] })
    broker.state.commit('g', 't', 0, 40n)
    await cycle()

    for (const state of ['PreparingRebalance', 'CompletingRebalance'] as const) {
      broker.state.setGroup('g', { state })
      for (let count = 0; count < 3; count++) {
        const snapshot = await cycle()
        expect(shown(snapshot)).toEqual({ 'g t/0': '60', 'g t/1': '- no_position' })
        expect(people(snapshot)).toEqual({ g: `classic ${state} 1` })
      }
    }
    broker.state.setGroup('g', { members: [] })
    const snapshot = await cycle()
    expect(shown(snapshot)).toEqual({ 'g t/0': '60' })
    expect(people(snapshot)).toEqual({ g: 'classic Empty 0' })
  })

  it('of a sink of Connect is a consumer, and one of its workers is none', async () => {
    await start()
    fill('t', 1)
    broker.state.setGroup('connect-files', { members: [{ assignment: { t: [0] } }] })
    broker.state.commit('connect-files', 't', 0, 1n)
    broker.state.setGroup('connect-cluster', { members: [{}], protocolType: 'connect' })

    expect(people(await cycle())).toEqual({ 'connect-files': 'classic Stable 1' })
  })

  it('that 3.9 lists without types is told from one of KIP-848 by the description', async () => {
    await start({ version: '3.9' })
    fill('t', 2)
    broker.state.setGroup('new', { type: 'consumer', members: [{ assignment: { t: [0] } }] })
    broker.state.setGroup('old', { members: [{ assignment: { t: [1] } }] })
    broker.faults.lie(({ api, version, correlation, bytes }) => {
      if (api !== 'ListGroups') return bytes
      const groups = ['new', 'old'].map((id) => ({ id, protocolType: 'consumer', state: 'Stable', type: '' }))
      const body = encodeListGroupsResponse(version, { throttleMs: 0, error: 0, groups })
      const head = Buffer.alloc(9)
      head.writeInt32BE(5 + body.length, 0)
      head.writeInt32BE(correlation, 4)
      return Buffer.concat([head, body])
    })

    const snapshot = await cycle()

    expect(people(snapshot)).toEqual({ new: 'consumer Stable 1', old: 'classic Stable 1' })
    expect(shown(snapshot)).toEqual({ 'new t/0': '- no_position', 'old t/1': '- no_position' })
    expect(people(await cycle())).toEqual(people(snapshot))
  })
})

describe('a streams group of KIP-1071', () => {
  it('has a row for each partition of its active tasks, in each topic that has so many', async () => {
    await start()
    fill('wide', 3)
    fill('narrow', 1)
    fill('app-between-repartition', 2)
    const topology = [
      { id: '0', sourceTopics: ['wide', 'narrow', 'unknown'] },
      { id: '1', sourceTopics: [], repartitionSourceTopics: ['app-between-repartition'] },
    ]
    broker.state.setGroup('app', {
      type: 'streams',
      topology,
      members: [
        { assignment: { '0': [0, 1] } },
        { assignment: { '0': [2], '1': [0], '2': [5] }, target: { '1': [0, 1] } },
      ],
    })
    broker.state.commit('app', 'wide', 0, 90n)

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({
      'app wide/0': '10',
      'app wide/1': '- no_position',
      'app wide/2': '- no_position',
      'app narrow/0': '- no_position',
      'app app-between-repartition/0': '- no_position',
      'app app-between-repartition/1': '- no_position',
    })
    expect(people(snapshot)).toEqual({ app: 'streams Stable 2' })
  })

  it('that has not told its topology yet has the rows of its commits', async () => {
    await start()
    fill('t', 2)
    broker.state.setGroup('app', { type: 'streams', members: [{ assignment: {} }], state: 'NotReady' })
    broker.state.commit('app', 't', 0, 90n)

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'app t/0': '10' })
    expect(people(snapshot)).toEqual({ app: 'streams NotReady 1' })
  })
})

describe('a share group of KIP-932', () => {
  it("shows the broker's own lag, and no position", async () => {
    await start({ brokers: 3 })
    fill('t', 4)
    broker.state.setGroup('s', {
      type: 'share',
      members: [{ assignment: { t: [0, 1, 2, 3] } }, { assignment: { t: [0] } }],
    })
    broker.state.share('s', 't', 0, { start: 0n, finished: 20n })
    broker.state.share('s', 't', 1, { start: 100n, finished: 0n })
    broker.state.share('s', 't', 2, {})

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({
      's t/0': '80',
      's t/1': '0',
      's t/2': '- no_position',
      's t/3': '- no_position',
    })
    expect(people(snapshot)).toEqual({ s: 'share Stable 2' })
    expect([...lagRows(snapshot)].some(({ position }) => position !== undefined)).toBe(false)
    expect(snapshot.problems).toEqual([])
  })

  it('of a broker that knows no lag says unsupported in each row (Kafka 4.1)', async () => {
    await start()
    fill('t', 1)
    broker.state.setGroup('s', { type: 'share' })
    broker.state.share('s', 't', 0, { start: 4n })

    expect(shown(await cycle())).toEqual({ 's t/0': '- unsupported' })
  })

  it('is not read on a broker without the request, and is there all the same (Kafka 4.0)', async () => {
    await start({ version: '3.9' })
    fill('t', 1)
    broker.state.setGroup('s', { type: 'share', protocolType: 'share' })

    const snapshot = await cycle()

    expect(snapshot.problems).toMatchObject([{ reason: 'unsupported', consumer: 's' }])
    expect(people(snapshot)).toEqual({ s: 'share Empty 0' })
    expect(snapshot.consumers[0]).not.toHaveProperty('lag')
  })

  it('keeps its lag, held, while its coordinator cannot be asked', async () => {
    await start({ brokers: 2 })
    fill('t', 1)
    broker.state.moveLeader('t', 0, 1)
    broker.state.moveCoordinator('s', 2)
    broker.state.share('s', 't', 0, { start: 0n, finished: 20n })
    await cycle()

    await broker.faults.refuse(2)
    const held = await cycle()
    expect(shown(held)).toEqual({ 's t/0': '80 read_failed held' })
    expect(held.consumers[0]).toMatchObject({ lag: 80, consumer: { kind: 'share' } })
    expect([...lagRows(held)].some(({ position }) => position !== undefined)).toBe(false)
  })

  it('has a lag at once when its topic is made anew, also when it is the same as before', async () => {
    await start()
    fill('t', 1)
    broker.state.share('s', 't', 0, { start: 40n, finished: 0n })
    expect(shown(await cycle())).toEqual({ 's t/0': '60' })

    broker.state.recreateTopic('t', 1)
    broker.state.append('t', 0, 60)
    broker.state.share('s', 't', 0, { start: 0n, finished: 0n })
    await cycle()
    expect(shown(await cycle())).toEqual({ 's t/0': '60' })
  })

  it('that moves is asked about at its new coordinator in the same cycle', async () => {
    await start({ brokers: 2 })
    fill('t', 1)
    broker.state.moveCoordinator('s', 1)
    broker.state.share('s', 't', 0, { start: 40n, finished: 0n })
    expect(shown(await cycle())).toEqual({ 's t/0': '60' })

    broker.faults.errorFor('DescribeShareGroupOffsets', 'NOT_COORDINATOR')
    expect(shown(await cycle())).toEqual({ 's t/0': '60' })
  })

  it('that is gone between two requests is not taken for gone before it is missing from three lists', async () => {
    await start()
    fill('t', 1)
    broker.state.share('s', 't', 0, { start: 40n, finished: 0n })
    await cycle()

    broker.faults.errorFor('DescribeShareGroupOffsets', 'GROUP_ID_NOT_FOUND')
    expect((await cycle()).problems).toMatchObject([{ reason: 'stale', consumer: 's' }])
    broker.state.removeGroup('s')
    await cycle()
    await cycle()
    expect(people(await cycle())).toEqual({ s: 'gone' })
  })
})

describe('two brokers that list one group', () => {
  /** Broker 2 goes on listing the group of broker 1. */
  function alsoListedBy2(id: string): void {
    broker.faults.lie(({ api, broker: of, version, correlation, bytes }) => {
      if (api !== 'ListGroups' || of !== 2) return bytes
      const groups = [{ id, protocolType: '', state: 'Empty', type: 'classic' }]
      const body = encodeListGroupsResponse(version, { throttleMs: 0, error: 0, groups })
      const head = Buffer.alloc(9)
      head.writeInt32BE(5 + body.length, 0)
      head.writeInt32BE(correlation, 4)
      return Buffer.concat([head, body])
    })
  }

  it('are asked in turn, and the one counts that answers', async () => {
    await start({ brokers: 2 })
    fill('t', 1)
    broker.state.moveCoordinator('g', 2)
    broker.state.commit('g', 't', 0, 40n)
    await cycle()

    broker.state.moveCoordinator('g', 1)
    alsoListedBy2('g')
    for (let count = 0; count < 3; count++) {
      broker.requests.reset()
      const snapshot = await cycle()
      expect(shown(snapshot)).toEqual({ 'g t/0': '60' })
      expect(snapshot.problems).toEqual([])
      expect(broker.requests.total('FindCoordinator')).toBe(0)
      // Only the first time is the old one asked in vain.
      expect(broker.requests.total('OffsetFetch')).toBe(count === 0 ? 2 : 1)
    }
  })
})

describe('what the kinds of groups cost', () => {
  it('is nothing while there are none, and a lone broker gets five requests at most, whenever a group comes', async () => {
    await start()
    fill('t', 2)
    for (let group = 0; group < 10; group++) broker.state.commit(`g${group}`, 't', 0, 0n)
    await cycle()
    await cycle()
    broker.state.setGroup('late', { members: [{ assignment: { t: [0] } }] })
    await cycle()
    broker.state.setGroup('later', { members: [{ assignment: { t: [1] } }] })
    await cycle()
    await cycle()

    for (let count = 0; count < 8; count++) {
      broker.requests.reset()
      await cycle()
      expect(broker.requests.total()).toBeLessThanOrEqual(5)
    }
  })

  it('is a description of each kind in every second cycle, and one request for all share groups', async () => {
    await start({ brokers: 3 })
    fill('t', 2)
    for (const type of ['classic', 'consumer', 'share', 'streams'] as const)
      for (let group = 0; group < 20; group++) {
        broker.state.setGroup(`${type}-${group}`, { type, members: [{ assignment: { t: [0] } }] })
        if (type === 'share') broker.state.share(`share-${group}`, 't', 0, { start: 0n, finished: 0n })
      }
    await cycle()
    await cycle()
    broker.requests.reset()

    for (let count = 0; count < 8; count++) await cycle()

    for (const id of [1, 2, 3])
      expect(
        Object.fromEntries(
          (
            [
              'ListGroups',
              'OffsetFetch',
              'FindCoordinator',
              'DescribeGroups',
              'ConsumerGroupDescribe',
              'ShareGroupDescribe',
              'StreamsGroupDescribe',
              'DescribeShareGroupOffsets',
            ] as const
          ).map((api) => [api, broker.requests.total(api, id)]),
        ),
      ).toEqual({
        ListGroups: 8,
        OffsetFetch: 8,
        FindCoordinator: 0,
        DescribeGroups: 4,
        ConsumerGroupDescribe: 4,
        ShareGroupDescribe: 4,
        StreamsGroupDescribe: 4,
        DescribeShareGroupOffsets: 8,
      })
  })

  it('is not the positions when a description cannot be read', async () => {
    await start()
    fill('t', 1)
    broker.state.setGroup('g', { type: 'consumer', members: [{ assignment: { t: [0] } }] })
    broker.state.commit('g', 't', 0, 40n)
    await cycle()
    broker.faults.lie(({ api, correlation, bytes }) => {
      if (api !== 'ConsumerGroupDescribe') return bytes
      const lie = Buffer.from('00000009 00000000 00 ffffffff'.replaceAll(' ', ''), 'hex')
      lie.writeInt32BE(correlation, 4)
      return lie
    })
    for (let count = 0; count < 2; count++) await cycle()
    await new Promise((resolve) => setTimeout(resolve, 500))

    broker.requests.reset()
    for (let count = 0; count < 6; count++) expect(shown(await cycle())).toEqual({ 'g t/0': '60' })
    expect(broker.requests.total('ConsumerGroupDescribe')).toBe(0)
  })
})

describe('an answer about share groups', () => {
  it('with errors for partitions gives the others', async () => {
    await start()
    fill('t', 3)
    broker.state.setGroup('s', { type: 'share' })
    broker.state.share('s', 't', 0, { start: 0n, finished: 0n })
    broker.faults.lie(({ api, version, correlation, bytes }) => {
      if (api !== 'DescribeShareGroupOffsets') return bytes
      const body = encodeDescribeShareGroupOffsetsResponse(version, {
        throttleMs: 0,
        groups: [{ id: 's', error: 0, firstBlock: 0, blocks: 1 }],
        topics: ['t'],
        blockTopic: Uint32Array.of(0),
        blockFirst: Uint32Array.of(0, 3),
        partition: Int32Array.of(2, 0, 1),
        start: new Uint32Array(6),
        startAbsent: Uint8Array.of(0, 0, 0),
        lag: Uint32Array.of(7, 0, 5, 1, 9, 0),
        lagAbsent: Uint8Array.of(0, 0, 0),
        epoch: new Int32Array(3),
        error: Int16Array.of(0, 0, 29),
      })
      const head = Buffer.alloc(9)
      head.writeInt32BE(5 + body.length, 0)
      head.writeInt32BE(correlation, 4)
      return Buffer.concat([head, body])
    })

    expect(shown(await cycle())).toEqual({
      's t/0': String(5n + 2n ** 32n),
      's t/1': '- unauthorized',
      's t/2': '7',
    })
  })
})
