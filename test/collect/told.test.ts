import { afterEach, describe, expect, it } from 'vitest'
import { type ClusterCollector, createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { type CollectObserver, silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster as connect, type KafkaCluster } from '../../src/kafka/cluster.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'
import type { KafkaLine } from '../../src/simulator/kafka-versions.ts'
import { shown } from '../fakes/shown.ts'

// What single rows, topics and groups could not be read for is told, and counted, once for all that have it in common.

let broker: Simulated
let cluster: KafkaCluster
let collector: ClusterCollector
/** Of the last cycle, by source. */
let up: Record<string, boolean> = {}

async function start(
  options: { brokers?: number; version?: KafkaLine; groups?: readonly string[]; requestTimeoutMs?: number } = {},
): Promise<void> {
  broker = await simulate(options)
  cluster = connect({
    bootstrap: broker.bootstrap,
    requestTimeoutMs: options.requestTimeoutMs ?? 2_000,
    clock: systemClock,
  })
  const observer: CollectObserver = {
    ...silentObserver,
    source: (source, _name, { up: isUp }) => {
      up[source] = isUp
    },
  }
  const filters = { keepConsumer: () => true, keepTopic: () => true }
  up = {}
  collector = createClusterCollector({
    kafkaCluster: 'sim',
    cluster,
    sources: [
      createKafkaGroups({
        cluster,
        clock: systemClock,
        ...filters,
        ...(options.groups === undefined ? {} : { groups: options.groups }),
      }),
    ],
    keepTopic: filters.keepTopic,
    intervalMs: 15_000,
    noPosition: () => 'ignore',
    objectives: () => [],
    clock: systemClock,
    observer,
  })
}

afterEach(async () => {
  cluster.close()
  await broker[Symbol.asyncDispose]()
})

const cycle = (): Promise<Snapshot> => collector.cycle(new AbortController().signal)

const told = ({ problems }: Snapshot): readonly string[] =>
  problems.map(({ reason, message }) => `${reason}: ${message}`)

const sumOf = (snapshot: Snapshot, name: string): number | undefined =>
  snapshot.consumers.find(({ consumer }) => consumer.name === name)?.lag

/** Topics of two partitions, 100 records each, and a group that has read 90 of each. */
function fill(...topics: readonly string[]): void {
  for (const topic of topics) {
    broker.state.createTopic(topic, 2)
    for (const partition of [0, 1]) {
      broker.state.append(topic, partition, 100)
      broker.state.commit('g', topic, partition, 90n)
    }
  }
}

function replace(from: bigint, to: bigint, name: string): void {
  const [right, wrong] = [Buffer.alloc(8), Buffer.alloc(8)]
  right.writeBigInt64BE(from)
  wrong.writeBigInt64BE(to)
  broker.faults.lie(({ api, bytes }) => {
    if (api !== name) return bytes
    for (let at = bytes.indexOf(right); at >= 0; at = bytes.indexOf(right, at + 8)) wrong.copy(bytes, at)
    return bytes
  })
}

describe('a log', () => {
  it('without a leader is told once for all of them, also when they are of several topics', async () => {
    await start({ brokers: 2 })
    fill('a', 'b')
    await cycle()
    broker.state.moveLeader('a', 0, undefined)
    broker.state.moveLeader('a', 1, undefined)
    broker.state.moveLeader('b', 1, undefined)

    await cycle()
    const snapshot = await cycle()

    expect(shown(snapshot)['g a/0']).toBe('10 end_unknown held')
    expect(told(snapshot)).toEqual(
      ['earliest', 'latest'].map(
        (side) => `end_unknown: Log offsets (${side}): none of 3 partitions, such as "a" 0: it has no leader`,
      ),
    )
  })

  it.each([-2n, -1_001n, -(2n ** 63n)])('that ends at %d has no end, and that is told', async (wrong) => {
    await start()
    fill('a')
    broker.state.setLog('a', 1, 0n, 0x1122_3344_5566n)
    replace(0x1122_3344_5566n, wrong, 'ListOffsets')

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'g a/0': '10', 'g a/1': '- end_unknown' })
    expect(snapshot.problems).toEqual([
      {
        reason: 'end_unknown',
        topic: 'a',
        message: 'Log offsets (latest): none of "a" 1: what its leader says is no offset, expected 0 or more',
      },
    ])
  })

  it('that ends before it starts has no end, and that is told', async () => {
    await start()
    fill('a')
    broker.state.setLog('a', 1, 50n, 0x1122_3344_5566n)
    replace(0x1122_3344_5566n, 49n, 'ListOffsets')

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'g a/0': '10', 'g a/1': '- end_unknown' })
    expect(told(snapshot)).toEqual(['end_unknown: Log offsets: a log ends before the start, "a" 1: from 50 to 49'])
  })

  it('whose leader is too slow is told although others were asked about a second time', async () => {
    await start({ brokers: 2, requestTimeoutMs: 300 })
    fill('a')
    broker.state.moveCoordinator('g', 1)
    await cycle()
    broker.state.moveLeader('a', 0, 1)
    broker.state.moveLeader('a', 1, 2)
    await cycle()
    broker.state.setOffsetError('a', 0, 'NOT_LEADER_OR_FOLLOWER')
    broker.faults.lie(({ api, broker: id, bytes }) => (api === 'ListOffsets' && id === 2 ? 'silence' : bytes))

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'g a/0': '10 end_unknown held', 'g a/1': '10 timeout held' })
    expect(told(snapshot)).toContainEqual('end_unknown: Log offsets (latest): none of "a" 0: NOT_LEADER_OR_FOLLOWER')
    expect(told(snapshot)).toContainEqual(expect.stringContaining('timeout: Log offsets (latest) from broker 2'))
  })

  it('of a topic that goes while it is read is none that could not be read', async () => {
    await start()
    fill('a', 'b')
    await cycle()
    broker.faults.lie(({ api, bytes }) => {
      if (api === 'OffsetFetch' && broker.state.topics.has('b')) broker.state.deleteTopic('b')
      return bytes
    })

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({
      'g a/0': '10',
      'g a/1': '10',
      'g b/0': '- topic_deleted',
      'g b/1': '- topic_deleted',
    })
    expect(told(snapshot)).toEqual([])
  })
})

