import type { Status } from '../model/judgement.ts'
import { judgementAt, statusAt } from '../model/judgements.ts'
import type { Objective } from '../model/objective.ts'
import type { Snapshot, SnapshotPart } from '../model/snapshot.ts'

/** `gone`: the consumer has no positions on the topic any more. */
export type Standing = Status | 'gone'

interface StatusChange {
  /** Milliseconds of the wall clock. */
  readonly at: number
  readonly status: Standing
  readonly why?: string
}

/** How a consumer did on a topic. The first change is the status that it began with. */
interface ConsumerTimeline {
  readonly consumer: string
  readonly topic: string
  readonly changes: readonly StatusChange[]
  readonly minutes: ReadonlyMap<Standing, number>
}

/** A stretch of the wall clock, in milliseconds. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** How often a promise was broken, by the numbers themselves: without the patience that alert rules have. */
export interface ObjectiveTimeline {
  readonly objective: Pick<Objective, 'consumer' | 'topic' | 'owner' | 'severity'>
  readonly broken: readonly Stretch[]
}

export interface Timeline {
  /** The snapshots in their order. Yields now and then. */
  take(snapshot: Snapshot): Generator<void>
  consumers(): readonly ConsumerTimeline[]
  objectives(): readonly ObjectiveTimeline[]
}

interface Watched {
  readonly consumer: string
  readonly topic: string
  readonly changes: StatusChange[]
  readonly minutes: Map<Standing, number>
}

interface Promised {
  readonly objective: ObjectiveTimeline['objective']
  readonly broken: { from: number; to: number }[]
  isBroken: boolean
}

/** @param intervalMs from cycle to cycle: what was not recorded for longer counts for nothing */
export function createTimeline(intervalMs: number): Timeline {
  const watched = new Map<string, Watched>()
  const promises = new Map<string, Promised>()
  let lastAt: number | undefined

  return {
    take: function* (snapshot) {
      const at = snapshot.takenAtWall
      const passed = Math.min(Math.max(0, at - (lastAt ?? at)), 2 * intervalMs)
      for (const one of watched.values()) {
        const { status } = one.changes.at(-1)!
        one.minutes.set(status, (one.minutes.get(status) ?? 0) + passed / 60_000)
      }
      yield* takeStatuses(snapshot, at)
      yield* takeObjectives(snapshot, at, passed)
      lastAt = at
    },
    consumers: () => [...watched.values()].sort(byName),
    objectives: () => [...promises.values()].sort((a, b) => byName(a.objective, b.objective)),
  }

  function* takeStatuses({ parts }: Snapshot, at: number): Generator<void> {
    const step = every(PER_STEP)
    const seen = new Set<Watched>()
    for (const part of parts)
      for (let block = 0; part.judgements !== undefined && block < part.judgements.status.length; block++) {
        if (step()) yield
        const one = watch(...namesOf(part, block))
        const { changes } = one
        const [status, why] = [statusAt(part.judgements, block), part.judgements.why.get(block)]
        if (changes.at(-1)?.status !== status) changes.push({ at, status, ...(why === undefined ? {} : { why }) })
        seen.add(one)
      }
    for (const one of watched.values()) {
      if (step()) yield
      if (!seen.has(one) && one.changes.at(-1)?.status !== 'gone') one.changes.push({ at, status: 'gone' })
    }
  }

  function watch(consumer: string, topic: string): Watched {
    const key = JSON.stringify([consumer, topic])
    const changes: StatusChange[] = []
    const one = watched.get(key) ?? { consumer, topic, changes, minutes: new Map() }
    watched.set(key, one)
    return one
  }

  function* takeObjectives(snapshot: Snapshot, at: number, passed: number): Generator<void> {
    const step = every(PER_STEP)
    const lags = snapshot.objectives.length === 0 ? new Map<string, Behind>() : yield* lagsOf(snapshot)
    const now = new Set<Promised>()
    for (const objective of snapshot.objectives) {
      if (step()) yield
      const { consumer, topic, owner, severity } = objective
      const key = JSON.stringify([consumer, topic, owner, severity])
      const one = promises.get(key) ?? { objective: { consumer, topic, owner, severity }, broken: [], isBroken: false }
      promises.set(key, one)
      now.add(one)
      if (one.isBroken) one.broken.at(-1)!.to += passed
      const isBroken = breaks(objective, lags.get(JSON.stringify([consumer, topic]))) ?? one.isBroken
      if (isBroken && !one.isBroken) one.broken.push({ from: at, to: at })
      one.isBroken = isBroken
    }
    // Nothing is promised at the moment, by a schedule or because the consumer is gone.
    for (const one of promises.values()) if (!now.has(one)) one.isBroken = false
  }
}

const PER_STEP = 256

/** True each so many times. */
function every(count: number): () => boolean {
  let times = 0
  return () => ++times % count === 0
}

/** Undefined when that is not known. */
function breaks({ records, seconds }: Objective, behind: Behind | undefined): boolean | undefined {
  const lag = records === undefined ? undefined : behind?.lag
  const timeLag = seconds === undefined ? undefined : behind?.timeLag
  if ((lag ?? -1) > (records ?? 0) || (timeLag ?? -1) > (seconds ?? 0)) return true
  return lag === undefined && timeLag === undefined ? undefined : false
}

/** Of a consumer on a topic; undefined what is not known. */
interface Behind {
  /** Records. */
  readonly lag: number | undefined
  /** Seconds. */
  readonly timeLag: number | undefined
}

/** By consumer and topic. */
function* lagsOf({ parts }: Snapshot): Generator<void, ReadonlyMap<string, Behind>> {
  const step = every(PER_STEP)
  const lags = new Map<string, Behind>()
  for (const part of parts)
    for (let block = 0; block < part.blockLag.length; block++) {
      if (step()) yield
      const lag = part.blockComplete[block] === 1 ? part.blockLag[block] : undefined
      const timeLag = part.judgements && judgementAt(part.judgements, block).timeLag?.seconds
      lags.set(JSON.stringify(namesOf(part, block)), { lag, timeLag })
    }
  return lags
}

/** Of consumer and topic. */
function namesOf({ batch }: SnapshotPart, block: number): readonly [string, string] {
  return [batch.consumers[batch.blockConsumer[block]!]!.name, batch.topics[batch.blockTopic[block]!]!.name]
}

interface Named {
  readonly consumer: string
  readonly topic: string
}

function byName(a: Named, b: Named): number {
  if (a.consumer !== b.consumer) return a.consumer < b.consumer ? -1 : 1
  return a.topic < b.topic ? -1 : 1
}
