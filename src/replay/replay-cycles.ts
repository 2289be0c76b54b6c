import { createJudgeKeeper } from '../collect/judge-keeper.ts'
import { createLostKeeper } from '../collect/lost-keeper.ts'
import { createSnapshotMaker } from '../collect/snapshot-maker.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import type { Objective } from '../model/objective.ts'
import type { Snapshot } from '../model/snapshot.ts'
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
  const maker = createSnapshotMaker({
    kafkaCluster,
    intervalMs,
    noPosition,
    objectives: (consumer, topic) => options.objectives(consumer, topic, moment.wall),
    lost: createLostKeeper({ kafkaCluster, clock, logger: silentLogger }),
    judge: createJudgeKeeper({ kafkaCluster, windowMs: options.windowMs, intervalMs, clock, logger: silentLogger }),
    clock,
  })
  const never = new AbortController().signal

  return {
    snapshot: (cycle) => {
      moment = cycle
      return maker.make(cycle.cycle, cycle, () => cycle.problems, never)
    },
  }
}
