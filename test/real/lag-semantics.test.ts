import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterCollector, createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { createLostKeeper } from '../../src/collect/lost-keeper.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster, type KafkaCluster } from '../../src/kafka/cluster.ts'
import { type LagRow, lagRows } from '../../src/model/lag-row.ts'
import type { NoPositionPolicy } from '../../src/model/no-position-policy.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock as clock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { describeGroups } from '../rigs/kafka-tool.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const version = '4.3.1'
const signal = new AbortController().signal
const policies: readonly NoPositionPolicy[] = ['ignore', 'start', 'end', 'void']

let kafka: KafkaRig
let rig: RigClient
let cluster: KafkaCluster
let collector: ClusterCollector
const requests = new Map<string, number>()

beforeAll(async () => {
  // Compacts within a second what can be compacted.
  kafka = await startKafka({ version, properties: { 'log.cleaner.backoff.ms': '200' } })
  rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
  cluster = createKafkaCluster({
    bootstrap: [kafka.bootstrap],
    requestTimeoutMs: 10_000,
    clock,
    onRequest: (api) => requests.set(api, (requests.get(api) ?? 0) + 1),
  })
  const keepTopic = (name: string): boolean => !name.startsWith('__')
  collector = createClusterCollector({
    kafkaCluster: 'real',
    cluster,
    sources: [createKafkaGroups({ cluster, clock, keepConsumer: () => true, keepTopic })],
    keepTopic,
    intervalMs: 60_000,
    noPosition: (consumer) => policies.find((policy) => consumer === `policy-${policy}`) ?? 'ignore',
    objectives: () => [],
    views: { readCommitted: true, coldRecords: true, lagBytes: true, controlRecords: true },
    lost: createLostKeeper({ kafkaCluster: 'real', clock, logger: silentLogger }),
    clock,
    observer: silentObserver,
  })
})
afterAll(async () => {
  cluster?.close()
  await rig?.stop()
  await kafka?.stop()
})

async function cycles(count: number): Promise<Snapshot> {
  let snapshot = await collector.cycle(signal)
  for (let more = 1; more < count; more++) snapshot = await collector.cycle(signal)
  expect(snapshot.problems).toEqual([])
  return snapshot
}

function rowsOf(snapshot: Snapshot, consumer: string): readonly LagRow[] {
  return [...lagRows(snapshot)].filter((row) => row.consumer === consumer).sort((a, b) => a.partition - b.partition)
}

describe('transactions', () => {
  let snapshot: Snapshot

  beforeAll(async () => {
    await rig.createTopics([{ name: 'tx', partitions: 4 }, { name: 'plain' }])
    // 0: one transaction, all read but its end. 1: two transactions side by side, so that two ends follow each other.
    await rig.transact('tx', 0, 5, 'commit')
    const [one, other] = [await rig.openTransaction('tx', 1, 3), await rig.openTransaction('tx', 1, 2)]
    await one.end('commit')
    await other.end('abort')
    // 2: plain, committed, aborted and plain records, then an open transaction, and plain ones behind it.
    await rig.produce('tx', 2, 10)
    await rig.transact('tx', 2, 5, 'commit')
    await rig.transact('tx', 2, 3, 'abort')
    await rig.produce('tx', 2, 2)
    await rig.openTransaction('tx', 2, 4)
    await rig.produce('tx', 2, 6)
    // 3: the last record of a transaction and its end are left.
    await rig.transact('tx', 3, 5, 'commit')
    await rig.produce('plain', 0, 6)
    const positions = [5n, 5n, 10n, 4n].map((offset, partition) => ({ topic: 'tx', partition, offset }))
    await rig.commit('reader', [...positions, { topic: 'plain', partition: 0, offset: 5n }])
    snapshot = await cycles(3)
  })

  it('leave a lag of 0 where only their ends are left, and else the lag by offsets', () => {
    expect(
      rowsOf(snapshot, 'reader')
        .filter(({ topic }) => topic === 'tx')
        .map((row) => [row.position, row.logEndOffset, row.recordsLag, row.reason]),
    ).toEqual([
      [5n, 6n, 0n, 'control_records'],
      [5n, 7n, 0n, 'control_records'],
      [10n, 32n, 22n, undefined],
      [4n, 6n, 2n, undefined],
    ])
    expect(rowsOf(snapshot, 'reader').find(({ topic }) => topic === 'plain')).toMatchObject({ recordsLag: 1n })
  })

  it("are told as the Java client tells them to a read_committed reader, the tool's LAG being against the log end", async () => {
    const { ends } = await rig.oracle([])
    const tool = await describeGroups(version, kafka.bootstrap, 'reader')
    for (const row of rowsOf(snapshot, 'reader')) {
      const theirs = ends.find((end) => end.topic === row.topic && end.partition === row.partition)!
      expect([row.topic, row.partition, row.lastStableOffset]).toEqual([row.topic, row.partition, theirs.stableEnd])
      const lag = theirs.stableEnd! - row.position!
      expect(row.readCommittedRecordsLag).toBe(row.reason === 'control_records' ? 0n : lag)
      const printed = tool.find((one) => one.topic === row.topic && one.partition === row.partition)
      expect(printed?.lag).toBe(row.logEndOffset! - row.position!)
    }
    const byTopic = rowsOf(snapshot, 'reader').toSorted((a, b) => (a.topic < b.topic ? -1 : 1))
    expect(byTopic.map((row) => row.readCommittedRecordsLag)).toEqual([1n, 0n, 0n, 12n, 2n])
  })

  it('are looked at once', async () => {
    requests.clear()
    await cycles(2)

    expect(requests.get('Fetch')).toBeUndefined()
  })
})

