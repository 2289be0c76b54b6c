import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ClusterCollector, createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster as connect, type KafkaCluster } from '../../src/kafka/cluster.ts'
import { apis } from '../../src/kafka-wire/apis.ts'
import { encodeListGroupsResponse } from '../../src/kafka-wire/list-groups.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'
import type { KafkaLine } from '../../src/simulator/kafka-versions.ts'
import { shown } from '../fakes/shown.ts'

/** Moves only when a test says so, so that holding needs no waiting. */
let offsetMs = 0
const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + offsetMs }
const signal = new AbortController().signal

let broker: Simulated
let cluster: KafkaCluster
let collector: ClusterCollector

async function start(
  options: { brokers?: number; version?: KafkaLine; requestTimeoutMs?: number; intervalMs?: number } = {},
): Promise<void> {
  broker = await simulate(options)
  cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: options.requestTimeoutMs ?? 2_000, clock })
  collector = createClusterCollector({
    kafkaCluster: 'sim',
    cluster,
    sources: [createKafkaGroups({ cluster, clock, keepConsumer: () => true, keepTopic: () => true })],
    keepTopic: () => true,
    intervalMs: options.intervalMs ?? 15_000,
    noPosition: () => 'ignore',
    objectives: () => [],
    clock,
    observer: silentObserver,
  })
}

beforeEach(() => {
  offsetMs = 0
})
afterEach(async () => {
  cluster.close()
  await broker[Symbol.asyncDispose]()
})

const cycle = (): Promise<Snapshot> => collector.cycle(signal)

function present(snapshot: Snapshot): Record<string, boolean> {
  return Object.fromEntries(snapshot.consumers.map(({ consumer, present: isThere }) => [consumer.name, isThere]))
}

describe.each<KafkaLine>(['4.3', '3.9', '2.8', '1.1', '0.11', '0.10.2', '0.10.0', '0.9'])(
  'a cycle on simulated Kafka %s',
  (version) => {
    it('gives lag, and reasons where there is none', async () => {
      await start({ version, brokers: 3 })
      broker.state.createTopic('orders', 4)
      broker.state.createTopic('empty', 1)
      broker.state.setLog('orders', 0, 0n, 100n)
      broker.state.setLog('orders', 1, 60n, 100n)
      broker.state.setLog('orders', 2, 0n, 5n)
      broker.state.commit('g', 'orders', 0, 60n)
      broker.state.commit('g', 'orders', 1, 20n)
      broker.state.commit('g', 'orders', 2, 9n)
      broker.state.commit('g', 'empty', 0, 0n)
      broker.state.setGroup('live', { members: [{ assignment: { orders: [2, 3] } }] })

      expect(shown(await cycle())).toEqual({
        'g empty/0': '0',
        'g orders/0': '40',
        'g orders/1': '40',
        'g orders/2': '- position_beyond_end',
        'live orders/2': '- no_position',
        'live orders/3': '0',
      })
    })
  },
)

