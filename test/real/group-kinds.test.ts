import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { personOf, rowsOf, type Watch, watchGroups } from '../loads/watch-groups.ts'
import { describeShareGroup, describeStreamsGroup } from '../rigs/group-tools.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { describeGroups } from '../rigs/kafka-tool.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const version = '4.3.1'

describe(`the kinds of groups on Kafka ${version}`, () => {
  let kafka: KafkaRig
  let rig: RigClient
  let watch: Watch

  beforeAll(async () => {
    kafka = await startKafka({ version })
    rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
    watch = watchGroups(kafka.bootstrap)
    await rig.createTopics([
      { name: 'orders', partitions: 3 },
      { name: 'shared', partitions: 2 },
      { name: 'clicks', partitions: 2 },
    ])
    await rig.produceMany([
      { topic: 'orders', partition: 0, count: 50 },
      { topic: 'orders', partition: 1, count: 50 },
      { topic: 'shared', partition: 0, count: 50 },
      // With keys: Kafka Streams writes no record without one into a topic in between.
      { topic: 'clicks', partition: 0, count: 10, keys: 5 },
    ])
  })
  afterAll(async () => {
    await watch?.[Symbol.asyncDispose]()
    await rig?.stop()
    await kafka?.stop()
  })

  it('a consumer group has the rows of its commits and of the partitions that its members have', async () => {
    await rig.consume({ protocol: 'consumer', group: 'modern', topic: 'orders', count: 20 })
    const member = await rig.hold({ protocol: 'consumer', group: 'modern', topic: 'orders' })

    const snapshot = await watch.until('a settled group', (now) => personOf(now, 'modern') === 'consumer Stable 1')

    const rows = rowsOf(snapshot, 'modern')
    const tool = await describeGroups(version, kafka.bootstrap, 'modern')
    expect(Object.keys(rows)).toEqual(['orders/0', 'orders/1', 'orders/2'])
    // Partition 2 is empty and has no commit: nothing to read, which the tool cannot say.
    expect(rows['orders/2']).toBe('lag 0')
    for (const { topic, partition, current, lag } of tool.filter(({ partition }) => partition < 2))
      expect(rows[`${topic}/${partition}`]).toBe(current === undefined ? 'no_position' : `at ${current} lag ${lag}`)
    expect(tool).toHaveLength(3)
    await member.release()
    await watch.until('an empty group', (now) => personOf(now, 'modern') === 'consumer Empty 0')
  })

  it('a group that goes over from the classic protocol keeps its rows', async () => {
    await rig.consume({ protocol: 'classic', group: 'moves', topic: 'orders', count: 20 })
    const old = await rig.hold({ protocol: 'classic', group: 'moves', topic: 'orders' })
    const before = await watch.until('a classic member', (now) => personOf(now, 'moves') === 'classic Stable 1')

    // Both kinds of members at a time: the broker converts the group (KIP-848).
    const young = await rig.hold({ protocol: 'consumer', group: 'moves', topic: 'orders' })
    const during = await watch.until('both members', (now) => personOf(now, 'moves')?.startsWith('consumer') === true)
    expect(rowsOf(during, 'moves')).toEqual(rowsOf(before, 'moves'))
    await old.release()
    const after = await watch.until('the new member alone', (now) => personOf(now, 'moves') === 'consumer Stable 1')

    expect(rowsOf(after, 'moves')).toEqual(rowsOf(before, 'moves'))
    expect(Object.keys(rowsOf(after, 'moves'))).toEqual(['orders/0', 'orders/1', 'orders/2'])
    await young.release()
  })

  it("a share group has the broker's lag, also with gaps, and none where nobody has fetched", async () => {
    const member = await rig.share({ group: 'sharing', topic: 'shared' })
    await member.take(20)
    const first = await watch.until('twenty records', (now) => rowsOf(now, 'sharing')['shared/0'] === 'lag 30')
    expect(personOf(first, 'sharing')).toBe('share Stable 1')
    await agreesWithTool('sharing')

    await member.take(5, 3)
    const second = await watch.until('five more', (now) => rowsOf(now, 'sharing')['shared/0'] === 'lag 25')
    await agreesWithTool('sharing')
    await rig.produce('shared', 0, 7)
    await watch.until('new records', (now) => rowsOf(now, 'sharing')['shared/0'] === 'lag 32')
    expect(second.problems).toEqual([])

    await member.release()
    const left = await watch.until('an empty group', (now) => personOf(now, 'sharing') === 'share Empty 0')
    expect(rowsOf(left, 'sharing')['shared/0']).toBe('lag 32')
  })

  async function agreesWithTool(group: string): Promise<void> {
    const rows = rowsOf(await watch.cycle(), group)
    const tool = await describeShareGroup(version, kafka.bootstrap, group)
    expect(tool.length).toBeGreaterThan(0)
    for (const { topic, partition, lag } of tool)
      expect([partition, rows[`${topic}/${partition}`]]).toEqual([
        partition,
        lag === undefined ? 'no_position' : `lag ${lag}`,
      ])
  }

  it('a streams group has the rows of its topics and of those that it made, with and without members', async () => {
    const app = await rig.stream({ group: 'app', topic: 'clicks', between: 1 })
    const between = 'app-between-repartition'
    const caughtUp = await watch.until(
      'an application that has caught up',
      (now) => rowsOf(now, 'app')['clicks/0'] === 'at 10 lag 0' && rowsOf(now, 'app')[`${between}/0`] === 'at 10 lag 0',
    )

    expect(personOf(caughtUp, 'app')).toBe('streams Stable 1')
    const rows = rowsOf(caughtUp, 'app')
    const tool = await describeStreamsGroup(version, kafka.bootstrap, 'app')
    expect(tool.map(({ topic, partition }) => `${topic}/${partition}`).toSorted()).toEqual(Object.keys(rows).toSorted())
    for (const { topic, partition, lag } of tool)
      expect([topic, partition, rows[`${topic}/${partition}`]?.endsWith(`lag ${lag ?? 0}`)]).toEqual([
        topic,
        partition,
        true,
      ])

    await app.release()
    await rig.produce('clicks', 0, 5)
    const left = await watch.until('the end of its member', (now) => personOf(now, 'app') === 'streams Empty 0')
    expect(rowsOf(left, 'app')['clicks/0']).toBe('at 10 lag 5')
  })

  it('commits without members are a consumer, and are gone when the group is deleted', async () => {
    await rig.commit('bare', [{ topic: 'orders', partition: 1, offset: 4n }])
    const snapshot = await watch.cycle()
    expect([personOf(snapshot, 'bare'), rowsOf(snapshot, 'bare')]).toEqual([
      'classic Empty 0',
      { 'orders/1': 'at 4 lag 46' },
    ])

    await rig.deleteGroups(['bare'])

    const people = [await watch.cycle(), await watch.cycle(), await watch.cycle()].map((one) => personOf(one, 'bare'))
    expect(people).toEqual(['classic Empty 0', 'classic Empty 0', 'gone'])
  })

  it('costs one request for share groups and one for each kind that has members, in every second cycle', async () => {
    const members = [
      await rig.hold({ protocol: 'classic', group: 'one', topic: 'orders' }),
      await rig.hold({ protocol: 'consumer', group: 'two', topic: 'orders' }),
    ]
    await watch.until('both groups', (now) => personOf(now, 'two') === 'consumer Stable 1')
    await watch.cycle()
    watch.requests()

    for (let count = 0; count < 4; count++) await watch.cycle()

    const { ListGroups, OffsetFetch, DescribeGroups, ConsumerGroupDescribe, DescribeShareGroupOffsets, ...others } =
      watch.requests()
    expect({ ListGroups, OffsetFetch, DescribeGroups, ConsumerGroupDescribe, DescribeShareGroupOffsets }).toEqual({
      ListGroups: 4,
      OffsetFetch: 4,
      DescribeGroups: 2,
      ConsumerGroupDescribe: 2,
      DescribeShareGroupOffsets: 4,
    })
    expect(others).toEqual({ ListOffsets: 6, Metadata: 4 })
    for (const member of members) await member.release()
  })
})

