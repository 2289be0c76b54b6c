import type { Status } from '../model/judgement.ts'
import type { Objective } from '../model/objective.ts'
import type { Floor, Rise } from './floors.ts'

/** What the status of a consumer on a topic is decided by. Times are milliseconds; monotonic where they are moments. */
export interface StatusFacts {
  readonly now: number
  /** What is judged: at least three times as long as the consumer takes from one commit to the next. */
  readonly windowMs: number
  /** Partitions with lag whose position has not moved within the window. */
  readonly standing: Standing | undefined
  /** The consumer has moved on this topic since it is watched. */
  readonly hasMoved: boolean
  /** It has moved on another topic within the window. */
  readonly movesElsewhere: boolean
  /** When it was last set back; NaN when it never was. */
  readonly rewoundAt: number
  /** Live members of the group, when they were last known; undefined when they never were. */
  readonly members: number | undefined
  readonly hadMembers: boolean
  /** A job's consumer: its reporters, or its commits, show what it reads. */
  readonly isJob: boolean
  /** Undefined when not known. */
  readonly isJobRunning: boolean | undefined
  /** The least of its lag from one commit to the next; undefined while it is not known. */
  readonly floor: Floor | undefined
  /** How the floor rose throughout the window; undefined when it did not. */
  readonly rise: Rise | undefined
  /** A position lies below the log start. */
  readonly isLosing: boolean
  /** Seconds that the time lag is at least. */
  readonly timeLagAtLeast: number
  /** Records; absent when not known. */
  readonly lag: number | undefined
  readonly objectives: readonly Objective[]
}

export interface Standing {
  readonly partitions: number
  /** Records in these partitions. */
  readonly lag: number
  /** How long the one that has stood longest has. */
  readonly longestMs: number
  /** Records that arrived in them within the window. */
  readonly arrived: number
  /** One of them had moved before, and stopped with more left than the marker of a transaction. */
  readonly hasStoppedShort: boolean
}

export interface StatusVerdict {
  readonly status: Status
  readonly why?: string
}

export const ok: StatusVerdict = { status: 'ok' }

/** The status of a consumer on one topic; the worst that holds. */
export function statusOf(facts: StatusFacts): StatusVerdict {
  return (
    notReading(facts) ??
    rewound(facts) ??
    overFloor(facts) ??
    orphan(facts) ??
    losing(facts) ??
    rising(facts) ??
    unknown(facts) ??
    ok
  )
}

function notReading(facts: StatusFacts): StatusVerdict | undefined {
  const { standing, members, hadMembers, isJobRunning } = facts
  if (standing === undefined || isOrphan(facts)) return undefined
  // One record left in each partition may be the end of a transaction, which nobody reads.
  const over =
    standing.lag > standing.partitions
      ? overObjective(facts, { lag: facts.lag, timeLag: facts.timeLagAtLeast })
      : undefined
  if (standing.arrived === 0 && !standing.hasStoppedShort && over === undefined) return undefined
  const stands = `${count(standing.partitions, 'partition')} with ${count(standing.lag, 'record')} left, unmoved for ${seconds(standing.longestMs / 1_000)}`
  const came = standing.arrived > 0 ? `, while ${count(standing.arrived, 'record')} arrived` : ''
  if (isJobRunning === false) return { status: 'stopped', why: `${stands}${came}; the job does not run` }
  if (members === 0 && hadMembers) return { status: 'stopped', why: `${stands}${came}; the group has no members left` }
  return { status: 'stalled', why: `${stands}${came}` }
}

/**
 * Commits that nobody has come back to since they are watched: nobody knows whether somebody should. Either the group has
 * had no members; or it reads other topics and left this one.
 */
function isOrphan({ hasMoved, hadMembers, movesElsewhere, isJob }: StatusFacts): boolean {
  return !hasMoved && !isJob && (movesElsewhere || !hadMembers)
}

function orphan(facts: StatusFacts): StatusVerdict | undefined {
  if (facts.standing === undefined || !isOrphan(facts)) return undefined
  return { status: 'unknown', why: 'positions that nobody has moved since they are watched' }
}

function rewound({ now, windowMs, rewoundAt }: StatusFacts): StatusVerdict | undefined {
  if (!(now - rewoundAt < windowMs)) return undefined
  return { status: 'rewound', why: `positions were set back ${seconds((now - rewoundAt) / 1_000)} ago` }
}

function overFloor(facts: StatusFacts): StatusVerdict | undefined {
  // What the floor was before the lag became unknown says nothing about now.
  const floor = facts.lag === undefined || facts.lag === 0 ? undefined : facts.floor
  const over = floor && overObjective(facts, floor)
  return over === undefined ? undefined : { status: 'lagging', why: over }
}

function losing({ isLosing }: StatusFacts): StatusVerdict | undefined {
  return isLosing ? { status: 'lagging', why: 'records were deleted before it read them' } : undefined
}

/** Where nothing is promised. */
function rising({ lag, rise, objectives }: StatusFacts): StatusVerdict | undefined {
  if (rise === undefined || lag === undefined || lag === 0 || objectives.length > 0) return undefined
  const { records, overMs } = rise
  return { status: 'lagging', why: `its least lag rose by ${count(records, 'record')} in ${seconds(overMs / 1_000)}` }
}

function unknown({ lag }: StatusFacts): StatusVerdict | undefined {
  return lag === undefined ? { status: 'unknown', why: 'the lag is not known' } : undefined
}

/** What is promised and not kept. */
function overObjective(
  { objectives }: StatusFacts,
  { lag, timeLag }: { readonly lag?: number | undefined; readonly timeLag?: number | undefined },
): string | undefined {
  for (const { owner, seconds: mostSeconds, records: mostRecords } of objectives) {
    if (mostSeconds !== undefined && timeLag !== undefined && timeLag > mostSeconds)
      return `${seconds(timeLag)} behind, ${owner} promised ${seconds(mostSeconds)}`
    if (mostRecords !== undefined && lag !== undefined && lag > mostRecords)
      return `${count(lag, 'record')} behind, ${owner} promised ${count(mostRecords, 'record')}`
  }
  return undefined
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}

function seconds(value: number): string {
  return `${Math.round(value)} s`
}
