import type { TopicJudgement } from '../model/judgement.ts'
import type { TimeLag } from '../model/time-lag.ts'
import type { Rates } from './block-samples.ts'
import type { BlockScan } from './block-scan.ts'
import { riseOf } from './floors.ts'
import { drainOf, outlookOf } from './headroom.ts'
import type { Movement } from './movement.ts'
import { sameJudgement } from './same-judgement.ts'
import type { StatusVerdict } from './status.ts'
import { uncertaintyOf } from './time-lags.ts'

type Draft = { -readonly [Field in keyof TopicJudgement]: TopicJudgement[Field] }

export interface JudgementFacts {
  readonly scan: BlockScan
  readonly movement: Movement
  readonly verdict: StatusVerdict
  readonly lag: number | undefined
  readonly rates: Rates | undefined
  /** Milliseconds of the monotonic clock and the wall clock, now. */
  readonly now: number
  readonly wall: number
}

/** What is thought of a consumer on a topic, from what was found; the object of the last cycle when it says the same. */
export function topicJudgement({ scan, movement, verdict, lag, rates, now, wall }: JudgementFacts): TopicJudgement {
  const { told, movedAt } = movement
  const { stepMs: step } = movement
  const headroom = Number.isFinite(scan.headroomSeconds) ? scan.headroomSeconds : undefined
  const judgement: Draft = {
    status: verdict.status,
    since: keptMoment(told?.since, wall - (now - movement.statusSince)),
    outlook: outlookOf({ lag, isRising: riseOf(movement.floors) !== undefined, rates, headroomSeconds: headroom }),
    rewinds: movement.rewinds,
  }
  if (verdict.why !== undefined) judgement.why = verdict.why
  if (scan.isTimed) judgement.timeLag = timeLagOf(scan)
  if (scan.event !== undefined && scan.guess > 0) judgement.eventTimeLag = scan.event / 1_000
  if (rates !== undefined) {
    judgement.produceRate = rates.produce
    judgement.consumeRate = rates.consume
  }
  const drain = drainOf({ lag, rates })
  if (drain !== undefined) judgement.drain = drain
  if (Number.isFinite(scan.headroomRecords)) judgement.headroomRecords = scan.headroomRecords
  if (headroom !== undefined) judgement.headroomSeconds = headroom
  if (movedAt !== undefined) judgement.positionChangedAt = keptMoment(told?.positionChangedAt, wall - (now - movedAt))
  if (step !== undefined) judgement.commitInterval = step
  return told !== undefined && sameJudgement(told, judgement) ? told : judgement
}

/** Most have none: one object for all of them. */
const noTimeLag: TimeLag = { seconds: 0, uncertainty: 0, source: 'log_ends' }

function timeLagOf(scan: BlockScan): TimeLag {
  if (scan.most === 0) return noTimeLag
  return { seconds: scan.guess / 1_000, uncertainty: uncertaintyOf(scan), source: scan.source }
}

/** The wall clock is set now and then: a moment that is told once stays as it was told, to the second. */
function keptMoment(told: number | undefined, moment: number): number {
  return told !== undefined && Math.abs(told - moment) < 1_000 ? told : Math.round(moment)
}
