import type { GroupPosition, RigClient, TopicSpec } from '../rigs/rig-client.ts'
import type { AssignedPartition } from './judge.ts'

/** Group ids that break tools: quotes, newline, backslash, NUL, empty, what looks like a series, other scripts. */
const oddGroups: readonly string[] = [
  'with "quotes"',
  "with 'single' quotes",
  'new\nline',
  'carriage\r\nreturn',
  'back\\slash\\',
  'tab\there',
  'nul\u0000byte',
  '',
  ' blanks  ',
  '{a="b"} 1',
  ',topic:plain',
  'группа-消费者',
  'emoji-🎛',
  'x'.repeat(200),
]

/** What a broker must have for parts of the load; without it they are left out. */
interface EdgeFeatures {
  /** From 0.11. */
  readonly deleteRecords: boolean
  /** From 0.11. */
  readonly transactions: boolean
}

export interface EdgeLoad {
  readonly groups: readonly string[]
  /** Groups with a live member. */
  readonly live: readonly string[]
  /** What their members have, without a commit on any of it. */
  readonly assigned: readonly AssignedPartition[]
  /** Ends what stays open: members and a transaction. */
  close(): Promise<void>
}

/**
 * The load on which lag exporters go wrong: 200 topics, a dozen groups of every kind of trouble, commits below the
 * start and past the end, odd group ids, empty partitions, members without a commit, ended and open transactions, a
 * topic deleted and one recreated.
 */
export async function edgeLoad(
  rig: RigClient,
  features: EdgeFeatures = { deleteRecords: true, transactions: true },
): Promise<EdgeLoad> {
  const topics: TopicSpec[] = Array.from({ length: 200 }, (_, index) => ({
    name: `t${index}`,
    partitions: 1 + (index % 4),
  }))
  await rig.createTopics([
    ...topics,
    { name: 'orders', partitions: 4 },
    { name: 'empty', partitions: 3 },
    { name: 'trimmed', partitions: 2 },
    { name: 'transactions', partitions: 3 },
    { name: 'doomed', partitions: 2 },
    { name: 'reborn', partitions: 2 },
    { name: 'dots.and_underscores-', partitions: 1 },
  ])
  await rig.produceMany([
    ...topics.flatMap(({ name, partitions = 1 }, index) =>
      Array.from({ length: partitions }, (_, partition) => ({
        topic: name,
        partition,
        count: (index * 7 + partition * 3) % 41,
      })).filter(({ count }) => count > 0),
    ),
    ...[100, 50, 7].map((count, partition) => ({ topic: 'orders', partition, count })),
    ...[80, 80].map((count, partition) => ({ topic: 'trimmed', partition, count })),
    ...[20, 20].map((count, partition) => ({ topic: 'doomed', partition, count })),
    ...[60, 60].map((count, partition) => ({ topic: 'reborn', partition, count })),
    { topic: 'dots.and_underscores-', partition: 0, count: 9 },
  ])
  if (features.transactions) {
    await rig.transact('transactions', 0, 5, 'commit')
    await rig.transact('transactions', 1, 5, 'abort')
  }
  await rig.produce('transactions', 1, 4)

  const positions: GroupPosition[] = []
  const commit = (group: string, topic: string, partition: number, offset: number): void => {
    positions.push({ group, topic, partition, offset: BigInt(offset) })
  }
  for (let group = 0; group < 10; group++)
    for (let index = group; index < 200; index += 1 + group)
      for (let partition = 0; partition < 1 + (index % 4); partition++) {
        const count = (index * 7 + partition * 3) % 41
        commit(`wide-${group}`, `t${index}`, partition, Math.floor((count * ((group + partition) % 5)) / 4))
      }
  for (const group of oddGroups) commit(group, 'orders', 0, 57)
  commit('beyond', 'orders', 0, 190)
  commit('beyond', 'orders', 3, 5)
  commit('beyond', 'orders', 2, 3)
  commit('below', 'trimmed', 0, 20)
  commit('below', 'trimmed', 1, 70)
  commit('nothing-there', 'empty', 0, 0)
  commit('marker', 'transactions', 0, 5)
  commit('marker', 'transactions', 1, 6)
  commit('marker', 'transactions', 2, 0)
  commit('half', 'orders', 1, 50)
  commit('of-the-doomed', 'doomed', 0, 3)
  commit('of-the-doomed', 'orders', 2, 1)
  commit('of-the-reborn', 'reborn', 1, 2)
  commit('dots', 'dots.and_underscores-', 0, 4)
  await rig.commitMany(positions)

  if (features.deleteRecords) {
    await rig.deleteRecords('trimmed', 0, 60n)
    await rig.deleteRecords('trimmed', 1, 60n)
  }
  await rig.deleteTopics(['doomed', 'reborn'])
  await recreate(rig, { name: 'reborn', partitions: 2 })
  await rig.produce('reborn', 1, 5)
  await rig.commit('of-the-reborn', [{ topic: 'reborn', partition: 1, offset: 40n }])
  const open = features.transactions ? await rig.openTransaction('transactions', 2, 4) : undefined
  const member = await rig.hold({ protocol: 'classic', group: 'live', topic: 'orders' })
  return {
    groups: [...new Set(positions.map(({ group }) => group)), 'live'],
    live: ['live'],
    assigned: [0, 1, 2, 3].map((partition) => ({ group: 'live', topic: 'orders', partition })),
    close: async () => {
      await member.release()
      await open?.end('abort')
    },
  }
}

/** Old brokers delete in the background: the name is free only some time after they said yes. */
async function recreate(rig: RigClient, topic: TopicSpec): Promise<void> {
  const givenUpAt = Date.now() + 30_000
  for (;;) {
    try {
      return await rig.createTopics([topic])
    } catch (error) {
      if (Date.now() > givenUpAt) throw error
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
  }
}
