import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { personOf, rowsOf, type Watch, watchGroups } from '../loads/watch-groups.ts'
import { describeShareGroup } from '../rigs/group-tools.ts'
import { type KafkaOptions, type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { describeGroups, kafkaTool } from '../rigs/kafka-tool.ts'
import { rigUsers } from '../rigs/kafka-users.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

interface World {
  readonly kafka: KafkaRig
  readonly rig: RigClient
  readonly watch: Watch
}

/** Starts a broker with 50 records in the first of two partitions of `orders`. */
function withKafka(options: KafkaOptions): () => World {
  let world: World | undefined
  beforeAll(async () => {
    const kafka = await startKafka(options)
    const rig = await startRigClient({ version: options.version, bootstrap: kafka.bootstrap })
    world = { kafka, rig, watch: watchGroups(kafka.bootstrap) }
    await rig.createTopics([{ name: 'orders', partitions: 2 }])
    await rig.produceMany([{ topic: 'orders', partition: 0, count: 50, keys: 5 }])
  })
  afterAll(async () => {
    await world?.watch[Symbol.asyncDispose]()
    await world?.rig.stop()
    await world?.kafka.stop()
  })
  return () => {
    if (world === undefined) throw new Error('The broker has not been started')
    return world
  }
}

describe('the kinds of groups on Kafka 3.8.1, where KIP-848 is a preview', () => {
  const world = withKafka({
    version: '3.8.1',
    properties: { 'group.coordinator.rebalance.protocols': 'classic,consumer' },
  })

  it('a consumer group has its kind, its members and a row for each of their partitions', async () => {
    const { kafka, rig, watch } = world()
    await rig.consume({ protocol: 'consumer', group: 'modern', topic: 'orders', count: 20 })
    const member = await rig.hold({ protocol: 'consumer', group: 'modern', topic: 'orders' })

    const snapshot = await watch.until('a settled group', (now) => personOf(now, 'modern') === 'consumer Stable 1')

    const [first] = await describeGroups('3.8.1', kafka.bootstrap, 'modern')
    expect(first).toMatchObject({ topic: 'orders', partition: 0, current: 20n, lag: 30n })
    expect(rowsOf(snapshot, 'modern')).toEqual({ 'orders/0': 'at 20 lag 30', 'orders/1': 'lag 0' })
    await member.release()
  })
})

describe('the kinds of groups on Kafka 4.1.2, where share and streams groups are a preview', () => {
  const world = withKafka({
    version: '4.1.2',
    properties: {
      'unstable.api.versions.enable': 'true',
      'unstable.feature.versions.enable': 'true',
      'group.coordinator.rebalance.protocols': 'classic,consumer,share,streams',
    },
    features: ['share.version=1', 'streams.version=1'],
  })

  it('a share group has rows without a lag, since this broker knows none', async () => {
    const { kafka, rig, watch } = world()
    const member = await rig.share({ group: 'sharing', topic: 'orders' })
    await member.take(20)

    const snapshot = await watch.until('its rows', (now) => rowsOf(now, 'sharing')['orders/0'] === 'unsupported')

    const tool = await describeShareGroup('4.1.2', kafka.bootstrap, 'sharing')
    expect(tool.map(({ partition, lag }) => [partition, lag]).toSorted()).toEqual([
      [0, undefined],
      [1, undefined],
    ])
    expect(personOf(snapshot, 'sharing')).toBe('share Stable 1')
    expect(snapshot.consumers.find(({ consumer }) => consumer.name === 'sharing')).not.toHaveProperty('lag')
    await member.release()
  })

  it('a streams group has its rows with and without members', async () => {
    const { rig, watch } = world()
    const app = await rig.stream({ group: 'app', topic: 'orders', between: 1 })
    const caughtUp = await watch.until('its commits', (now) => rowsOf(now, 'app')['orders/0'] === 'at 50 lag 0')
    expect(personOf(caughtUp, 'app')).toBe('streams Stable 1')
    expect(Object.keys(rowsOf(caughtUp, 'app'))).toContain('app-between-repartition/0')

    await app.release()
    await rig.produce('orders', 0, 5)
    const left = await watch.until('the end of its member', (now) => personOf(now, 'app') === 'streams Empty 0')
    expect(rowsOf(left, 'app')['orders/0']).toBe('at 50 lag 5')
  })
})

describe('the kinds of groups on Kafka 4.0.2, where share groups are an early access', () => {
  const world = withKafka({
    version: '4.0.2',
    properties: {
      'unstable.api.versions.enable': 'true',
      'group.coordinator.rebalance.protocols': 'classic,consumer,share',
    },
  })

  it('a share group is there with its kind and its state, without rows, and costs no request', async () => {
    const { kafka, watch } = world()
    // The clients of the rig are too new for the early protocol.
    const args = [
      '--bootstrap-server',
      kafka.bootstrap,
      '--topic',
      'orders',
      '--group',
      'early',
      '--timeout-ms',
      '9000',
    ]
    const reading = kafkaTool('4.0.2', 'shareConsumer', args).catch(() => 'it ends with its time-out')

    const snapshot = await watch.until('its member', (now) => personOf(now, 'early') === 'share Stable undefined')
    expect(rowsOf(snapshot, 'early')).toEqual({})
    expect(snapshot.problems).toMatchObject([{ reason: 'unsupported', consumer: 'early' }])
    watch.requests()
    await watch.cycle()
    expect(Object.keys(watch.requests()).toSorted()).toEqual(['ListGroups', 'ListOffsets', 'Metadata'])

    await reading
    await watch.until('its end', (now) => personOf(now, 'early') === 'share Empty 0')
  })
})

describe('the kinds of groups on Kafka 4.4.0', () => {
  const world = withKafka({ version: '4.4.0' })

  it("a share group has the broker's lag", async () => {
    const { kafka, rig, watch } = world()
    const member = await rig.share({ group: 'sharing', topic: 'orders' })
    await member.take(20, 2)

    const snapshot = await watch.until('its lag', (now) => rowsOf(now, 'sharing')['orders/0'] === 'lag 30')
    const tool = await describeShareGroup('4.4.0', kafka.bootstrap, 'sharing')
    expect(tool.find(({ partition }) => partition === 0)?.lag).toBe(30n)
    expect(personOf(snapshot, 'sharing')).toBe('share Stable 1')
    await member.release()
  })

  it('a consumer and a streams group have their rows', async () => {
    const { rig, watch } = world()
    await rig.consume({ protocol: 'consumer', group: 'modern', topic: 'orders', count: 20 })
    const member = await rig.hold({ protocol: 'consumer', group: 'modern', topic: 'orders' })
    const app = await rig.stream({ group: 'app', topic: 'orders', between: 1 })

    const snapshot = await watch.until(
      'both groups',
      (now) => rowsOf(now, 'app')['orders/0'] === 'at 50 lag 0' && personOf(now, 'modern') === 'consumer Stable 1',
    )
    expect(rowsOf(snapshot, 'modern')).toEqual({ 'orders/0': 'at 20 lag 30', 'orders/1': 'lag 0' })
    expect(personOf(snapshot, 'app')).toBe('streams Stable 1')
    await app.release()
    await member.release()
  })
})

describe('groups on Kafka 4.3.1 whose members read a topic that we may not describe', () => {
  const world = withKafka({ version: '4.3.1', security: 'secure' })

  it('are described without members, have no total, and show the rows that we may see', async () => {
    const { kafka, rig } = world()
    await rig.createTopics([{ name: 'hidden', partitions: 1 }])
    await rig.produce('hidden', 0, 10)
    await rig.commit('modern', [{ topic: 'orders', partition: 0, offset: 45n }])
    await rig.hold({ protocol: 'consumer', group: 'modern', topic: 'hidden' })
    await (await rig.share({ group: 'sharing', topic: 'hidden' })).take(1)
    for (const [resource, name] of [
      ['TOPIC', 'orders'],
      ['CLUSTER', 'kafka-cluster'],
      ['GROUP', 'modern'],
      ['GROUP', 'sharing'],
    ] as const)
      await rig.allow({ principal: 'User:lag', resource, name, operation: 'DESCRIBE' })

    await using watch = watchGroups(kafka.secure?.saslPlaintext ?? '', {
      sasl: { mechanism: 'PLAIN', username: 'lag', password: { reveal: () => rigUsers.lag } },
    })
    const snapshot = await watch.until('both groups', (now) =>
      ['modern', 'sharing'].every((name) => personOf(now, name)?.includes('Stable')),
    )

    expect(rowsOf(snapshot)).toEqual({ 'modern orders/0': 'at 45 lag 5' })
    expect(
      snapshot.consumers.map(({ consumer, lag }) => [consumer.name, consumer.partial, consumer.members, lag]),
    ).toEqual([
      ['modern', true, undefined, undefined],
      ['sharing', true, undefined, undefined],
    ])
    expect(snapshot.problems.map(({ reason }) => reason)).toEqual(['incomplete', 'incomplete'])
  })
})
