import { describe, expect, it } from 'vitest'
import { EARLIEST, EARLIEST_LOCAL } from '../../src/kafka-wire/list-offsets.ts'
import {
  decodeOffsetForLeaderEpochResponse,
  encodeOffsetForLeaderEpochRequest,
} from '../../src/kafka-wire/offset-for-leader-epoch.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { askOnce } from '../contract/kafka-socket.ts'
import { askCommits, askCoordinator, askGroups, askMetadata, askOffset, askState } from './ask.ts'

async function start(brokers = 2) {
  const cluster = await createKafkaCluster({ brokers })
  const at = (broker: number) => cluster.bootstrap[broker - 1] ?? ''
  return { cluster, at, state: cluster.state, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() }
}

describe('The state of a simulated cluster', () => {
  it('keeps offsets exact over the whole range', async () => {
    await using world = await start(1)
    const { state, at } = world
    state.createTopic('big', 2)
    state.setLog('big', 0, 2n ** 53n + 1n, 2n ** 63n - 1n)
    state.setLog('big', 1, 0n, 2n ** 32n - 1n)
    state.append('big', 1, 2)

    expect(await askOffset(at(1), 'big', 0)).toBe(2n ** 63n - 1n)
    expect(await askOffset(at(1), 'big', 0, { timestamp: EARLIEST })).toBe(2n ** 53n + 1n)
    expect(await askOffset(at(1), 'big', 1)).toBe(2n ** 32n + 1n)
  })

  it('gives new partitions to the brokers in turn and leaves old ones alone', async () => {
    await using world = await start()
    const { state, at } = world
    state.createTopic('orders', 1)
    state.append('orders', 0, 5)
    state.addPartitions('orders', 3)

    const { topics } = await askMetadata(at(1))

    expect([...(topics[0]?.leaders ?? [])]).toEqual([1, 2, 1])
    expect(await askOffset(at(1), 'orders', 0)).toBe(5n)
    expect(await askOffset(at(2), 'orders', 1)).toBe(0n)
  })

  it('moves a leader, and says so in Metadata that was answered before', async () => {
    await using world = await start()
    const { state, at } = world
    state.createTopic('orders', 1)
    await askMetadata(at(1))
    state.moveLeader('orders', 0, 2)

    const { topics } = await askMetadata(at(1))

    expect(topics).toMatchObject([{ leaders: Int32Array.of(2), leaderEpochs: Int32Array.of(1) }])
    expect(await askOffset(at(1), 'orders', 0)).toBe('NOT_LEADER_OR_FOLLOWER')
    expect(await askOffset(at(2), 'orders', 0)).toBe(0n)
  })

  it('leaves a partition without a leader', async () => {
    await using world = await start()
    const { state, at } = world
    state.createTopic('orders', 1)
    state.moveLeader('orders', 0, undefined)

    const { topics } = await askMetadata(at(1))

    expect(topics).toMatchObject([{ leaders: Int32Array.of(-1), partitionErrors: Int16Array.of(5) }])
    expect(await askOffset(at(1), 'orders', 0)).toBe('NOT_LEADER_OR_FOLLOWER')
  })

  it('remembers where each leader epoch ends, through moves and truncations', async () => {
    await using world = await start(1)
    const { state, at } = world
    state.createTopic('orders', 1)
    state.append('orders', 0, 10)
    state.moveLeader('orders', 0, 1)
    state.append('orders', 0, 10)
    state.truncate('orders', 0, 15n)
    state.append('orders', 0, 1)
    const endOf = async (epoch: number) => {
      const topics = [{ name: 'orders', partitions: [0], leaderEpochs: [epoch] }]
      const body = encodeOffsetForLeaderEpochRequest(2, { topics })
      const answer = decodeOffsetForLeaderEpochResponse(2, await askOnce(at(1), 'OffsetForLeaderEpoch', 2, body))
      return answer.absent[0] === 1 ? undefined : offsetAt(answer.endOffset, 0)
    }

    expect([await endOf(0), await endOf(1), await endOf(2), await endOf(3)]).toEqual([10n, 15n, 16n, undefined])
  })

  it('shows an open transaction to those who ask for the last stable offset only', async () => {
    await using world = await start(1)
    const { state, at } = world
    state.createTopic('orders', 1)
    state.append('orders', 0, 10)
    state.setStable('orders', 0, 7n)

    expect(await askOffset(at(1), 'orders', 0)).toBe(10n)
    expect(await askOffset(at(1), 'orders', 0, { isolation: 1 })).toBe(7n)
  })

  it('tells the local log start from the start', async () => {
    await using world = await start(1)
    const { state, at } = world
    state.createTopic('orders', 1)
    state.append('orders', 0, 10)
    state.setLocalStart('orders', 0, 6n)

    expect(await askOffset(at(1), 'orders', 0, { timestamp: EARLIEST })).toBe(0n)
    expect(await askOffset(at(1), 'orders', 0, { timestamp: EARLIEST_LOCAL })).toBe(6n)
  })

  it('answers an error for one partition and offsets for the others', async () => {
    await using world = await start(1)
    const { state, at } = world
    state.createTopic('orders', 2)
    state.setOffsetError('orders', 0, 'OFFSET_NOT_AVAILABLE')

    expect(await askOffset(at(1), 'orders', 0)).toBe('OFFSET_NOT_AVAILABLE')
    expect(await askOffset(at(1), 'orders', 1)).toBe(0n)
  })

  it('recreates a topic under another id and keeps the commits', async () => {
    await using world = await start(1)
    const { state, at } = world
    state.createTopic('orders', 1)
    state.append('orders', 0, 10)
    state.commit('billing', 'orders', 0, 9n)
    const before = state.topics.get('orders')?.id
    state.recreateTopic('orders')

    expect((await askMetadata(at(1))).topics[0]?.id).not.toBe(before)
    expect(await askOffset(at(1), 'orders', 0)).toBe(0n)
    expect(await askCommits(at(1), 'billing')).toEqual({ 'orders-0': 9n })
  })

  it('leaves the commits of a deleted topic only when told so', async () => {
    await using world = await start(1)
    const { state, at } = world
    for (const topic of ['kept', 'dropped']) {
      state.createTopic(topic, 1)
      state.commit('billing', topic, 0, 1n)
    }
    state.deleteTopic('kept', { keepCommits: true })
    state.deleteTopic('dropped')

    expect(await askCommits(at(1), 'billing')).toEqual({ 'kept-0': 1n })
  })

  it('forgets a commit that expired', async () => {
    await using world = await start(1)
    const { state, at } = world
    state.createTopic('orders', 2)
    state.commit('billing', 'orders', 0, 1n)
    state.commit('billing', 'orders', 1, 2n)
    state.forget('billing', 'orders', 0)

    expect(await askCommits(at(1), 'billing')).toEqual({ 'orders-1': 2n })
  })

  it('moves a coordinator', async () => {
    await using world = await start()
    const { state, at } = world
    state.commit('billing', 'orders', 0, 1n)
    state.moveCoordinator('billing', 1)
    expect(await askCommits(at(1), 'billing')).toEqual({ 'orders-0': 1n })

    state.moveCoordinator('billing', 2)

    expect(await askCommits(at(1), 'billing')).toBe('NOT_COORDINATOR')
    expect(await askState(at(1), 'billing')).toBe('NOT_COORDINATOR')
    expect([await askGroups(at(1)), await askGroups(at(2))]).toEqual([[], ['billing']])
    expect(await askCoordinator(at(1), 'billing')).toBe(2)
    state.moveCoordinator('billing', undefined)
    expect(await askCoordinator(at(1), 'billing')).toBe('COORDINATOR_NOT_AVAILABLE')
  })

  it('refuses groups while their coordinator loads', async () => {
    await using world = await start(1)
    const { state, at } = world
    state.commit('billing', 'orders', 0, 1n)
    state.setLoading(1, true)

    expect(await askGroups(at(1))).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    expect(await askCommits(at(1), 'billing')).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    state.setLoading(1, false)
    expect(await askCommits(at(1), 'billing')).toEqual({ 'orders-0': 1n })
  })

  it('changes the state of a group, and lists only classic ones as alive', async () => {
    await using world = await start(1)
    const { state, at } = world
    state.setGroup('one', { members: [{}] })
    state.setGroup('two', { members: [{}], type: 'consumer' })
    expect([await askState(at(1), 'one'), await askState(at(1), 'two')]).toEqual(['Stable', 'Dead'])

    state.setGroup('one', { state: 'PreparingRebalance' })
    expect(await askState(at(1), 'one')).toBe('PreparingRebalance')
    state.setGroup('one', { members: [] })
    expect(await askState(at(1), 'one')).toBe('Empty')
    state.removeGroup('one')
    expect(await askGroups(at(1))).toEqual(['two'])
  })

  it('hides and refuses what nobody may describe', async () => {
    await using world = await start(1)
    const { state, at } = world
    for (const topic of ['open', 'secret']) {
      state.createTopic(topic, 1)
      state.commit('billing', topic, 0, 1n)
      state.commit('hidden', topic, 0, 1n)
    }
    state.denied.topics.add('secret')
    state.denied.groups.add('hidden')

    expect((await askMetadata(at(1))).topics.map(({ name }) => name)).toEqual(['open'])
    expect((await askMetadata(at(1), ['secret'])).topics).toMatchObject([{ name: 'secret', error: 29 }])
    expect(await askOffset(at(1), 'secret', 0)).toBe('TOPIC_AUTHORIZATION_FAILED')
    expect(await askCommits(at(1), 'billing')).toEqual({ 'open-0': 1n })
    expect(await askGroups(at(1))).toEqual(['billing'])
    expect(await askCommits(at(1), 'hidden')).toBe('GROUP_AUTHORIZATION_FAILED')
    expect(await askCoordinator(at(1), 'hidden')).toBe('GROUP_AUTHORIZATION_FAILED')
  })

  it('refuses to change what is not there', async () => {
    await using world = await start(1)
    const { state } = world
    state.createTopic('orders', 1)

    expect(() => state.append('orders', 1, 1)).toThrow('Find partition 1 of topic "orders"')
    expect(() => state.createTopic('orders', 1)).toThrow('there already')
    expect(() => state.deleteRecords('orders', 0, 1n)).toThrow('log ends at 0')
  })
})
