import type { GroupPosition, RigClient } from '../rigs/rig-client.ts'

export interface RestingSize {
  readonly topics: number
  readonly partitions: number
  readonly groups: number
  /** Of each topic; default 1. */
  readonly replicas?: number
}

export interface RestingLoad {
  /** Ordinary names, so that the group tool can be read too. */
  readonly groups: readonly string[]
  readonly topics: readonly string[]
}

/** Topics of one createTopics request, which has a minute. */
const TOPICS_AT_ONCE = 10

/**
 * Many partitions and every group with a commit on each of them, and then nothing moves: all of it can be compared.
 * Logs hold 0 to 22 records, some begin later than at 0 (where the broker can delete records), and positions lie at
 * the start, at the end and between.
 *
 * @param canDelete whether the broker has DeleteRecords (0.11)
 */
export async function restingLoad(rig: RigClient, size: RestingSize, canDelete: boolean): Promise<RestingLoad> {
  const topics = Array.from({ length: size.topics }, (_, index) => `resting-${index}`)
  const groups = Array.from({ length: size.groups }, (_, index) => `rests-${index}`)
  const places = topics.flatMap((topic, index) =>
    Array.from({ length: size.partitions }, (_, partition) => ({
      topic,
      partition,
      count: (index * 7 + partition * 3) % 23,
    })),
  )
  for (let from = 0; from < topics.length; from += TOPICS_AT_ONCE)
    await rig.createTopics(
      topics
        .slice(from, from + TOPICS_AT_ONCE)
        .map((name) => ({ name, partitions: size.partitions, replicas: size.replicas ?? 1 })),
    )
  await rig.produceMany(places.filter(({ count }) => count > 0))
  if (canDelete)
    for (const { topic, partition, count } of places.filter((_, index) => index % 50 === 7))
      if (count > 1) await rig.deleteRecords(topic, partition, BigInt(count >> 1))
  await rig.commitMany(
    groups.flatMap((group, number) =>
      places.map(
        ({ topic, partition, count }): GroupPosition => ({
          group,
          topic,
          partition,
          offset: BigInt(Math.floor((count * ((number + partition) % 5)) / 4)),
        }),
      ),
    ),
  )
  return { groups, topics }
}
