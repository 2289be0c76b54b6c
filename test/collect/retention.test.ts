import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRetentions } from '../../src/collect/retention.ts'
import { createKafkaCluster as connect, type KafkaCluster } from '../../src/kafka/cluster.ts'
import { readCatalog } from '../../src/kafka/read-catalog.ts'
import { type Catalog, emptyCatalog } from '../../src/model/catalog.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'
import type { KafkaLine } from '../../src/simulator/kafka-versions.ts'

const signal = new AbortController().signal
const EVERY_MS = 600_000
let monotonic = 0
const clock: Clock = { ...systemClock, monotonic: () => monotonic }
let broker: Simulated
let cluster: KafkaCluster
let catalog: Catalog

async function start(version: KafkaLine = '4.3'): Promise<void> {
  broker = await simulate({ version })
  broker.state.createTopic('a', 1)
  broker.state.createTopic('b', 1)
  cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 5_000, clock: systemClock })
  await refresh()
}
async function refresh(): Promise<void> {
  catalog = (await readCatalog(cluster, emptyCatalog, () => true, signal)).catalog
}

beforeEach(() => {
  monotonic = 0
})
afterEach(async () => {
  cluster.close()
  await broker[Symbol.asyncDispose]()
})

const keeper = () => createRetentions({ cluster, clock, deadlineMs: 2_000, everyMs: EVERY_MS, random: () => 0 })
const requests = (): number => broker.requests.total('DescribeConfigs')

describe('createRetentions()', () => {
  it.each(['0.11', '1.1', '2.8', '4.3'] as const)('reads what topics say, from Kafka %s', async (version) => {
    await start(version)
    broker.state.setConfig('a', 'retention.ms', '-1')
    broker.state.setConfig('a', 'retention.bytes', '1000')
    broker.state.setConfig('a', 'cleanup.policy', 'compact,delete')
    broker.state.setConfig('b', 'cleanup.policy', 'compact')
    broker.state.setConfig('b', 'message.timestamp.type', 'LogAppendTime')
    broker.state.setConfig('b', 'remote.storage.enable', 'true')
    const retentions = keeper()
    expect(retentions.known('a')).toBeUndefined()
    await retentions.look(catalog, signal)

    expect(retentions.known('a')).toEqual({ cleanup: 'both', retentionBytes: 1_000, timestampType: 'CreateTime' })
    expect(retentions.known('b')).toEqual({
      ...{ cleanup: 'compact', retentionMs: 604_800_000, timestampType: 'LogAppendTime', remote: true },
    })
    expect(retentions.known('none')).toBeUndefined()
    expect([retentions.problems(), requests()]).toEqual([[], 1])
  })

  it('asks again after its time, and at once for new and recreated topics', async () => {
    await start()
    const retentions = keeper()
    await retentions.look(catalog, signal)
    monotonic = EVERY_MS - 1
    broker.state.setConfig('a', 'retention.ms', '5')
    broker.state.createTopic('c', 1)
    broker.state.recreateTopic('b')
    broker.state.setConfig('b', 'retention.ms', '7')
    await refresh()
    await retentions.look(catalog, signal)
    await retentions.look(catalog, signal)
    expect([requests(), retentions.known('c')?.cleanup]).toEqual([2, 'delete'])
    expect(retentions.known('a')?.retentionMs).toBe(604_800_000)
    expect(retentions.known('b')?.retentionMs).toBe(7)

    monotonic = EVERY_MS
    broker.state.deleteTopic('c')
    await refresh()
    await retentions.look(catalog, signal)
    expect([retentions.known('a')?.retentionMs, retentions.known('c')]).toEqual([5, undefined])
  })

  it('asks for at most a thousand topics a cycle', async () => {
    await start()
    for (let index = 0; index < 2_400; index++) broker.state.createTopic(`t${index}`, 1)
    await refresh()
    const retentions = keeper()
    const known: number[] = []
    for (let cycle = 0; cycle < 4; cycle++) {
      await retentions.look(catalog, signal)
      known.push(catalog.topics.filter(({ name }) => retentions.known(name) !== undefined).length)
    }
    expect([known, requests()]).toEqual([[1_000, 2_000, 2_402, 2_402], 3])
  })

  it('says once that a right is missing, for however many topics', async () => {
    await start()
    broker.state.denied.configs.add('a').add('b')
    broker.state.createTopic('c', 1)
    await refresh()
    const retentions = keeper()
    await retentions.look(catalog, signal)
    await retentions.look(catalog, signal)

    expect(retentions.problems()).toEqual([
      {
        reason: 'unauthorized',
        topic: 'a',
        message: 'Retention of topic "a" and 1 more: DESCRIBE_CONFIGS is needed',
      },
    ])
    expect([retentions.known('a'), retentions.reason('a'), retentions.known('c')?.cleanup]).toEqual([
      ...[undefined, 'unauthorized', 'delete'],
    ])
  })

  it('forgets what it knew when the right is taken away, and keeps it when nobody answers', async () => {
    await start()
    const retentions = keeper()
    await retentions.look(catalog, signal)
    monotonic = EVERY_MS
    broker.state.denied.configs.add('a')
    await retentions.look(catalog, signal)
    expect([retentions.known('a'), retentions.reason('a'), retentions.known('b')?.cleanup]).toEqual([
      ...[undefined, 'unauthorized', 'delete'],
    ])

    monotonic = 2 * EVERY_MS
    await broker.faults.refuse(1)
    await retentions.look(catalog, signal)
    expect([retentions.known('b')?.cleanup, retentions.reason('b')]).toEqual(['delete', 'read_failed'])
    expect(retentions.problems()).toMatchObject([{ reason: 'read_failed' }])
  })

  it('is not supported before Kafka 0.11, and that is no problem', async () => {
    await start('0.10.2')
    const retentions = keeper()
    await retentions.look(catalog, signal)
    expect([retentions.known('a'), retentions.reason('a'), retentions.problems()]).toEqual([
      ...[undefined, 'unsupported', []],
    ])
  })
})