describe('records that leave the log before they are read', () => {
  const lost = (snapshot: Snapshot, consumer: string) => snapshot.lost?.get(consumer)?.get('trimmed') ?? 0

  it('are counted exactly, but not of a group that everybody has left', async () => {
    await rig.createTopics([{ name: 'trimmed' }])
    await rig.produce('trimmed', 0, 100)
    for (const group of ['below', 'left', 'ahead'])
      await rig.commit(group, [{ topic: 'trimmed', partition: 0, offset: group === 'ahead' ? 90n : 20n }])
    const member = await rig.hold({ protocol: 'classic', group: 'left', topic: 'trimmed' })
    await cycles(3)
    await member.release()
    await cycles(3)

    await rig.deleteRecords('trimmed', 0, 60n)
    const first = await cycles(2)
    await rig.deleteRecords('trimmed', 0, 75n)
    const second = await cycles(2)

    expect(['below', 'left', 'ahead'].map((group) => lost(first, group))).toEqual([40, 0, 0])
    expect(['below', 'left', 'ahead'].map((group) => lost(second, group))).toEqual([55, 0, 0])
    expect(rowsOf(second, 'below')).toMatchObject([{ position: 20n, logStartOffset: 75n, recordsLag: 25n }])
  })
})

describe('a compacted log', () => {
  it('has a lag by offsets, holes included, as the tool has it', async () => {
    const configs = {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.01',
      'segment.ms': '200',
      'min.compaction.lag.ms': '0',
    }
    await rig.createTopics([{ name: 'compacted', configs }])
    await rig.produceMany([{ topic: 'compacted', partition: 0, count: 500, keys: 5 }])
    const before = await bytesOf('compacted', 0)
    await delay(300)
    // Closes the segment, which can then be compacted.
    await rig.produceMany([{ topic: 'compacted', partition: 0, count: 1, keys: 5 }])
    await rig.commit('compacting', [{ topic: 'compacted', partition: 0, offset: 100n }])
    const until = Date.now() + 30_000
    while ((await bytesOf('compacted', 0)) > before / 2) {
      if (Date.now() > until) throw new Error('nothing was compacted in 30 s')
      await delay(200)
    }

    const snapshot = await cycles(2)

    const [tool] = await describeGroups(version, kafka.bootstrap, 'compacting')
    expect([tool?.current, tool?.end, tool?.lag]).toEqual([100n, 501n, 401n])
    expect(rowsOf(snapshot, 'compacting')).toMatchObject([{ position: 100n, logEndOffset: 501n, recordsLag: 401n }])
  })
})

describe('a partition without a position', () => {
  it.each([
    ['ignore', 4],
    ['start', 9],
    ['end', 4],
    ['void', undefined],
  ] as const)('adds to the sum what the policy %s says', async (policy, expected) => {
    if (policy === 'ignore') {
      await rig.createTopics([{ name: 'policies', partitions: 2 }])
      await rig.produceMany([
        { topic: 'policies', partition: 0, count: 7 },
        { topic: 'policies', partition: 1, count: 5 },
      ])
    }
    const group = `policy-${policy}`
    await rig.commit(group, [{ topic: 'policies', partition: 0, offset: 3n }])
    const member = await rig.hold({ protocol: 'classic', group, topic: 'policies' })
    const snapshot = await cycles(3)
    await member.release()

    expect(rowsOf(snapshot, group).map((row) => row.recordsLag ?? row.reason)).toEqual([4n, 'no_position'])
    expect(snapshot.consumers.find(({ consumer }) => consumer.name === group)?.lag).toBe(expected)
  })
})

describe('the size of a lag', () => {
  it("is its share of what lies on the broker's disk; nothing of it is in remote storage", async () => {
    await rig.createTopics([{ name: 'sized' }])
    await rig.produce('sized', 0, 1_000)
    await rig.commit('sizing', [{ topic: 'sized', partition: 0, offset: 750n }])
    // Sizes are read in every fourth cycle.
    const snapshot = await cycles(4)
    const [row] = rowsOf(snapshot, 'sizing')

    expect(row).toMatchObject({ recordsLag: 250n, coldRecords: 0n })
    expect(row?.lagBytes).toBe(Math.round((await bytesOf('sized', 0)) / 4))
  })

  it('costs two requests more in every fourth cycle, and one more in each for what is committed', async () => {
    const counted: Record<string, number>[] = []
    for (let count = 0; count < 8; count++) {
      requests.clear()
      await cycles(1)
      counted.push(Object.fromEntries(requests))
    }

    const sizes = counted.map((one) => one['DescribeLogDirs'] ?? 0)
    expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(2)
    const offsets = counted.reduce((sum, one) => sum + (one['ListOffsets'] ?? 0), 0)
    // Ends and stable ends in each, starts in every second (a lone broker), local starts in every fourth.
    expect(offsets).toBe(8 * 2 + 4 + 2)
  })
})

/** Bytes of the log segments of a partition on the disk of the broker. */
async function bytesOf(topic: string, partition: number): Promise<number> {
  const folder = join(kafka.dir, '1', 'data', `${topic}-${partition}`)
  const segments = (await readdir(folder)).filter((name) => name.endsWith('.log'))
  const sizes = await Promise.all(segments.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
