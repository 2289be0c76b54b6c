import { beforeAll, describe, expect, it } from 'vitest'
import type { ApiName } from '../../src/kafka-wire/apis.ts'
import {
  decodeConsumerGroupDescribeResponse,
  encodeConsumerGroupDescribeRequest,
} from '../../src/kafka-wire/consumer-group-describe.ts'
import { decodeDescribeGroupsResponse, encodeDescribeGroupsRequest } from '../../src/kafka-wire/describe-groups.ts'
import {
  decodeDescribeShareGroupOffsetsResponse,
  encodeDescribeShareGroupOffsetsRequest,
  WITH_LAG,
} from '../../src/kafka-wire/describe-share-group-offsets.ts'
import { errorCodes, errorName } from '../../src/kafka-wire/error-codes.ts'
import { decodeOffsetFetchResponse, encodeOffsetFetchRequest } from '../../src/kafka-wire/offset-fetch.ts'
import {
  decodeShareGroupDescribeResponse,
  encodeShareGroupDescribeRequest,
} from '../../src/kafka-wire/share-group-describe.ts'
import {
  decodeStreamsGroupDescribeResponse,
  encodeStreamsGroupDescribeRequest,
} from '../../src/kafka-wire/streams-group-describe.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import { eventually, type NewerGroups, versionsOf, type World } from './kafka-world.ts'

const between = 'counting-between-repartition'

