import { beforeAll, describe, expect, it } from 'vitest'
import { decodeConsumerAssignment } from '../../src/kafka-wire/consumer-assignment.ts'
import { decodeDescribeGroupsResponse, encodeDescribeGroupsRequest } from '../../src/kafka-wire/describe-groups.ts'
import { errorCodes } from '../../src/kafka-wire/error-codes.ts'
import {
  decodeFindCoordinatorResponse,
  encodeFindCoordinatorRequest,
  GROUP_KEY,
} from '../../src/kafka-wire/find-coordinator.ts'
import {
  decodeListGroupsResponse,
  encodeListGroupsRequest,
  type ListedGroup,
  type ListGroupsRequest,
} from '../../src/kafka-wire/list-groups.ts'
import {
  decodeOffsetFetchResponse,
  encodeOffsetFetchRequest,
  type OffsetFetchGroup,
  type OffsetFetchResponse,
} from '../../src/kafka-wire/offset-fetch.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import { hasNewerGroups } from './kafka-cluster-group-kinds.ts'
import { eventually, versionsOf, type World } from './kafka-world.ts'

const oddName = 'größe "日本"\n\\'

export function groupContract(world: World): void {
  const { line } = world
  const kafka = () => world.kafka()

  beforeAll(async () => {
    await kafka().createTopic('bills', 2)
    await kafka().createTopic('doomed', 1)
    await kafka().commit('billing', 'bills', 0, 4n)
    await kafka().commit('billing', 'bills', 1, 2n ** 53n + 1n)
    await kafka().commit('billing', 'doomed', 0, 1n)
    await kafka().commit(oddName, 'bills', 1, 0n)
    await kafka().commit('', 'bills', 0, 7n)
    await kafka().join('live', 'bills')
  })

  describe.each(versionsOf(line, 'FindCoordinator'))('FindCoordinator v%i', (version) => {
    it('names a broker for each group, there or not', async () => {
      const keys = version >= 4 ? ['nobody', 'billing', oddName] : ['nobody']
      const body = encodeFindCoordinatorRequest(version, { keyType: GROUP_KEY, keys })
      await world.coordinatorOf('nobody')

      const { coordinators } = decodeFindCoordinatorResponse(
        version,
        await world.ask('FindCoordinator', version, body),
        'nobody',
      )

      expect(coordinators.map(({ key, error }) => [key, error])).toEqual(keys.map((key) => [key, 0]))
      for (const { host, port } of coordinators) expect(kafka().bootstrap).toContain(`${host}:${port}`)
    })
  })

  describe.each(versionsOf(line, 'ListGroups'))('ListGroups v%i', (version) => {
    async function list(request: ListGroupsRequest = {}): Promise<readonly ListedGroup[]> {
      const body = encodeListGroupsRequest(version, request)
      const answers = await Promise.all(
        kafka().bootstrap.map(async (address) =>
          decodeListGroupsResponse(version, await world.ask('ListGroups', version, body, address)),
        ),
      )
      expect(answers.map(({ error }) => error)).toEqual(answers.map(() => 0))
      return answers.flatMap(({ groups }) => groups)
    }

    it('lists each group once, at its coordinator', async () => {
      const groups = await list()

      const stateAndType = (state: string, type = 'classic') => ({
        ...(version >= 4 ? { state } : {}),
        ...(version >= 5 ? { type } : {}),
      })
      const newer = [
        { id: 'modern', protocolType: 'consumer', ...stateAndType('Stable', 'consumer') },
        { id: 'sharing', protocolType: 'share', ...stateAndType('Stable', 'share') },
        { id: 'counting', protocolType: 'streams', ...stateAndType('Stable', 'streams') },
      ]
      const expected = [
        { id: '', protocolType: '', ...stateAndType('Empty') },
        { id: 'billing', protocolType: '', ...stateAndType('Empty') },
        { id: oddName, protocolType: '', ...stateAndType('Empty') },
        { id: 'live', protocolType: 'consumer', ...stateAndType('Stable') },
        ...(hasNewerGroups(world) ? newer : []),
      ]
      expect(groups.toSorted(byId)).toEqual(expected.toSorted(byId))
    })

    if (version >= 4)
      it('lists only the states asked for', async () => {
        const stable = (await list({ states: ['Stable'] })).map(({ id }) => id)

        expect(stable.toSorted()).toEqual(hasNewerGroups(world) ? ['counting', 'live', 'modern', 'sharing'] : ['live'])
      })

    if (version >= 5)
      it('lists only the types asked for', async () => {
        const modern = hasNewerGroups(world) ? ['modern'] : []

        expect((await list({ types: ['consumer'] })).map(({ id }) => id)).toEqual(modern)
        expect(await list({ types: ['Classic', 'consumer'] })).toHaveLength(4 + modern.length)
      })
  })

  describe.each(versionsOf(line, 'DescribeGroups'))('DescribeGroups v%i', (version) => {
    async function describeGroup(group: string) {
      const body = encodeDescribeGroupsRequest(version, { groups: [group] })
      const address = await world.coordinatorOf(group)
      return decodeDescribeGroupsResponse(version, await world.ask('DescribeGroups', version, body, address)).groups[0]
    }

    it('says Dead, without an error, for a group that is not there', async () => {
      expect(await describeGroup('nobody')).toMatchObject({ error: 0, id: 'nobody', state: 'Dead', members: [] })
    })

    it('says Empty for a group that only committed', async () => {
      expect(await describeGroup('billing')).toMatchObject({ error: 0, state: 'Empty', protocolType: '', members: [] })
    })

    it('shows what each member was assigned', async () => {
      const group = await describeGroup('live')

      expect(group).toMatchObject({ error: 0, state: 'Stable', protocolType: 'consumer' })
      const [member] = group?.members ?? []
      const assigned = decodeConsumerAssignment(member?.assignment ?? Buffer.alloc(0))
      expect(assigned?.map(({ name, partitions }) => [name, [...partitions]])).toEqual([['bills', [0, 1]]])
    })
  })

  describe.each(versionsOf(line, 'OffsetFetch'))('OffsetFetch v%i', (version) => {
    async function fetch(address: string, groups: readonly OffsetFetchGroup[]): Promise<OffsetFetchResponse> {
      const body = encodeOffsetFetchRequest(version, { groups })
      return decodeOffsetFetchResponse(version, await world.ask('OffsetFetch', version, body, address), groups[0]?.id)
    }
    const bills = [{ name: 'bills', partitions: [0, 1] }]

    it('gives the commits of the partitions asked for, absent where there is none', async () => {
      const coordinator = await world.coordinatorOf(oddName)

      const answer = await fetch(coordinator, [{ id: oddName, topics: bills }])

      expect(rowsOf(answer)).toEqual([
        ['bills', 0, 'absent', 0],
        ['bills', 1, 0n, 0],
      ])
    })

    if (version >= 2)
      it('gives all commits of a group', async () => {
        const answer = await fetch(await world.coordinatorOf('billing'), [{ id: 'billing' }])

        expect(answer.groups[0]?.error).toBe(0)
        expect(rowsOf(answer).filter(([topic]) => topic === 'bills')).toEqual([
          ['bills', 0, 4n, 0],
          ['bills', 1, 2n ** 53n + 1n, 0],
        ])
      })

    if (version >= 2)
      it('gives nothing, without an error, for a group that is not there', async () => {
        const answer = await fetch(await world.coordinatorOf('nobody'), [{ id: 'nobody' }])

        expect(answer.groups).toMatchObject([{ id: 'nobody', error: 0, blocks: 0 }])
      })

    if (version >= 8)
      it('gives many groups in the order asked for, with an error for those of other coordinators', async () => {
        const ids = ['nobody', 'billing', '', 'live', oddName]
        const address = await world.coordinatorOf('billing')

        const answer = await fetch(
          address,
          ids.map((id) => ({ id })),
        )

        const expected = ids.map(async (id) => {
          const isTheirs = (await world.coordinatorOf(id)) !== address
          return [id, isTheirs ? errorCodes.NOT_COORDINATOR : 0]
        })
        expect(answer.groups.map(({ id, error }) => [id, error])).toEqual(await Promise.all(expected))
      })

    if (world.brokers > 1)
      it('is refused by a broker that does not coordinate the group', async () => {
        const coordinator = await world.coordinatorOf('billing')
        const other = kafka().bootstrap.find((address) => address !== coordinator) ?? ''

        const answer = await fetch(other, [{ id: 'billing', topics: bills }])

        const errors = version >= 2 ? [answer.groups[0]?.error] : [...answer.error]
        expect(new Set(errors)).toEqual(new Set([errorCodes.NOT_COORDINATOR]))
      })

    if (version === versionsOf(line, 'OffsetFetch').at(-1) && version >= 2)
      it('loses the commits of a topic that is deleted', async () => {
        await kafka().deleteTopic('doomed')

        await eventually('their end', async () => {
          const answer = await fetch(await world.coordinatorOf('billing'), [{ id: 'billing' }])
          return answer.topics.includes('doomed') ? undefined : true
        })
      })
  })
}

function rowsOf(answer: OffsetFetchResponse): (readonly [string, number, bigint | 'absent', number])[] {
  const rows: (readonly [string, number, bigint | 'absent', number])[] = []
  for (const [block, topic] of answer.blockTopic.entries())
    for (let row = answer.blockFirst[block]!; row < answer.blockFirst[block + 1]!; row++) {
      const offset = answer.absent[row] === 1 ? 'absent' : offsetAt(answer.offset, row)
      rows.push([answer.topics[topic] ?? '', answer.partition[row] ?? -1, offset, answer.error[row] ?? 0])
    }
  return rows.toSorted(([, one], [, other]) => one - other)
}

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return one.id < other.id ? -1 : 1
}
