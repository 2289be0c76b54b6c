import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKafkaSources } from '../../src/app/kafka-sources.ts'
import { type ClusterCollector, createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { readLag } from '../../src/commands/read-lag.ts'
import { createKafkaCluster } from '../../src/kafka/cluster.ts'
import { type LagRow, lagRows } from '../../src/model/lag-row.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import type { GroupRow } from '../rigs/kafka-tool.ts'
import { consumeOld, describeOldGroup, startOldConsumer } from '../rigs/old-consumer.ts'
import { connectOldKafka, type OldKafkaClient } from '../rigs/old-kafka-client.ts'
import { runClient } from './zookeeper-world.ts'

const topic = 'orders'
const signal = new AbortController().signal

/** Old consumers of a real Kafka, whose offsets are in ZooKeeper, in Kafka or in both, against what Kafka's tool says. */
export function zookeeperOffsetsContract(version: string): void {
  describe(`old consumers of Kafka ${version}`, () => {
    let kafka: KafkaRig
    let rig: OldKafkaClient
    let collector: ClusterCollector
    const closing: (() => Promise<void>)[] = []

    const zookeeper = (): string => kafka.zookeeper ?? ''
    const look = (): Promise<Snapshot> => collector.cycle(signal)
    const oracle = (group: string): Promise<readonly GroupRow[]> => describeOldGroup(version, zookeeper(), group, topic)

    beforeAll(async () => {
      kafka = await startKafka({ version, properties: { 'num.partitions': '2' } })
      closing.push(kafka.stop)
      rig = await connectOldKafka(kafka.bootstrap)
      closing.push(rig.stop)
      await rig.createTopics([topic])
      await rig.produceMany([0, 1].map((partition) => ({ topic, partition, count: 40 })))
      const common = { version, zookeeper: zookeeper(), topic, records: 30, fromBeginning: true }
      await consumeOld({ ...common, group: 'in-zookeeper', storage: 'zookeeper' })
      await consumeOld({ ...common, group: 'in-kafka', storage: 'kafka' })
      await consumeOld({ ...common, group: 'in-both', storage: 'both' })
      const cluster = createKafkaCluster({
        bootstrap: [kafka.bootstrap],
        requestTimeoutMs: 10_000,
        clock: systemClock,
      })
      const filters = { keepConsumer: () => true, keepTopic: (name: string) => !name.startsWith('__') }
      const { sources, services } = createKafkaSources(
        { name: 'real', zookeeper: { connect: zookeeper() }, groups: [], interval: 15_000 },
        { cluster, filters, clock: systemClock, logger: silentLogger },
      )
      const stopping = new AbortController()
      const running = services.map((service) => service.run(stopping.signal))
      closing.push(async () => {
        stopping.abort()
        cluster.close()
        await Promise.all(running)
      })
      collector = createClusterCollector({
        kafkaCluster: 'real',
        cluster,
        sources,
        keepTopic: filters.keepTopic,
        intervalMs: 60_000,
        noPosition: () => 'void',
        objectives: () => [],
        clock: systemClock,
        observer: silentObserver,
      })
    })
    afterAll(async () => {
      for (const close of closing.reverse()) await close()
    })

    it.each([
      ['in-zookeeper', 'zookeeper'],
      ['in-kafka', 'classic'],
      ['in-both', 'classic'],
    ])('have the positions and the lag that Kafka’s own tool prints: %s', async (group, kind) => {
      // Names that only ZooKeeper knows are asked of Kafka from the second cycle on.
      await look()
      const snapshot = await look()

      const expected = await oracle(group)
      expect(expected.map(({ current }) => current !== undefined)).toContain(true)
      expect(rowsOf(snapshot, group)).toEqual(
        expected
          .filter(({ current }) => current !== undefined && current >= 0n)
          .map(({ partition, current, end, lag }) => ({ partition, position: current, end, lag })),
      )
      expect(snapshot.consumers.find(({ consumer }) => consumer.name === group)?.consumer.kind).toBe(kind)
    })

    it('are read completely, but for what this Kafka cannot tell', async () => {
      const { problems } = await look()

      expect(problems.map(({ reason }) => reason)).toEqual(version.startsWith('0.8') ? ['unsupported'] : [])
    })

    it('are all there at the first look of the command line', async () => {
      const snapshot = await readLag(
        {
          kafkaCluster: 'real',
          bootstrap: [kafka.bootstrap],
          requestTimeoutMs: 10_000,
          clock: systemClock,
          keepConsumer: (name) => name.startsWith('in-'),
          keepTopic: (name) => name === topic,
          old: { zookeeper: { connect: zookeeper() }, groups: [] },
        },
        signal,
      )

      const expected = await look()
      for (const group of ['in-zookeeper', 'in-kafka', 'in-both'])
        expect([group, rowsOf(snapshot, group)]).toEqual([group, rowsOf(expected, group)])
      expect(rowsOf(snapshot, 'in-kafka')).not.toEqual([])
    })

    it('have members, and read on: what is in ZooKeeper moves, and is followed', async () => {
      const before = rowsOf(await look(), 'in-zookeeper')
      await using _ = await startOldConsumer({
        version,
        zookeeper: zookeeper(),
        group: 'in-zookeeper',
        topic,
        storage: 'zookeeper',
      })

      await expect
        .poll(async () => rowsOf(await look(), 'in-zookeeper').map(({ lag }) => lag), {
          timeout: 30_000,
          interval: 300,
        })
        .toEqual([0n, 0n])
      const snapshot = await look()

      expect(before.map(({ lag }) => lag)).not.toEqual([0n, 0n])
      const { consumer } = snapshot.consumers.find((total) => total.consumer.name === 'in-zookeeper') ?? {}
      expect(consumer).toMatchObject({ kind: 'zookeeper', members: 1 })
    })

    it('have a row without a position for what a member owns and nobody has committed', async () => {
      await rig.createTopics(['silent'])
      const client = runClient({ connect: zookeeper(), sessionTimeoutMs: 6_000 })
      try {
        // As a consumer that owns a partition and has not come to commit: the real one does so within half a second.
        await client.zookeeper.makeDirectories('/consumers/in-zookeeper/owners/silent')
        const data = Buffer.from('rig-0')
        await client.zookeeper.create('/consumers/in-zookeeper/ids/rig', data, { mode: 'ephemeral' })
        await client.zookeeper.create('/consumers/in-zookeeper/owners/silent/1', data, { mode: 'ephemeral' })
        await rig.produceMany([{ topic: 'silent', partition: 1, count: 1 }])

        const row = [...lagRows(await look())].find((one) => one.topic === 'silent')

        expect(row).toMatchObject({ consumer: 'in-zookeeper', partition: 1, reason: 'no_position' })
      } finally {
        await client.stop()
      }
    })

    it('are followed in Kafka alone once the migration is over, also back to the start', async () => {
      await consumeOld({
        version,
        zookeeper: zookeeper(),
        group: 'in-both',
        topic,
        storage: 'kafka',
        records: 10,
      })
      await expect
        .poll(async () => rowsOf(await look(), 'in-both'), { timeout: 10_000 })
        .toEqual((await oracleOfKafka('in-both')).toSorted((a, b) => a.partition - b.partition))
      await rig.commit('in-both', [{ topic, partition: 0, offset: 1n }])

      const [first] = rowsOf(await look(), 'in-both')

      expect(first).toMatchObject({ partition: 0, position: 1n, lag: 39n })
    })

    /** The tool takes the offset in Kafka first; where there is none, that in ZooKeeper. */
    async function oracleOfKafka(group: string) {
      return (await oracle(group)).map(({ partition, current, end, lag }) => ({
        partition,
        position: current,
        end,
        lag,
      }))
    }
  })
}

function rowsOf(snapshot: Snapshot, group: string) {
  const isOurs = (row: LagRow): boolean => row.consumer === group && row.topic === topic
  return [...lagRows(snapshot)]
    .filter(isOurs)
    .map(({ partition, position, logEndOffset, recordsLag }) => ({
      partition,
      position,
      end: logEndOffset,
      lag: recordsLag,
    }))
    .toSorted((a, b) => a.partition - b.partition)
}
