import { afterEach, describe, expect, it } from 'vitest'
import { type ClusterCollector, createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import type { ViewOptions } from '../../src/collect/views.ts'
import { createKafkaCluster as connect, type KafkaCluster } from '../../src/kafka/cluster.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import type { BlockViews, Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock as clock } from '../../src/runtime/clock.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'
import type { KafkaLine } from '../../src/simulator/kafka-versions.ts'

const signal = new AbortController().signal
const off: ViewOptions = { readCommitted: false, coldRecords: false, lagBytes: false, controlRecords: false }

let broker: Simulated
let cluster: KafkaCluster
let collector: ClusterCollector

async function start(views: Partial<ViewOptions>, options: { version?: KafkaLine; brokers?: number } = {}) {
  broker = await simulate(options)
  cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 2_000, clock })
  collector = createClusterCollector({
    kafkaCluster: 'sim',
    cluster,
    sources: [createKafkaGroups({ cluster, clock, keepConsumer: () => true, keepTopic: () => true })],
    keepTopic: () => true,
    intervalMs: 15_000,
    noPosition: () => 'ignore',
    objectives: () => [],
    views: { ...off, ...views },
    clock,
    observer: silentObserver,
  })
}

afterEach(async () => {
  cluster.close()
  await broker[Symbol.asyncDispose]()
})

const cycle = (): Promise<Snapshot> => collector.cycle(signal)

/** A view of the only block. */
function only(snapshot: Snapshot, view: keyof BlockViews): number | undefined {
  const numbers = snapshot.parts[0]?.views?.[view]
  return numbers?.known[0] === 1 ? numbers.value[0] : undefined
}

/** `group topic/partition` to the lag and the reason. */
function shown(snapshot: Snapshot): Record<string, string> {
  return Object.fromEntries(
    [...lagRows(snapshot)].map((row) => [
      `${row.consumer} ${row.topic}/${row.partition}`,
      [row.recordsLag ?? '-', row.reason].filter((word) => word !== undefined).join(' '),
    ]),
  )
}

/** Requests of each kind in one more cycle. */
async function costs(api: 'ListOffsets' | 'Fetch' | 'DescribeLogDirs'): Promise<number> {
  broker.requests.reset()
  await cycle()
  return broker.requests.total(api)
}

