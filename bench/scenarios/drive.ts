import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKafkaCluster, type KafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../../test/fakes/zookeeper.ts'
import { type CompressedClock, createCompressedClock } from './compressed-clock.ts'
import { type CompressedDaemon, startCompressedDaemon } from './compressed-daemon.ts'
import { type RecordedSeries, recordSeries } from './recorded-series.ts'
import type { Scenario } from './scenario.ts'
import { settle } from './settle.ts'
import { createWorld } from './world.ts'

export const STEP_SECONDS = 15
/** A scrape comes so long after a cycle may begin. */
const SCRAPE_AFTER_SECONDS = 5
const WALL_START = Date.UTC(2030, 0, 7)
const BROKERS = 3

/** Something that happens to the cluster; a scrape of the same step comes after it. */
export interface Event {
  /** A multiple of 15 s. */
  readonly at: number
  readonly act: (cluster: KafkaCluster) => void | Promise<void>
}

export interface RunPlan {
  readonly scenarios: readonly Scenario[]
  readonly seconds: number
  readonly events?: readonly Event[]
  /** Registrations are kept in a ZooKeeper that is down for a while. */
  readonly zookeeper?: { readonly downFrom: number; readonly downTo: number }
  /** The daemon is not there in between. */
  readonly outage?: { readonly from: number; readonly to: number }
  /** Nothing keeps the daemon from reading its cluster. */
  readonly isUndisturbed?: boolean
  /** Names of the metrics to record. */
  readonly names: ReadonlySet<string>
}

/** Runs the daemon through the hours of a plan, and records what Prometheus would have scraped every 15 s. */
export async function driveRun(plan: RunPlan): Promise<{ readonly recorded: RecordedSeries; readonly steps: number }> {
  const storage = await mkdtemp(join(tmpdir(), 'lagkeeper-scenario-'))
  await using cluster = await createKafkaCluster({ brokers: BROKERS })
  await using zookeeper = plan.zookeeper && (await startFakeZookeeper())
  const world = createWorld(cluster, plan.scenarios, plan.seconds, WALL_START)
  const clock = createCompressedClock({
    wallStart: WALL_START,
    onMove: (nowMs) => world.advanceTo(Math.floor(nowMs / 1_000)),
    settle: () => settle(() => cluster.requests.total() + (zookeeper?.requests.length ?? 0)),
  })
  const recorded = recordSeries({
    names: plan.names,
    stepSeconds: STEP_SECONDS,
    epoch: WALL_START / 1_000 + SCRAPE_AFTER_SECONDS,
  })
  const steps = Math.floor(plan.seconds / STEP_SECONDS)
  const start = (): Promise<CompressedDaemon> =>
    startCompressedDaemon({
      bootstrap: cluster.bootstrap,
      objectives: objectivesOf(plan.scenarios),
      storage,
      ...(zookeeper && { zookeeper: zookeeper.connect }),
      clock,
    })
  let daemon: CompressedDaemon | undefined
  try {
    for (let step = 0; step < steps; step++) {
      const second = step * STEP_SECONDS
      for (const { at, act } of plan.events ?? [])
        if (at >= second && at < second + STEP_SECONDS) {
          await clock.advanceTo(at * 1_000)
          await act(cluster)
        }
      setZookeeper(zookeeper, plan.zookeeper, second)
      const isOut = plan.outage !== undefined && second >= plan.outage.from && second < plan.outage.to
      if (isOut && daemon !== undefined) {
        await daemon.stop()
        daemon = undefined
      } else if (!isOut) daemon ??= await start()
      await clock.advanceTo((second + SCRAPE_AFTER_SECONDS) * 1_000)
      recorded.scrape(await daemon?.scrape())
      // Time must not have gone on while a cycle was under way.
      if (plan.isUndisturbed === true && recorded.lastSuccess('kafka') !== second)
        throw new Error(
          `Drive scenarios: no cycle was complete at second ${second}, expected one every ${STEP_SECONDS} s`,
        )
    }
  } finally {
    await stopWith(clock, daemon)
    await rm(storage, { recursive: true, force: true })
  }
  return { recorded, steps }
}

/** One that is down answers nobody: connections end, and new ones get no word. */
function setZookeeper(zookeeper: FakeZookeeper | undefined, plan: RunPlan['zookeeper'], second: number): void {
  if (zookeeper === undefined || plan === undefined) return
  if (second === plan.downFrom) {
    zookeeper.freeze()
    zookeeper.dropConnections()
  } else if (second === plan.downTo) zookeeper.thaw()
}

/** Whoever sleeps on the way out has its time. */
async function stopWith(clock: CompressedClock, daemon: CompressedDaemon | undefined): Promise<void> {
  let isDone = false
  const stopped = (daemon?.stop() ?? Promise.resolve()).finally(() => {
    isDone = true
  })
  for (let seconds = 1; !isDone && seconds <= 60; seconds++) await clock.advanceTo(clock.monotonic() + 1_000)
  await stopped
}

function objectivesOf(scenarios: readonly Scenario[]): readonly unknown[] {
  return scenarios.flatMap(({ id, objectiveSeconds }) =>
    objectiveSeconds === undefined
      ? []
      : [{ consumer: id, topic: id, seconds: objectiveSeconds, owner: 'streaming', severity: 'critical' }],
  )
}
