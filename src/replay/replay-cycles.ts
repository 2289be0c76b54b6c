import { holdMs } from '../collect/cluster-collector.ts'
import { createJudgeKeeper } from '../collect/judge-keeper.ts'
import { createLostKeeper } from '../collect/lost-keeper.ts'
import { objectivesOf } from '../collect/objectives.ts'
import { createVanished } from '../collect/vanished.ts'
import { recreatedTopics } from '../lag/align.ts'
import { carryDenied, carryOver } from '../lag/carry.ts'
import { noLogMemory, rememberLogs } from '../lag/former-lives.ts'
import { type JoinInput, join } from '../lag/join.ts'
import { noStoresBefore, prefer } from '../lag/prefer.ts'
import { indexPrevious } from '../lag/previous.ts'
import { consumerTotals } from '../lag/totals.ts'
import { emptyCatalog } from '../model/catalog.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import { type Objective, objectivesBy } from '../model/objective.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Snapshot, SnapshotPart } from '../model/snapshot.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { InvariantError } from '../runtime/errors.ts'
import { silentLogger } from '../runtime/logger.ts'
import type { RecordedCycle, RecordingHead } from './recorded-cycle.ts'

export interface ReplayOptions {
  readonly head: Pick<RecordingHead, 'kafkaCluster' | 'intervalMs'>
  /** What a status is decided over, at least. */
  readonly windowMs: number
  readonly noPosition: (consumer: string) => NoPositionPolicy
  /** What is promised at a moment of the wall clock. */
  readonly objectives: (consumer: string, topic: string, wall: number) => readonly Objective[]
}

/** Makes snapshots of recorded cycles, in their order. */
export interface Replay {
  snapshot(cycle: RecordedCycle): Promise<Snapshot>
}

/**
 * What the collector makes of what it has read, made of what was read then: the same join, the same count of lost records,
 * the same judgement, by the clock of the recording.
 */
export function createReplay(options: ReplayOptions): Replay {
  const { head, noPosition } = options
  const { kafkaCluster, intervalMs } = head
  let moment = { takenAt: 0, wall: 0 }
  const clock: Clock = {
    monotonic: () => moment.takenAt,
    wall: () => moment.wall,
    sleep: () => Promise.reject(new InvariantError('Sleep: a recording has no time to wait in')),
  }
  const judge = createJudgeKeeper({ kafkaCluster, windowMs: options.windowMs, intervalMs, clock, logger: silentLogger })
  const lost = createLostKeeper({ kafkaCluster, clock, logger: silentLogger })
  const vanished = createVanished(clock)
  let stores = noStoresBefore
  let logMemory = noLogMemory
  let current: Snapshot | undefined

  async function snapshot(cycle: RecordedCycle): Promise<Snapshot> {
    moment = cycle
    const { catalog, starts, ends, fallen } = cycle
    const problems = cycle.sources.flatMap((source) => source.problems)
    const preferred = await runInTurns(prefer(cycle.sources, stores))
    stores = preferred.stores
    const seen = new Set(preferred.batches.flatMap(({ consumers }) => consumers.map(({ name }) => name)))
    logMemory = await runInTurns(rememberLogs(logMemory, catalog, ends))
    const previous = current && indexPrevious(current)
    const recreated = recreatedTopics(catalog, current?.catalog ?? emptyCatalog, fallen)
    const holdSince = cycle.startedAt - holdMs(intervalMs)
    const { former } = logMemory
    const input: JoinInput = { catalog, starts, ends, recreated, former, previous, holdSince, noPosition }
    function* batches(): Generator<PositionBatch> {
      yield* preferred.batches
      if (previous === undefined) return
      yield* carryOver(previous, problems, seen, cycle.startedAt)
      yield* carryDenied(previous, cycle.denied, preferred.batches, seen, cycle.startedAt)
    }
    const joined = await joinAll(batches(), input)
    const lostNow = await lost.count({ catalog, starts, previous, recreated, parts: joined })
    const promised = (consumer: string, topic: string) => options.objectives(consumer, topic, cycle.wall)
    const objectives = await objectivesOf(joined, promised)
    const by = await runInTurns(objectivesBy(objectives))
    const parts = await judge.judge({ catalog, starts, ends, recreated, parts: joined, noPosition, objectives: by })
    const gone = vanished.update(
      current,
      (name) => seen.has(name),
      () => true,
      problems,
    )
    const listed = preferred.batches.flatMap(({ consumers }) => consumers)
    current = {
      kafkaCluster,
      cycle: cycle.cycle,
      takenAt: cycle.takenAt,
      takenAtWall: cycle.wall,
      catalog,
      starts,
      ends,
      parts,
      consumers: consumerTotals(parts, listed, gone),
      objectives,
      problems: [...cycle.problems, ...problems],
      lost: lostNow,
    }
    return current
  }

  return { snapshot }
}

async function joinAll(batches: Iterable<PositionBatch>, input: JoinInput): Promise<readonly SnapshotPart[]> {
  const breathe = breather()
  const parts: SnapshotPart[] = []
  for (const batch of batches) {
    parts.push(join(batch, input))
    await breathe()
  }
  return parts
}