it(`the tools of Kafka ${version} read the newer groups of a simulated cluster`, async () => {
  await using cluster = await createKafkaCluster({ brokers: 3 })
  const { state } = cluster
  const bootstrap = cluster.bootstrap.join(',')
  state.createTopic('orders', 2)
  state.append('orders', 0, 50)
  state.setGroup('modern', { type: 'consumer', members: [{ assignment: { orders: [0, 1] } }] })
  state.commit('modern', 'orders', 0, 20n)
  state.setGroup('sharing', { type: 'share', members: [{ assignment: { orders: [0, 1] } }] })
  state.share('sharing', 'orders', 0, { start: 10n, finished: 5n })
  state.share('sharing', 'orders', 1, {})
  const topology = [{ id: '0', sourceTopics: ['orders'] }]
  state.setGroup('app', { type: 'streams', topology, members: [{ assignment: { '0': [0, 1] } }] })
  state.commit('app', 'orders', 0, 45n)

  const row = { group: 'modern', topic: 'orders' }
  expect(await describeGroups(version, bootstrap, 'modern')).toEqual([
    { ...row, partition: 0, current: 20n, end: 50n, lag: 30n },
    { ...row, partition: 1, current: undefined, end: 0n, lag: undefined },
  ])
  expect(await describeShareGroup(version, bootstrap, 'sharing')).toEqual([
    { topic: 'orders', partition: 0, start: 10n, lag: 35n },
    { topic: 'orders', partition: 1, start: undefined, lag: undefined },
  ])
  const streams = await describeStreamsGroup(version, bootstrap, 'app')
  expect(streams.find(({ partition }) => partition === 0)).toMatchObject({ topic: 'orders', end: 50n, lag: 5n })
})
