import { beforeAll, describe, expect, it } from 'vitest'
import { errorCodes } from '../../src/kafka-wire/error-codes.ts'
import {
  decodeListOffsetsResponse,
  EARLIEST,
  EARLIEST_LOCAL,
  encodeListOffsetsRequest,
  LATEST,
  type ListOffsetsRequest,
} from '../../src/kafka-wire/list-offsets.ts'
import {
  decodeOffsetForLeaderEpochResponse,
  encodeOffsetForLeaderEpochRequest,
} from '../../src/kafka-wire/offset-for-leader-epoch.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import { eventually, versionsOf, type World } from './kafka-world.ts'

export function topicContract(world: World): void {
  const { line } = world
  const kafka = () => world.kafka()

  async function listOffsets(version: number, address: string, timestamp: number, topic: string, partition: number) {
    const request: ListOffsetsRequest = { isolation: 0, timestamp, topics: [{ name: topic, partitions: [partition] }] }
    const body = encodeListOffsetsRequest(version, request)
    const answer = decodeListOffsetsResponse(version, await world.ask('ListOffsets', version, body, address))
    expect([answer.topics, [...answer.partition]]).toEqual([[topic], [partition]])
    return answer.absent[0] === 1 ? { error: answer.error[0] } : { error: 0, offset: offsetAt(answer.offset, 0) }
  }

  beforeAll(async () => {
    await kafka().createTopic('orders', 3)
    await kafka().append('orders', 0, 10)
    await kafka().append('orders', 1, 5)
    await kafka().deleteRecords('orders', 1, 2n)
  })

  describe.each(versionsOf(line, 'Metadata'))('Metadata v%i', (version) => {
    it('lists each topic with its partitions and their leaders', async () => {
      const found = await world.metadata(version)

      const addresses = found.brokers.map(({ host, port }) => `${host}:${port}`)
      expect(addresses.toSorted()).toEqual(kafka().bootstrap.toSorted())
      const orders = found.topics.find(({ name }) => name === 'orders')
      expect(orders?.error).toBe(0)
      expect([...(orders?.partitions ?? [])].toSorted()).toEqual([0, 1, 2])
      const ids = found.brokers.map(({ id }) => id)
      for (const leader of orders?.leaders ?? []) expect(ids).toContain(leader)
    })

    if (version >= 4)
      it('answers for a topic that is not there with an error, and does not make it', async () => {
        const { topics } = await world.metadata(version, ['nowhere'])

        expect(topics).toMatchObject([{ name: 'nowhere', error: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }])
        expect((await world.metadata(version)).topics.map(({ name }) => name)).not.toContain('nowhere')
      })

    if (version >= 1)
      it('answers about no topics when none is asked for', async () => {
        expect((await world.metadata(version, [])).topics).toEqual([])
      })

    if (version >= 10)
      it('gives a topic that was made again another id', async () => {
        const idOf = async () => (await world.metadata(version, ['reborn'])).topics.find(({ error }) => error === 0)?.id
        await kafka().createTopic('reborn', 1)
        const before = await eventually('the topic', idOf)
        await kafka().deleteTopic('reborn')
        await eventually('its end', async () => ((await idOf()) === undefined ? true : undefined))
        await kafka().createTopic('reborn', 1)

        const after = await eventually('the topic again', idOf)

        expect(before).toMatch(/^[0-9a-f]{32}$/)
        expect(after).toMatch(/^[0-9a-f]{32}$/)
        expect(after).not.toBe(before)
        await kafka().deleteTopic('reborn')
      })
  })

  describe.each(versionsOf(line, 'ListOffsets'))('ListOffsets v%i', (version) => {
    const cases: readonly (readonly [partition: number, timestamp: number, offset: bigint])[] = [
      [0, EARLIEST, 0n],
      [0, LATEST, 10n],
      [1, EARLIEST, 2n],
      [1, LATEST, 5n],
      [2, EARLIEST, 0n],
      [2, LATEST, 0n],
      ...(version >= 8 ? [[1, EARLIEST_LOCAL, 2n] as const] : []),
    ]
    it.each(cases)('answers for partition %i and timestamp %i with %i', async (partition, timestamp, offset) => {
      const leader = await world.leaderOf('orders', partition)

      expect(await listOffsets(version, leader, timestamp, 'orders', partition)).toEqual({ error: 0, offset })
    })

    it.each([
      ['nowhere', 0],
      ['orders', 17],
    ])('answers for %s-%i, which is not there, with an error', async (topic, partition) => {
      const address = kafka().bootstrap[0] ?? ''

      const answer = await listOffsets(version, address, LATEST, topic, partition)

      expect(answer).toEqual({ error: errorCodes.UNKNOWN_TOPIC_OR_PARTITION })
    })

    if (world.brokers > 1)
      it('is refused by a broker that does not lead the partition', async () => {
        const leader = await world.leaderOf('orders', 0)
        const other = kafka().bootstrap.find((address) => address !== leader) ?? ''

        const answer = await listOffsets(version, other, LATEST, 'orders', 0)

        expect(answer).toEqual({ error: errorCodes.NOT_LEADER_OR_FOLLOWER })
      })
  })

  describe.each(versionsOf(line, 'OffsetForLeaderEpoch'))('OffsetForLeaderEpoch v%i', (version) => {
    it.each([
      [0, { epoch: 0, end: 10n, absent: 0 }],
      [7, { epoch: -1, end: 0n, absent: 1 }],
    ])('says where epoch %i ends', async (epoch, expected) => {
      const topics = [{ name: 'orders', partitions: [0], leaderEpochs: [epoch] }]
      const leader = await world.leaderOf('orders', 0)
      const body = encodeOffsetForLeaderEpochRequest(version, { topics })

      const answer = await world.ask('OffsetForLeaderEpoch', version, body, leader)

      const { epoch: found, endOffset, absent, error } = decodeOffsetForLeaderEpochResponse(version, answer)
      expect(error[0]).toBe(0)
      expect({ epoch: found[0], end: offsetAt(endOffset, 0), absent: absent[0] }).toEqual(expected)
    })
  })
}