describe('the cycle', () => {
  it('keeps within four requests a broker for lag and one for all else, counted over steady cycles', async () => {
    await start({ brokers: 3 })
    for (let topic = 0; topic < 30; topic++) broker.state.createTopic(`t${topic}`, 4)
    for (let group = 0; group < 40; group++) {
      for (let topic = 0; topic < 5; topic++) broker.state.commit(`g${group}`, `t${topic}`, 0, 0n)
      if (group % 2 === 0) broker.state.setGroup(`g${group}`, { members: [{ assignment: { t0: [0, 1] } }] })
    }
    await cycle()
    await cycle()
    broker.requests.reset()

    for (let count = 0; count < 8; count++) await cycle()

    for (const id of [1, 2, 3]) {
      for (const api of [
        'ListOffsets',
        'ListGroups',
        'OffsetFetch',
        'FindCoordinator',
        'Metadata',
        'DescribeGroups',
      ] as const)
        expect([api, broker.requests.total(api, id)]).toEqual([
          api,
          {
            ListOffsets: 16,
            ListGroups: 8,
            OffsetFetch: 8,
            FindCoordinator: 0,
            Metadata: id === 1 ? 8 : 0,
            DescribeGroups: 4,
          }[api],
        ])
    }
    expect(broker.requests.total()).toBeLessThanOrEqual(8 * 15)
  })

  it('never asks a lone broker for more than five requests', async () => {
    await start()
    broker.state.createTopic('t', 2)
    for (let group = 0; group < 10; group++) broker.state.commit(`g${group}`, 't', 0, 0n)
    broker.state.setGroup('g1', { members: [{ assignment: { t: [0, 1] } }] })
    await cycle()

    for (let count = 0; count < 8; count++) {
      broker.requests.reset()
      await cycle()
      expect(broker.requests.total()).toBeLessThanOrEqual(5)
    }
  })

  it('verifies the topics of a lone broker in every cycle, also in those in which it describes groups', async () => {
    await start()
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 100n)
    broker.state.commit('g', 't', 0, 45n)
    broker.state.setGroup('g', { members: [{ assignment: { t: [0] } }] })
    await cycle()

    for (let round = 0; round < 4; round++) {
      broker.state.recreateTopic('t', 1)
      broker.state.setLog('t', 0, 0n, 500n)
      expect(shown(await cycle())).toEqual({ 'g t/0': '- topic_recreated' })
    }
  })

  it('reads log starts, then positions, then log ends', async () => {
    await start()
    broker.state.createTopic('t', 1)
    broker.state.commit('g', 't', 0, 0n)
    const snapshot = await cycle()

    const positions = snapshot.parts[0]!.batch.takenAt
    expect(snapshot.starts.evidence[0]!.sentAt).toBeLessThan(positions)
    expect(snapshot.ends.evidence[0]!.sentAt).toBeGreaterThanOrEqual(positions)
  })

  it('finds topics, partitions and groups that are new since the last cycle', async () => {
    await start({ brokers: 2 })
    broker.state.createTopic('t', 1)
    await cycle()
    broker.state.createTopic('later', 2)
    broker.state.setLog('later', 1, 0n, 7n)
    broker.state.commit('g', 'later', 1, 3n)
    broker.state.addPartitions('t', 3)
    broker.state.commit('g', 't', 2, 0n)

    expect(shown(await cycle())).toEqual({ 'g later/1': '4', 'g t/2': '0' })
  })

  it('holds rows whole while their broker is away, drops them after the limit, and recovers', async () => {
    await start({ brokers: 2 })
    broker.state.createTopic('t', 2)
    broker.state.setLog('t', 0, 0n, 10n)
    broker.state.setLog('t', 1, 0n, 10n)
    broker.state.commit('g', 't', 0, 4n)
    broker.state.commit('g', 't', 1, 4n)
    broker.state.moveCoordinator('g', 1)
    broker.state.moveLeader('t', 0, 1)
    broker.state.moveLeader('t', 1, 2)
    expect(shown(await cycle())).toEqual({ 'g t/0': '6', 'g t/1': '6' })

    await broker.faults.refuse(2)
    broker.state.append('t', 0, 1)
    const held = await cycle()
    expect(shown(held)).toEqual({ 'g t/0': '7', 'g t/1': '6 read_failed held' })
    expect(held.consumers[0]?.lag).toBe(13)
    expect(held.problems.length).toBeGreaterThan(0)

    offsetMs += 95_000
    const gone = await cycle()
    expect(shown(gone)).toEqual({ 'g t/0': '7', 'g t/1': '- read_failed' })
    expect(gone.consumers[0]?.lag).toBeUndefined()

    await broker.faults.accept(2)
    offsetMs += 30_000
    expect(shown(await cycle())).toEqual({ 'g t/0': '7', 'g t/1': '6' })
  })

  it('carries the rows of a group whose coordinator is frozen', async () => {
    await start({ brokers: 2, requestTimeoutMs: 300 })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 10n)
    broker.state.moveLeader('t', 0, 1)
    broker.state.commit('far', 't', 0, 4n)
    broker.state.commit('near', 't', 0, 5n)
    broker.state.moveCoordinator('far', 2)
    broker.state.moveCoordinator('near', 1)
    await cycle()

    broker.faults.freeze(2)
    const held = await cycle()

    expect(shown(held)).toEqual({ 'near t/0': '5', 'far t/0': '6 timeout held' })
    expect(present(held)).toEqual({ far: true, near: true })
    broker.faults.thaw(2)
    offsetMs += 30_000
    expect(shown(await cycle())).toEqual({ 'near t/0': '5', 'far t/0': '6' })
  })

  it('reads the groups of other brokers while one is frozen, when a request may take a third of the interval', async () => {
    await start({ brokers: 2, requestTimeoutMs: 500, intervalMs: 1_500 })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 10n)
    broker.state.moveLeader('t', 0, 1)
    broker.state.commit('far', 't', 0, 4n)
    broker.state.commit('near', 't', 0, 4n)
    broker.state.moveCoordinator('far', 2)
    broker.state.moveCoordinator('near', 1)
    await cycle()

    broker.faults.freeze(2)
    for (const position of [5n, 6n, 7n]) {
      broker.state.commit('near', 't', 0, position)
      expect(shown(await cycle())).toEqual({ 'near t/0': String(10n - position), 'far t/0': '6 timeout held' })
    }
  })

  it.each<KafkaLine>(['3.9', '4.3'])('does not take a %s broker that was frozen for an older one', async (version) => {
    await start({ version, brokers: 2, requestTimeoutMs: 300 })
    broker.state.createTopic('t', 2)
    broker.state.setLog('t', 0, 0n, 10n)
    broker.state.setLog('t', 1, 0n, 10n)
    broker.state.moveLeader('t', 0, 1)
    broker.state.moveLeader('t', 1, 2)
    broker.state.commit('g', 't', 0, 4n)
    broker.state.commit('g', 't', 1, 4n)
    broker.state.moveCoordinator('g', 1)
    await cycle()

    for (const frozenMs of [150, 350, 550]) {
      broker.faults.freeze(2)
      await cycle()
      // Past the pause after a time-out, so that it is tried again while it stands still.
      offsetMs += 1_000
      const timer = setTimeout(() => broker.faults.thaw(2), frozenMs)
      await cycle()
      clearTimeout(timer)
      broker.faults.thaw(2)
      offsetMs += 30_000
      await cycle()
      expect(cluster.version(2, apis.Metadata)).toBe(cluster.version(1, apis.Metadata))
      expect(shown(await cycle())).toEqual({ 'g t/0': '6', 'g t/1': '6' })
    }
  })

  it('keeps everything, held, when no broker answers, and nothing once the limit has passed', async () => {
    await start({ brokers: 1, requestTimeoutMs: 300 })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 10n)
    broker.state.commit('g', 't', 0, 4n)
    await cycle()

    await broker.faults.refuse(1)
    expect(shown(await cycle())).toEqual({ 'g t/0': '6 read_failed held' })
    offsetMs += 95_000
    expect(shown(await cycle())).toEqual({ 'g t/0': '- read_failed' })
    await broker.faults.accept(1)
    offsetMs += 30_000
    expect(shown(await cycle())).toEqual({ 'g t/0': '6' })
  })

  it('asks again in the same cycle after a leader or a coordinator has moved', async () => {
    await start({ brokers: 3 })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 10n)
    broker.state.moveLeader('t', 0, 1)
    broker.state.commit('g', 't', 0, 4n)
    await cycle()

    broker.state.moveLeader('t', 0, 2)
    broker.faults.errorFor('OffsetFetch', 'NOT_COORDINATOR')
    expect(shown(await cycle())).toEqual({ 'g t/0': '6' })
    broker.faults.errorFor('OffsetFetch', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_LOAD_IN_PROGRESS')
    expect(shown(await cycle())).toEqual({ 'g t/0': '6 coordinator_loading held' })
  })

  it('prints no lag of a recreated topic until the position moves', async () => {
    await start({ brokers: 2 })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 100n)
    broker.state.commit('g', 't', 0, 40n)
    await cycle()

    broker.state.recreateTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 50n)
    expect(shown(await cycle())).toEqual({ 'g t/0': '- topic_recreated' })
    expect(shown(await cycle())).toEqual({ 'g t/0': '- topic_recreated' })
    broker.state.commit('g', 't', 0, 45n)
    expect(shown(await cycle())).toEqual({ 'g t/0': '5' })
  })

  it('prints no lag of a topic recreated between its positions and metadata that something else made it read', async () => {
    await start({ brokers: 2 })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 100n)
    broker.state.commit('g', 't', 0, 40n)
    await cycle()

    broker.state.commit('g', 't', 0, 45n)
    broker.state.createTopic('later', 1)
    broker.state.commit('other', 'later', 0, 0n)
    let isDone = false
    broker.faults.lie(({ api, bytes }) => {
      if (api === 'OffsetFetch' && !isDone) {
        isDone = true
        broker.state.recreateTopic('t', 1)
        broker.state.setLog('t', 0, 0n, 500n)
      }
      return bytes
    })
    expect(shown(await cycle())['g t/0']).toBe('- topic_recreated')
  })

  it.each<KafkaLine>(['1.1', '0.10.0'])(
    'takes a log end that fell for a recreated topic on %s, which has no ids, until the position moves',
    async (version) => {
      await start({ version })
      broker.state.createTopic('t', 1)
      broker.state.setLog('t', 0, 0n, 100n)
      broker.state.commit('g', 't', 0, 40n)
      await cycle()

      broker.state.recreateTopic('t', 1)
      broker.state.setLog('t', 0, 0n, 50n)
      expect(shown(await cycle())).toEqual({ 'g t/0': '- topic_recreated' })
      broker.state.append('t', 0, 100)
      expect(shown(await cycle())).toEqual({ 'g t/0': '- topic_recreated' })
      broker.state.commit('g', 't', 0, 45n)
      expect(shown(await cycle())).toEqual({ 'g t/0': '105' })
    },
  )

  it('shows an expired commit as no_position at once while a member has the partition, and else no row', async () => {
    await start({ brokers: 2 })
    broker.state.createTopic('t', 2)
    broker.state.setLog('t', 0, 0n, 10n)
    broker.state.setLog('t', 1, 0n, 10n)
    for (const group of ['live', 'left']) for (const partition of [0, 1]) broker.state.commit(group, 't', partition, 4n)
    broker.state.setGroup('live', { members: [{ assignment: { t: [0, 1] } }] })
    await cycle()
    await cycle()

    for (const group of ['live', 'left']) broker.state.forget(group, 't', 1)
    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'live t/0': '6', 'live t/1': '- no_position', 'left t/0': '6' })
    expect(snapshot.consumers.map(({ consumer, lag }) => [consumer.name, lag])).toEqual([
      ['left', 6],
      ['live', 6],
    ])
  })

  it('says topic_deleted for commits that a deleted topic leaves behind, and the group goes on', async () => {
    await start({ brokers: 2 })
    broker.state.createTopic('doomed', 1)
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 9n)
    broker.state.commit('g', 'doomed', 0, 4n)
    broker.state.commit('g', 't', 0, 4n)
    await cycle()

    broker.state.deleteTopic('doomed', { keepCommits: true })
    expect(shown(await cycle())).toEqual({ 'g doomed/0': '- topic_deleted', 'g t/0': '5' })
  })

  it('tells a truncated log from a commit past the end', async () => {
    await start({ brokers: 2 })
    broker.state.createTopic('t', 2)
    broker.state.setLog('t', 0, 0n, 100n)
    broker.state.setLog('t', 1, 0n, 100n)
    broker.state.commit('g', 't', 0, 90n, 0)
    broker.state.commit('g', 't', 1, 190n)
    broker.state.commit('same-epoch', 't', 1, 190n, 0)
    await cycle()

    broker.state.truncate('t', 0, 50n)
    expect(shown(await cycle())).toEqual({
      'g t/0': '- truncated',
      'g t/1': '- position_beyond_end',
      'same-epoch t/1': '- position_beyond_end',
    })
  })

  it('takes a group for gone only after three complete listings without it, then shows it as absent', async () => {
    await start({ brokers: 2 })
    broker.state.createTopic('t', 1)
    broker.state.commit('g', 't', 0, 0n)
    broker.state.commit('stays', 't', 0, 0n)
    await cycle()
    broker.state.removeGroup('g')

    expect(present(await cycle())).toEqual({ g: true, stays: true })
    expect(present(await cycle())).toEqual({ g: true, stays: true })
    expect(present(await cycle())).toEqual({ g: false, stays: true })
    expect(present(await cycle())).toEqual({ g: false, stays: true })
    broker.state.commit('g', 't', 0, 0n)
    expect(present(await cycle())).toEqual({ g: true, stays: true })
  })

  it.each<KafkaLine>(['0.9', '0.10.0'])(
    'keeps the lag of a group that %s no longer lists because its members left, until its commits are gone',
    async (version) => {
      await start({ version })
      broker.state.createTopic('t', 1)
      broker.state.setLog('t', 0, 0n, 10n)
      broker.state.commit('g', 't', 0, 4n)
      broker.state.setGroup('g', { members: [{ assignment: { t: [0] } }] })
      expect(shown(await cycle())).toEqual({ 'g t/0': '6' })

      broker.faults.lie(({ api, version: of, correlation, bytes }) => {
        if (api !== 'ListGroups') return bytes
        const body = encodeListGroupsResponse(of, { throttleMs: 0, error: 0, groups: [] })
        const head = Buffer.alloc(8)
        head.writeInt32BE(4 + body.length, 0)
        head.writeInt32BE(correlation, 4)
        return Buffer.concat([head, body])
      })
      for (let count = 1; count <= 5; count++) {
        broker.state.append('t', 0, 1)
        const snapshot = await cycle()
        expect(shown(snapshot)).toEqual({ 'g t/0': String(6 + count) })
        expect(snapshot.consumers[0]?.consumer.members).toBe(0)
        expect(snapshot.problems).toEqual([])
      }

      broker.faults.lie(undefined)
      broker.state.setGroup('g', { members: [{ assignment: { t: [0] } }] })
      await cycle()
      expect((await cycle()).consumers[0]?.consumer).toMatchObject({ state: 'Stable', members: 1 })

      broker.state.removeGroup('g')
      await cycle()
      const gone = await cycle()
      expect(shown(gone)).toEqual({})
      expect(present(gone)).toEqual({ g: false })
    },
  )

  it('says incomplete for an assigned topic that is hidden from us, and gives no sum', async () => {
    await start({ brokers: 2 })
    broker.state.createTopic('open', 1)
    broker.state.createTopic('hidden', 1)
    broker.state.setGroup('half', { members: [{ assignment: { open: [0], hidden: [0] } }] })
    broker.state.commit('half', 'open', 0, 0n)
    await cycle()
    broker.state.denied.topics.add('hidden')
    await cycle()

    const snapshot = await cycle()
    expect(shown(snapshot)).toEqual({ 'half hidden/0': '- incomplete', 'half open/0': '0' })
    expect(snapshot.consumers.find(({ consumer }) => consumer.name === 'half')?.lag).toBeUndefined()
  })

  it('closes a connection on malformed answers, goes on with the other brokers, and recovers', async () => {
    await start({ brokers: 2, requestTimeoutMs: 500 })
    broker.state.createTopic('t', 2)
    broker.state.moveLeader('t', 0, 1)
    broker.state.moveLeader('t', 1, 2)
    broker.state.setLog('t', 0, 0n, 10n)
    broker.state.setLog('t', 1, 0n, 10n)
    broker.state.commit('g', 't', 0, 4n)
    broker.state.commit('g', 't', 1, 4n)
    broker.state.moveCoordinator('g', 1)
    await cycle()

    const lies: readonly Buffer[] = [
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0, 0, 0, 2, 0, 0]),
      Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3]),
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      Buffer.from([0x15, 3, 3, 0, 2, 2, 40]),
      Buffer.from([0, 0, 0, 8, 0x7f, 0, 0, 1, 0, 0, 0, 0]),
    ]
    for (const bytes of lies) {
      broker.faults.lie((answer) => (answer.broker === 2 ? bytes : answer.bytes))
      const rows = shown(await cycle())
      expect(rows['g t/0']).toBe('6')
      expect(rows['g t/1']).toMatch(/^6 \w+ held$/)
      broker.faults.lie(undefined)
      offsetMs += 15_000
      expect(shown(await cycle())).toEqual({ 'g t/0': '6', 'g t/1': '6' })
    }
  })

  it('survives a close in place of any answer', async () => {
    await start({ brokers: 2, requestTimeoutMs: 500 })
    broker.state.createTopic('t', 1)
    broker.state.commit('g', 't', 0, 0n)
    await cycle()
    for (const api of ['Metadata', 'ListOffsets', 'ListGroups', 'OffsetFetch'] as const) {
      broker.faults.lie((answer) => (answer.api === api ? 'close' : answer.bytes))
      await cycle()
      broker.faults.lie(undefined)
      offsetMs += 15_000
      expect(shown(await cycle())).toEqual({ 'g t/0': '0' })
    }
  })

  it('reads offsets of 2^53 + 1 and 2^63 − 1 exactly', async () => {
    await start()
    broker.state.createTopic('t', 2)
    broker.state.setLog('t', 0, 0n, 2n ** 53n + 1n)
    broker.state.setLog('t', 1, 0n, 2n ** 63n - 1n)
    broker.state.commit('g', 't', 0, 0n)
    broker.state.commit('g', 't', 1, 1n)

    expect(shown(await cycle())).toEqual({ 'g t/0': String(2n ** 53n + 1n), 'g t/1': String(2n ** 63n - 2n) })
  })
})

describe('a cycle on brokers without a way to ask', () => {
  it('says that 0.8.2 cannot list groups, and still knows the logs', async () => {
    await start({ version: '0.8.2' })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 3n, 10n)
    const snapshot = await cycle()

    expect(snapshot.problems.map((problem) => problem.reason)).toEqual(['unsupported'])
    expect(snapshot.ends.reason[0]).toBe(0)
  })
})
