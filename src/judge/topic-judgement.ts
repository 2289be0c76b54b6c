import { outlooks, statuses } from '../model/judgement.ts'
import { type JudgementColumns, NUMBERS, places } from '../model/judgements.ts'
import { timeLagSources } from '../model/time-lag.ts'
import type { Rates } from './block-samples.ts'
import type { BlockScan } from './block-scan.ts'
import type { Rise } from './floors.ts'
import { drainOf, outlookOf } from './headroom.ts'
import type { Movement } from './movement.ts'
import type { StatusVerdict } from './status.ts'
import { uncertaintyOf } from './time-lags.ts'

export interface JudgementFacts {
  readonly scan: BlockScan
  readonly movement: Movement
  readonly verdict: StatusVerdict
  readonly lag: number | undefined
  readonly rates: Rates | undefined
  readonly rise: Rise | undefined
  /** Milliseconds of the monotonic clock and the wall clock, now. */
  readonly now: number
  readonly wall: number
}

/** Writes what is thought of a consumer on a topic, from what was found. */
export function writeJudgement(to: JudgementColumns, block: number, facts: JudgementFacts): void {
  const { scan, movement, verdict, lag, rates, rise, now, wall } = facts
  const headroom = Number.isFinite(scan.headroomSeconds) ? scan.headroomSeconds : undefined
  const outlook = outlookOf({ lag, isRising: rise !== undefined, rates, headroomSeconds: headroom })
  movement.saidSince = keptMoment(movement.saidSince, wall - (now - movement.statusSince))
  if (movement.hasMoved) movement.saidMovedAt = keptMoment(movement.saidMovedAt, wall - (now - movement.movedAt))
  to.status[block] = statuses.indexOf(verdict.status)
  to.outlook[block] = outlooks.indexOf(outlook)
  to.source[block] = scan.isTimed && scan.most > 0 ? timeLagSources.indexOf(scan.source) : 0
  if (verdict.why === undefined) to.why.delete(block)
  else to.why.set(block, verdict.why)
  const { numbers } = to
  const at = block * NUMBERS
  numbers[at + places.since] = movement.saidSince
  numbers[at + places.timeLag] = scan.isTimed ? scan.guess / 1_000 : Number.NaN
  numbers[at + places.uncertainty] = scan.isTimed ? uncertaintyOf(scan) : Number.NaN
  numbers[at + places.eventTimeLag] = scan.event !== undefined && scan.guess > 0 ? scan.event / 1_000 : Number.NaN
  numbers[at + places.produceRate] = rates?.produce ?? Number.NaN
  numbers[at + places.consumeRate] = rates?.consume ?? Number.NaN
  numbers[at + places.drain] = drainOf({ lag, rates }) ?? Number.NaN
  numbers[at + places.headroomRecords] = Number.isFinite(scan.headroomRecords) ? scan.headroomRecords : Number.NaN
  numbers[at + places.headroomSeconds] = headroom ?? Number.NaN
  numbers[at + places.positionChangedAt] = movement.saidMovedAt
  numbers[at + places.commitInterval] = movement.stepMs ?? Number.NaN
  numbers[at + places.rewinds] = movement.rewinds
}

/** The wall clock is set now and then: a moment that is told once stays as it was told, to the second. */
function keptMoment(said: number, moment: number): number {
  return Math.abs(said - moment) < 1_000 ? said : Math.round(moment)
}