describe('a cycle with views', () => {
  it('costs nothing more when none is on', async () => {
    await start({}, { brokers: 2 })
    broker.state.createTopic('t', 2)
    broker.state.commit('g', 't', 0, 0n)
    const first = await cycle()

    expect(first.views).toBeUndefined()
    expect(await costs('ListOffsets')).toBe(4)
    expect(broker.requests.total('Fetch') + broker.requests.total('DescribeLogDirs')).toBe(0)
  })

  it('tells the lag against the last stable offset beside the lag, for one request a broker', async () => {
    await start({ readCommitted: true }, { brokers: 2 })
    broker.state.createTopic('t', 2)
    broker.state.setLog('t', 0, 0n, 32n)
    broker.state.setLog('t', 1, 0n, 10n)
    broker.state.setStable('t', 0, 22n)
    broker.state.commit('g', 't', 0, 10n)
    broker.state.commit('g', 't', 1, 9n)
    const snapshot = await cycle()

    expect(only(snapshot, 'readCommitted')).toBe(13)
    expect(shown(snapshot)).toEqual({ 'g t/0': '22', 'g t/1': '1' })
    expect([...lagRows(snapshot)][0]).toMatchObject({ lastStableOffset: 22n, readCommittedRecordsLag: 12n })
    expect(await costs('ListOffsets')).toBe(6)
  })

  it('has no such lag from brokers that know no transactions, and no problem either', async () => {
    await start({ readCommitted: true, coldRecords: true, lagBytes: true, controlRecords: true }, { version: '0.10.2' })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 32n)
    broker.state.commit('g', 't', 0, 31n)
    await cycle()
    const snapshot = await cycle()

    expect(shown(snapshot)).toEqual({ 'g t/0': '1' })
    expect([only(snapshot, 'readCommitted'), only(snapshot, 'coldRecords'), only(snapshot, 'lagBytes')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(snapshot.problems).toEqual([])
  })

  it('tells what is in remote storage only, read in every fourth cycle', async () => {
    await start({ coldRecords: true })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 5n, 100n)
    broker.state.setLocalStart('t', 0, 60n)
    broker.state.commit('g', 't', 0, 10n)
    expect(only(await cycle(), 'coldRecords')).toBe(50)

    broker.state.setLocalStart('t', 0, 70n)
    for (let count = 0; count < 3; count++) expect(only(await cycle(), 'coldRecords')).toBe(50)
    const later = await cycle()

    expect(only(later, 'coldRecords')).toBe(60)
    expect([...lagRows(later)][0]).toMatchObject({ coldRecords: 60n })
  })

  it('has no cold records from brokers before they could be asked', async () => {
    await start({ coldRecords: true }, { version: '2.8' })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 5n, 100n)
    broker.state.commit('g', 't', 0, 10n)
    const snapshot = await cycle()

    expect(only(snapshot, 'coldRecords')).toBeUndefined()
    expect(snapshot.problems).toEqual([])
  })

  it.each<KafkaLine>(['1.1', '2.8', '3.9', '4.3'])('estimates the bytes of a lag on Kafka %s', async (version) => {
    await start({ lagBytes: true }, { version, brokers: 2 })
    broker.state.createTopic('t', 2)
    broker.state.setLog('t', 0, 50n, 100n)
    broker.state.setSize('t', 0, 5_000)
    broker.state.setLog('t', 1, 0n, 10n)
    broker.state.setSize('t', 1, 70)
    broker.state.commit('g', 't', 0, 75n)
    broker.state.commit('g', 't', 1, 0n)
    const snapshot = await cycle()

    expect(only(snapshot, 'lagBytes')).toBe(2_570)
    expect([...lagRows(snapshot)].map((row) => row.lagBytes)).toEqual([2_500, 70])
    expect(await costs('DescribeLogDirs')).toBe(0)
    await cycle()
    await cycle()
    expect(await costs('DescribeLogDirs')).toBe(2)
  })

  it.each<KafkaLine>(['1.1', '4.3'])('says which right it lacks for sizes on Kafka %s', async (version) => {
    await start({ lagBytes: true }, { version })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 10n)
    broker.state.commit('g', 't', 0, 4n)
    broker.state.denied.cluster = true
    const snapshot = await cycle()

    expect(only(snapshot, 'lagBytes')).toBeUndefined()
    expect(shown(snapshot)).toEqual({ 'g t/0': '6' })
    expect(snapshot.problems).toEqual([
      { reason: 'unauthorized', broker: '1', message: 'Log sizes from broker 1: DESCRIBE on the cluster is needed' },
    ])
  })

  it('keeps sizes and local starts with their topics when the metadata changes', async () => {
    await start({ lagBytes: true, coldRecords: true })
    broker.state.createTopic('t', 1)
    broker.state.setLog('t', 0, 0n, 100n)
    broker.state.setLocalStart('t', 0, 50n)
    broker.state.setSize('t', 0, 500)
    broker.state.commit('g', 't', 0, 40n)
    await cycle()
    broker.state.createTopic('a', 3)
    broker.state.commit('g2', 'a', 0, 0n)
    await cycle()
    const snapshot = await cycle()
    const row = [...lagRows(snapshot)].find(({ topic }) => topic === 't')

    expect(row).toMatchObject({ coldRecords: 10n, lagBytes: 600 })
  })
})