describe('a topic', () => {
  it('that may not be described any more leaves rows without a lag and no sum, until it may be again', async () => {
    await start()
    fill('a', 'b')
    broker.state.commit('other', 'a', 0, 95n)
    await cycle()
    broker.state.denied.topics.add('b')

    await cycle()
    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({
      'g a/0': '10',
      'g a/1': '10',
      'g b/0': '- unauthorized',
      'g b/1': '- unauthorized',
      'other a/0': '5',
    })
    expect([sumOf(snapshot, 'g'), sumOf(snapshot, 'other')]).toEqual([undefined, 5])
    expect(snapshot.problems).toEqual([
      { reason: 'unauthorized', topic: 'b', message: 'Metadata: we may not describe "b" any more' },
    ])

    broker.state.denied.topics.delete('b')
    await cycle()
    const again = await cycle()

    expect(sumOf(again, 'g')).toBe(40)
    expect(told(again)).toEqual([])
  })

  it('that is hidden from a group that is deleted goes with it', async () => {
    await start()
    fill('a', 'b')
    broker.state.commit('other', 'a', 0, 95n)
    await cycle()
    broker.state.denied.topics.add('b')
    await cycle()
    broker.state.removeGroup('g')
    for (let count = 0; count < 3; count++) await cycle()

    expect(shown(await cycle())).toEqual({ 'other a/0': '5' })
  })

  it('that is deleted costs one request more, and is no problem', async () => {
    await start()
    fill('a', 'b')
    await cycle()
    broker.state.deleteTopic('b')
    await cycle()
    broker.requests.reset()

    const snapshot = await cycle()
    await cycle()

    expect(shown(snapshot)).toEqual({ 'g a/0': '10', 'g a/1': '10' })
    expect(told(snapshot)).toEqual([])
    expect(broker.requests.total('Metadata')).toBe(2)
  })

  it('is never named to a broker that would create it', async () => {
    await start({ version: '0.10.2' })
    fill('a', 'b')
    await cycle()
    broker.state.deleteTopic('b')

    await cycle()
    await cycle()

    expect(broker.state.topics.has('b')).toBe(false)
  })
})

