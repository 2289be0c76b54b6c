import type { GroupPosition, RigClient } from '../test/rigs/rig-client.ts'

export interface CostSize {
  readonly topics: number
  readonly partitions: number
  readonly groups: number
  /** Commits of each group. */
  readonly commits: number
}

export const sizes: Readonly<Record<string, CostSize>> = {
  S: { topics: 200, partitions: 10, groups: 200, commits: 20 },
  M: { topics: 1_000, partitions: 6, groups: 1_000, commits: 50 },
}

/** Topics with 5 to 24 records in each partition, and groups without members whose commits lie anywhere in them. */
export async function fillForCost(rig: RigClient, size: CostSize): Promise<readonly string[]> {
  const names = Array.from({ length: size.topics }, (_, index) => `topic-${String(index).padStart(4, '0')}`)
  for (let from = 0; from < names.length; from += 200)
    await rig.createTopics(names.slice(from, from + 200).map((name) => ({ name, partitions: size.partitions })))
  await rig.produceMany(
    names.flatMap((topic, index) =>
      Array.from({ length: size.partitions }, (_, partition) => ({
        topic,
        partition,
        count: records(index, partition),
      })),
    ),
  )
  const commits: GroupPosition[] = []
  const groups = Array.from({ length: size.groups }, (_, index) => `group-${String(index).padStart(4, '0')}`)
  for (const [index, group] of groups.entries())
    for (let commit = 0; commit < size.commits; commit++) {
      const nth = (index * size.commits + commit) % (size.topics * size.partitions)
      const topic = Math.floor(nth / size.partitions)
      const partition = nth % size.partitions
      const offset = BigInt((index + commit) % records(topic, partition))
      commits.push({ group, topic: names[topic] ?? '', partition, offset })
    }
  await rig.commitMany(commits)
  return groups
}

function records(topic: number, partition: number): number {
  return 5 + ((topic * 7 + partition) % 20)
}
