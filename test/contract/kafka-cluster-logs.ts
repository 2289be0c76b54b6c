import { beforeAll, describe, expect, it } from 'vitest'
import { decodeDescribeLogDirsResponse, encodeDescribeLogDirsRequest } from '../../src/kafka-wire/describe-log-dirs.ts'
import { errorCodes } from '../../src/kafka-wire/error-codes.ts'
import { decodeFetchResponse, encodeFetchRequest } from '../../src/kafka-wire/fetch.ts'
import { recordBatches } from '../../src/kafka-wire/record-batch.ts'
import { versionsOf, type World } from './kafka-world.ts'

export function logContract(world: World): void {
  const { line } = world

  beforeAll(async () => {
    await world.kafka().createTopic('logged', 2)
    await world.kafka().append('logged', 0, 10)
  })

  describe.each(versionsOf(line, 'Fetch'))('Fetch v%i', (version) => {
    async function fetch(topic: string, partition: number, offset: bigint, address: string) {
      const topics = [{ name: topic, partitions: [{ partition, offset, maxBytes: 4_096 }] }]
      const body = encodeFetchRequest(version, { maxBytes: 65_536, topics })
      const answer = decodeFetchResponse(version, await world.ask('Fetch', version, body, address))
      return answer.topics[0]?.partitions[0]
    }

    it('gives the batches from an offset to the end at once', async () => {
      const answer = await fetch('logged', 0, 4n, await world.leaderOf('logged', 0))

      expect(answer).toMatchObject({ error: 0, highWatermark: 10n })
      // Old brokers look for it only when readers want what is committed.
      expect([10n, -1n]).toContain(answer?.lastStableOffset)
      const batches = [...recordBatches(answer?.records ?? Buffer.alloc(0))].filter(
        ({ lastOffset }) => lastOffset >= 4n,
      )
      expect(batches.every(({ control, transactional, records }) => !control && !transactional && records > 0)).toBe(
        true,
      )
      expect([batches[0]!.baseOffset <= 4n, batches.at(-1)?.lastOffset]).toEqual([true, 9n])
    })

    it('gives nothing at the end, and nothing of an empty partition', async () => {
      for (const [partition, offset] of [
        [0, 10n],
        [1, 0n],
      ] as const) {
        const answer = await fetch('logged', partition, offset, await world.leaderOf('logged', partition))
        expect([answer?.error, answer?.records?.length ?? 0]).toEqual([0, 0])
      }
    })

    it.each([
      ['past the end', 'logged', 0, 11n, errorCodes.OFFSET_OUT_OF_RANGE],
      ['of a topic that is not there', 'nowhere', 0, 0n, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ] as const)('refuses what is %s', async (_, topic, partition, offset, error) => {
      expect((await fetch(topic, partition, offset, await world.leaderOf('logged', 0)))?.error).toBe(error)
    })
  })

  describe.each(versionsOf(line, 'DescribeLogDirs'))('DescribeLogDirs v%i', (version) => {
    async function sizes(topics: Parameters<typeof encodeDescribeLogDirsRequest>[1]['topics']) {
      const body = encodeDescribeLogDirsRequest(version, topics === undefined ? {} : { topics })
      const answer = await world.ask('DescribeLogDirs', version, body, await world.leaderOf('logged', 0))
      const found = decodeDescribeLogDirsResponse(version, answer)
      expect([found.error, found.directories.map(({ error }) => error)]).toEqual([0, [0]])
      return found.topics.flatMap((name, topic) =>
        Array.from(found.partition.subarray(found.topicFirst[topic], found.topicFirst[topic + 1]), (partition, at) => ({
          name,
          partition,
          size: found.size[found.topicFirst[topic]! + at]!,
        })),
      )
    }

    it('tells the size of each replica that is asked for, and leaves out what is not there', async () => {
      const found = await sizes([
        { name: 'logged', partitions: [0] },
        { name: 'nowhere', partitions: [0] },
      ])

      expect(found).toEqual([{ name: 'logged', partition: 0, size: expect.any(Number) }])
      expect(found[0]!.size).toBeGreaterThan(10)
    })

    it('tells of all when none is named', async () => {
      expect(
        (await sizes(undefined)).filter(({ name }) => name === 'logged').map(({ partition }) => partition),
      ).toContain(0)
    })
  })
}