/** What brokers say of groups of the types that came with KIP-848, KIP-932 and KIP-1071. */
export function groupKindContract(world: World): void {
  const { line } = world
  const kafka = () => world.kafka()
  const newer = (): NewerGroups => {
    const { newerGroups } = kafka()
    if (newerGroups === undefined) throw new Error(`Kafka ${line} has the newer group types: newerGroups is missing`)
    return newerGroups
  }
  const isPreview = line === '3.9'

  if (hasNewerGroups(world))
    beforeAll(async () => {
      await kafka().createTopic('parcels', 2)
      await kafka().append('parcels', 0, 6)
      await newer().join('modern', 'parcels')
      await newer().share('sharing', 'parcels', 2)
      await newer().stream('counting', 'parcels', 1)
    })

  /** Asks the coordinator of a group. */
  async function ask(api: ApiName, version: number, body: Buffer, group: string): Promise<Buffer> {
    return world.ask(api, version, body, await world.coordinatorOf(group))
  }

  describe.each(versionsOf(line, 'ConsumerGroupDescribe'))('ConsumerGroupDescribe v%i', (version) => {
    async function describeGroup(group: string) {
      const body = encodeConsumerGroupDescribeRequest(version, { groups: [group] })
      const answer = await ask('ConsumerGroupDescribe', version, body, group)
      return decodeConsumerGroupDescribeResponse(version, answer).groups[0]
    }

    it.each(['nobody', 'live'])('refuses to describe "%s", which is not of this type', async (group) => {
      const found = await describeGroup(group)

      expect(errorName(found?.error ?? 0)).toBe(isPreview ? 'UNSUPPORTED_VERSION' : 'GROUP_ID_NOT_FOUND')
      expect(found).toMatchObject({ id: group, state: '', members: [] })
    })

    if (!isPreview)
      it('tells what each member has and shall have', async () => {
        const group = await eventually('a settled group', async () => {
          const found = await describeGroup('modern')
          return found?.state === 'Stable' ? found : undefined
        })

        expect(group.error).toBe(errorCodes.NONE)
        const all = { name: 'parcels', partitions: [0, 1] }
        expect(group.members.map((one) => [one.assignment.map(plain), one.target.map(plain)])).toEqual([[[all], [all]]])
        const { topics } = await world.metadata(12)
        expect(group.members[0]?.assignment[0]?.id).toBe(topics.find(({ name }) => name === 'parcels')?.id)
      })
  })

  if (!hasNewerGroups(world)) return

  describe.each(versionsOf(line, 'DescribeGroups'))('DescribeGroups v%i', (version) => {
    it.each(['modern', 'sharing', 'counting'])('says Dead of "%s", which is of a newer type', async (group) => {
      const body = encodeDescribeGroupsRequest(version, { groups: [group] })
      const { groups } = decodeDescribeGroupsResponse(version, await ask('DescribeGroups', version, body, group))

      expect(groups).toMatchObject([{ error: 0, id: group, state: 'Dead', members: [] }])
    })
  })

  describe.each(versionsOf(line, 'ShareGroupDescribe'))('ShareGroupDescribe v%i', (version) => {
    async function describeGroup(group: string) {
      const body = encodeShareGroupDescribeRequest(version, { groups: [group] })
      return decodeShareGroupDescribeResponse(version, await ask('ShareGroupDescribe', version, body, group)).groups[0]
    }

    it.each(['nobody', 'live', 'modern'])('refuses to describe "%s", which is not of this type', async (group) => {
      const found = await describeGroup(group)
      expect(found).toMatchObject({ error: errorCodes.GROUP_ID_NOT_FOUND, id: group, state: '', members: [] })
    })

    it('tells what each member reads', async () => {
      const group = await describeGroup('sharing')

      expect(group).toMatchObject({ error: 0, state: 'Stable' })
      expect(group?.members.map(({ assignment }) => assignment.map(plain))).toEqual([
        [{ name: 'parcels', partitions: [0, 1] }],
      ])
    })
  })

  describe.each(versionsOf(line, 'DescribeShareGroupOffsets'))('DescribeShareGroupOffsets v%i', (version) => {
    async function read(group: string) {
      const body = encodeDescribeShareGroupOffsetsRequest(version, { groups: [group] })
      const answer = decodeDescribeShareGroupOffsetsResponse(
        version,
        await ask('DescribeShareGroupOffsets', version, body, group),
      )
      return { answer, group: answer.groups[0] }
    }

    it.each(['nobody', 'live', 'modern'])('gives nothing, without an error, for "%s"', async (group) => {
      expect((await read(group)).group).toMatchObject({ error: errorCodes.NONE, id: group, blocks: 0 })
    })

    it('gives start and lag of each partition, where finished records past the start do not count', async () => {
      const rows = await eventually('the state of both partitions', async () => {
        const { answer } = await read('sharing')
        const found = [...answer.partition].map((partition, row) => ({
          partition,
          start: answer.startAbsent[row] === 1 ? undefined : offsetAt(answer.start, row),
          lag: answer.lagAbsent[row] === 1 ? undefined : offsetAt(answer.lag, row),
        }))
        const [first] = found.filter(({ partition }) => partition === 0)
        return found.length === 2 && first?.start !== undefined ? found : undefined
      })

      const hasLag = version >= WITH_LAG
      const [first, second] = rows.toSorted((one, other) => one.partition - other.partition)
      expect(first).toEqual({ partition: 0, start: 0n, lag: hasLag ? 4n : undefined })
      // Nobody may have fetched from the second one yet: then it has neither.
      const lag = hasLag && second?.start !== undefined ? 0n : undefined
      expect(second).toEqual({ partition: 1, start: second?.start === undefined ? undefined : 0n, lag })
    })
  })

  describe.each(versionsOf(line, 'StreamsGroupDescribe'))('StreamsGroupDescribe v%i', (version) => {
    async function describeGroup(group: string) {
      const body = encodeStreamsGroupDescribeRequest(version, { groups: [group] })
      const answer = await ask('StreamsGroupDescribe', version, body, group)
      return decodeStreamsGroupDescribeResponse(version, answer).groups[0]
    }

    it.each(['nobody', 'live', 'modern'])('refuses to describe "%s", which is not of this type', async (group) => {
      const found = await describeGroup(group)
      expect(found).toMatchObject({ error: errorCodes.GROUP_ID_NOT_FOUND, id: group, state: '', members: [] })
    })

    it('tells the topology and who has which tasks', async () => {
      const group = await eventually('a settled group', async () => {
        const found = await describeGroup('counting')
        return found?.state === 'Stable' ? found : undefined
      })

      expect(group.topology?.subtopologies).toEqual([
        { id: '0', sourceTopics: ['parcels'], repartitionSourceTopics: [] },
        { id: '1', sourceTopics: [], repartitionSourceTopics: [between] },
      ])
      const tasks = group.members.flatMap((member) =>
        member.tasks.flatMap(({ subtopology, partitions }) => [...partitions].map((one) => `${subtopology}_${one}`)),
      )
      expect(tasks.toSorted()).toEqual(['0_0', '0_1', '1_0'])
    })
  })

  it('OffsetFetch gives the commits of a streams group, and none of a share group', async () => {
    const [version = 0] = versionsOf(line, 'OffsetFetch').slice(-1)
    const committed = async (group: string) => {
      const body = encodeOffsetFetchRequest(version, { groups: [{ id: group }] })
      const answer = decodeOffsetFetchResponse(version, await ask('OffsetFetch', version, body, group), group)
      return { error: answer.groups[0]?.error, topics: answer.topics }
    }

    expect(await committed('sharing')).toEqual({ error: 0, topics: [] })
    const topics = await eventually('commits of the application', async () => {
      const found = await committed('counting')
      return found.topics.includes('parcels') ? found.topics : undefined
    })
    expect(topics).toContain('parcels')
  })
}

/** True for lines on which all newer types are on by default. */
export function hasNewerGroups({ line }: World): boolean {
  return versionsOf(line, 'DescribeShareGroupOffsets').includes(WITH_LAG)
}

function plain({ name, partitions }: { readonly name: string; readonly partitions: Int32Array }) {
  return { name, partitions: [...partitions].toSorted((a, b) => a - b) }
}
