import { createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { createJudgeKeeper } from '../../src/collect/judge-keeper.ts'
import { createLostKeeper } from '../../src/collect/lost-keeper.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import type { CycleRead } from '../../src/collect/snapshot-maker.ts'
import { render } from '../../src/exposition/render.ts'
import { createKafkaCluster as connect } from '../../src/kafka/cluster.ts'
import type { Objective } from '../../src/model/objective.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { createRecording } from '../../src/replay/write-recording.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'

const INTERVAL_MS = 15_000
export const WINDOW_MS = 600_000
const startedAt = Date.UTC(2026, 0, 15, 20)

export interface World {
  /** A file that is not there yet. */
  readonly file: string
  readonly cycles: number
  readonly objectives?: (consumer: string, topic: string) => readonly Objective[]
  readonly prepare: (broker: Simulated) => void
  /** What has happened before a cycle, the first being 0. */
  readonly live: (broker: Simulated, cycle: number) => void
}

/**
 * Watches a simulated cluster as the daemon does, cycles 15 s apart, and records it.
 *
 * @returns the page of each cycle, and the bytes of the file
 */
export async function recordWorld(
  world: World,
): Promise<{ readonly pages: readonly string[]; readonly bytes: number }> {
  let now = 1_000.25
  const clock = { ...systemClock, monotonic: () => now, wall: () => Math.round(startedAt + now - 1_000.25) }
  const broker = await simulate({ brokers: 2, version: '4.3' })
  const cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 2_000, clock })
  world.prepare(broker)
  const keeper = { kafkaCluster: 'sim', clock, logger: silentLogger }
  let read: CycleRead | undefined
  const collector = createClusterCollector({
    kafkaCluster: 'sim',
    cluster,
    sources: [createKafkaGroups({ cluster, clock, keepConsumer: () => true, keepTopic: () => true })],
    keepTopic: () => true,
    intervalMs: INTERVAL_MS,
    noPosition: () => 'ignore',
    objectives: world.objectives ?? (() => []),
    lost: createLostKeeper(keeper),
    judge: createJudgeKeeper({ ...keeper, windowMs: WINDOW_MS, intervalMs: INTERVAL_MS }),
    onRead: (one) => {
      read = one
    },
    clock,
    observer: silentObserver,
  })
  const head = { kafkaCluster: 'sim', intervalMs: INTERVAL_MS, startedAt, recordedBy: '0.0.0' }
  const recording = await createRecording(world.file, head, now)
  const pages: string[] = []
  try {
    for (let cycle = 0; cycle < world.cycles; cycle++) {
      world.live(broker, cycle)
      const snapshot = await collector.cycle(new AbortController().signal)
      await recording.add({ ...read!, cycle: cycle + 1, takenAt: now, wall: clock.wall(), problems: [] })
      pages.push(pageOf(snapshot))
      now += INTERVAL_MS
    }
  } finally {
    await recording.close()
    cluster.close()
    await broker[Symbol.asyncDispose]()
  }
  return { pages, bytes: recording.bytes() }
}

export function pageOf(snapshot: Snapshot): string {
  return Buffer.concat([...render([snapshot])]).toString('utf8')
}