describe('ends of transactions', () => {
  it('are suspected where a lag of 1 stands still on a topic on which a transaction was open', async () => {
    await start({ readCommitted: true })
    broker.state.createTopic('t', 2)
    broker.state.createTopic('plain', 1)
    broker.state.setLog('t', 0, 0n, 6n)
    broker.state.setLog('t', 1, 0n, 9n)
    broker.state.setLog('plain', 0, 0n, 6n)
    broker.state.setStable('t', 1, 4n)
    for (const [topic, partition, position] of [
      ['t', 0, 5n],
      ['t', 1, 3n],
      ['plain', 0, 5n],
    ] as const)
      broker.state.commit('g', topic, partition, position)
    expect(shown(await cycle())).toEqual({ 'g t/0': '1', 'g t/1': '6', 'g plain/0': '1' })
    broker.state.setStable('t', 1, undefined)

    const second = await cycle()
    expect(shown(second)).toEqual({ 'g t/0': '1 control_records_suspected', 'g t/1': '6', 'g plain/0': '1' })
    expect(second.consumers[0]?.lag).toBe(8)
    broker.state.append('t', 0, 1)
    expect(shown(await cycle())['g t/0']).toBe('2')
    broker.state.commit('g', 't', 0, 6n)
    expect(shown(await cycle())['g t/0']).toBe('1')
  })

  it('are told from records by looking, once for each position and end', async () => {
    await start({ controlRecords: true })
    broker.state.createTopic('t', 3)
    broker.state.appendTransaction('t', 0, 5)
    broker.state.append('t', 1, 6)
    broker.state.appendTransaction('t', 2, 5)
    broker.state.appendTransaction('t', 2, 0)
    for (const partition of [0, 1, 2]) broker.state.commit('g', 't', partition, 5n)
    broker.state.commit('twin', 't', 0, 5n)
    const first = await cycle()
    expect(shown(first)).toEqual({ 'g t/0': '1', 'g t/1': '1', 'g t/2': '2', 'twin t/0': '1' })
    expect(await costs('Fetch')).toBe(1)

    const snapshot = await cycle()
    expect(broker.requests.total('Fetch')).toBe(1)
    expect(shown(snapshot)).toEqual({
      'g t/0': '0 control_records',
      'g t/1': '1',
      'g t/2': '0 control_records',
      'twin t/0': '0 control_records',
    })
    expect(snapshot.consumers.map(({ lag }) => lag)).toEqual([1, 0])

    // A record behind the end of the transaction, then one more transaction of which only the end is left to read.
    broker.state.append('t', 0, 1)
    expect(shown(await cycle())['g t/0']).toBe('2')
    expect(shown(await cycle())['g t/0']).toBe('2')
    broker.state.appendTransaction('t', 0, 3)
    broker.state.commit('g', 't', 0, 10n)
    expect(shown(await cycle())['g t/0']).toBe('1')
    expect(shown(await cycle())['g t/0']).toBe('0 control_records')
  })

  it('stay a lag where READ is missing, and that is said', async () => {
    await start({ controlRecords: true, readCommitted: true })
    broker.state.createTopic('t', 1)
    broker.state.appendTransaction('t', 0, 5)
    broker.state.commit('g', 't', 0, 5n)
    broker.state.denied.reads.add('t')
    await cycle()
    expect(await costs('Fetch')).toBe(1)

    const snapshot = await cycle()
    expect(broker.requests.total('Fetch')).toBe(1)
    expect(shown(snapshot)).toEqual({ 'g t/0': '1' })
    expect(snapshot.problems).toEqual([
      { reason: 'unauthorized', topic: 't', message: 'Control records of topic "t": READ is needed' },
    ])
  })

  it('are not looked for below the log start', async () => {
    await start({ controlRecords: true })
    broker.state.createTopic('t', 1)
    broker.state.appendTransaction('t', 0, 5)
    broker.state.deleteRecords('t', 0, 5n)
    broker.state.commit('g', 't', 0, 2n)
    await cycle()

    expect(await costs('Fetch')).toBe(0)
  })

  it('are kept whole while a broker is away: a row that was 0 is held as 0', async () => {
    await start({ controlRecords: true }, { brokers: 2 })
    broker.state.createTopic('t', 1)
    broker.state.moveLeader('t', 0, 2)
    broker.state.appendTransaction('t', 0, 5)
    broker.state.commit('g', 't', 0, 5n)
    broker.state.moveCoordinator('g', 1)
    await cycle()
    expect(shown(await cycle())).toEqual({ 'g t/0': '0 control_records' })

    await broker.faults.refuse(2)
    expect(shown(await cycle())).toEqual({ 'g t/0': '0 read_failed' })
  })
})
