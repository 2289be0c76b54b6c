import type { OldKafkaClient } from '../rigs/old-kafka-client.ts'
import type { RestingSize } from './resting-load.ts'

export interface OldLoad {
  readonly groups: readonly string[]
  readonly topics: readonly string[]
  /** Records for every partition, round after round, until it is stopped. */
  grow(): { rounds(): number; stop(): Promise<void> }
}

/** As `restingLoad`, for a broker before 0.10.2 of which each new topic has `size.partitions` by itself. */
export async function oldLoad(client: OldKafkaClient, size: RestingSize): Promise<OldLoad> {
  const topics = Array.from({ length: size.topics }, (_, index) => `old-${index}`)
  const groups = Array.from({ length: size.groups }, (_, index) => `was-${index}`)
  const places = topics.flatMap((topic, index) =>
    Array.from({ length: size.partitions }, (_, partition) => ({
      topic,
      partition,
      count: (index * 7 + partition * 3) % 23,
    })),
  )
  await client.createTopics(topics)
  await client.produceMany(places.filter(({ count }) => count > 0))
  for (const [number, group] of groups.entries())
    await client.commit(
      group,
      places.map(({ topic, partition, count }) => ({
        topic,
        partition,
        offset: BigInt(Math.floor((count * ((number + partition) % 5)) / 4)),
      })),
    )
  return {
    topics,
    groups,
    grow: () => {
      let grows = true
      let rounds = 0
      const running = (async () => {
        while (grows) {
          await client.produceMany(places.map((place) => ({ ...place, count: 1 })))
          rounds++
        }
      })()
      // Whoever stops it hears of a failure; until then nobody listens.
      running.catch(() => undefined)
      return {
        rounds: () => rounds,
        stop: async () => {
          grows = false
          await running
        },
      }
    },
  }
}