describe('a position', () => {
  it('that is nonsense is told once for all of them', async () => {
    await start()
    fill('a')
    broker.state.commit('g', 'a', 0, 0x1122_3344_5566n)
    broker.state.commit('other', 'a', 1, 0x1122_3344_5566n)
    replace(0x1122_3344_5566n, -77n, 'OffsetFetch')

    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'g a/0': '- read_failed', 'g a/1': '10', 'other a/1': '- read_failed' })
    expect(told(snapshot)).toEqual([
      'read_failed: Positions: none of 2 partitions, such as "a" 0 of "g": an offset below -1, or an error of the broker',
    ])
  })

  it('of a topic that only a member knows is told', async () => {
    await start()
    fill('a')
    broker.state.denied.topics.add('hidden')
    broker.state.setGroup('live', { members: [{ assignment: { hidden: [0] } }] })

    const snapshot = await cycle()

    expect(shown(snapshot)['live hidden/0']).toBe('- incomplete')
    expect(told(snapshot)).toEqual([
      'incomplete: Positions: none of "hidden" 0 of "live": a member has it, and the cluster does not show us the topic',
    ])
  })

  it('of a former life of its topic is known for one, also when the topic and the commit were away', async () => {
    await start()
    fill('a', 'b')
    await cycle()
    await cycle()
    broker.state.deleteTopic('b')
    await cycle()
    await cycle()
    broker.state.createTopic('b', 2)
    broker.state.append('b', 0, 8)
    broker.state.append('b', 1, 8)
    await cycle()
    broker.state.commit('g', 'b', 0, 90n)
    broker.state.commit('g', 'b', 1, 101n)
    await cycle()

    const rows = shown(await cycle())

    expect([rows['g b/0'], rows['g b/1']]).toEqual(['- topic_recreated', '- position_beyond_end'])
  })
})

describe('a group', () => {
  it('that may not be described any more is unauthorized and not gone, and is read again when it may be', async () => {
    await start({ brokers: 2 })
    fill('a')
    broker.state.commit('other', 'a', 0, 95n)
    await cycle()
    broker.state.denied.groups.add('g')

    for (let count = 0; count < 5; count++) {
      const snapshot = await cycle()
      expect(shown(snapshot)).toEqual({
        'g a/0': '- unauthorized',
        'g a/1': '- unauthorized',
        'other a/0': '5',
      })
      expect(told(snapshot)).toEqual([
        'unauthorized: Positions of "g": no coordinator lists the group any more, and we may not describe it',
      ])
      expect(snapshot.consumers.map(({ consumer, present }) => [consumer.name, present])).toContainEqual(['g', true])
    }
    broker.state.denied.groups.delete('g')

    const again = await cycle()
    expect([sumOf(again, 'g'), told(again)]).toEqual([20, []])
  })

  it('that is deleted is stale, and then gone', async () => {
    await start()
    fill('a')
    broker.state.commit('other', 'a', 0, 95n)
    await cycle()
    broker.state.removeGroup('g')

    expect(shown(await cycle())['g a/0']).toBe('10 stale held')
    await cycle()
    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'other a/0': '5' })
    expect(told(snapshot)).toEqual([])
  })
})

describe('who may describe nothing', () => {
  it('is told so, for topics and for groups, and not that the cluster is empty', async () => {
    await start({ brokers: 2 })
    fill('a')
    broker.state.denied.topics.add('a').add('__lagkeeper_no_such_topic')
    broker.state.denied.groups.add('g').add('__lagkeeper_no_such_group')

    for (let count = 0; count < 3; count++) {
      const snapshot = await cycle()
      expect(shown(snapshot)).toEqual({})
      expect(told(snapshot)).toEqual([
        'unauthorized: Metadata: the brokers show us no topic at all, and we may not describe one that they might hide',
        'unauthorized: List the groups: the brokers show us none at all, and we may not describe one that they might hide',
      ])
      expect(up).toEqual({ kafka: false, 'kafka-groups': false })
    }
    expect([broker.requests.total('OffsetFetch'), broker.requests.total('Metadata')]).toEqual([1, 5])

    broker.state.denied.topics.clear()
    broker.state.denied.groups.clear()
    await cycle()
    const snapshot = await cycle()
    expect(shown(snapshot)).toEqual({ 'g a/0': '10', 'g a/1': '10' })
    expect(told(snapshot)).toEqual([])
  })

  it('is not told so by an empty cluster', async () => {
    await start()

    const snapshot = await cycle()

    expect(told(snapshot)).toEqual([])
    expect(up).toEqual({ kafka: true, 'kafka-groups': true })
    expect([broker.requests.total('OffsetFetch'), broker.requests.total('Metadata')]).toEqual([1, 3])
    await cycle()
    expect([broker.requests.total('OffsetFetch'), broker.requests.total('Metadata')]).toEqual([1, 4])
  })
})

describe('a broker without a list of groups', () => {
  it('is no problem when all groups are named, and one when none is', async () => {
    await start({ version: '0.8.2', groups: ['g'] })
    broker.state.createTopic('__consumer_offsets', 1)
    fill('a')

    await cycle()
    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'g a/0': '10', 'g a/1': '10' })
    expect(told(snapshot)).toEqual([])
    expect(up).toEqual({ kafka: true, 'kafka-groups': true })
  })
})
