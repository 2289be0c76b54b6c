import type { GroupPosition, RigClient } from '../rigs/rig-client.ts'

export interface MovingLoad {
  readonly groups: readonly string[]
  /** Rounds of records and commits so far. */
  rounds(): number
  /** Stands still afterwards. @throws Error when a round failed */
  stop(): Promise<void>
}

const TOPICS = 5
const PARTITIONS = 20
const GROUPS = 10

/**
 * 1,000 group-partitions that never stand still: round after round each partition gets records, and each group commits
 * a little further. Nothing goes back, so that what was true before and after a reading bounds what it may say.
 */
export async function movingLoad(rig: RigClient): Promise<MovingLoad> {
  const topics = Array.from({ length: TOPICS }, (_, index) => `moving-${index}`)
  const groups = Array.from({ length: GROUPS }, (_, index) => `moves-${index}`)
  const logs = topics.flatMap((topic) => Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })))
  const ends = logs.map(() => 0)
  let rounds = 0

  async function round(): Promise<void> {
    const batches = logs.map((log, index) => ({ ...log, count: 1 + ((rounds + index) % 3) }))
    await rig.produceMany(batches)
    for (const [index, { count }] of batches.entries()) ends[index]! += count
    await rig.commitMany(
      groups.flatMap((group, number) =>
        logs.map(({ topic, partition }, index): GroupPosition => {
          const offset = BigInt(Math.floor((ends[index]! * (number + 1)) / GROUPS))
          return { group, topic, partition, offset }
        }),
      ),
    )
    rounds++
  }

  await rig.createTopics(topics.map((name) => ({ name, partitions: PARTITIONS })))
  await round()
  let moves = true
  const running = (async () => {
    while (moves) await round()
  })()
  // Whoever stops it hears of a failure; until then nobody listens.
  running.catch(() => undefined)
  return {
    groups,
    rounds: () => rounds,
    stop: async () => {
      moves = false
      await running
    },
  }
}
