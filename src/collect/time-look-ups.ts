import type { KafkaCluster } from '../kafka/cluster.ts'
import { lookUpTimes, ROUNDS, type TimeAsked } from '../kafka/look-up-times.ts'
import { readRecordTimes } from '../kafka/read-record-times.ts'
import { type Catalog, type CatalogTopic, topicNamed } from '../model/catalog.ts'
import type { Problem } from '../model/problem.ts'
import type { SeenRecord, TimeLookUp, TimestampType } from '../model/time-look-up.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { within } from '../runtime/within.ts'
import { createKnownTimes } from './known-times.ts'
import { createLocalStarts } from './local-starts.ts'
import { createShares } from './time-shares.ts'

/** A position whose time somebody wants to know. */
export interface WantedTime {
  readonly consumer: string
  readonly topic: string
  readonly partition: number
  /** At the log start or behind it, and before the log end. */
  readonly position: bigint
  readonly start: bigint
  /** The log end, and the wall time at which it was read. */
  readonly end?: SeenRecord
  /** Wall time at which the record may have been appended, if there is any idea. */
  readonly guess?: number
}

export interface TimeLookUpOptions {
  readonly cluster: KafkaCluster
  readonly clock: Clock
  /** Partitions a cycle. Default 600. */
  readonly limit?: number
  /** Of all requests of a cycle together. */
  readonly deadlineMs: number
  /** Read the records themselves first (Fetch; READ needed). Default false. */
  readonly readRecords?: boolean
  /** Look also at positions in remote storage. Default false. */
  readonly cold?: boolean
  /** What is known of a topic's configuration; undefined when it is not. */
  readonly configOf?: (
    topic: string,
  ) => { readonly timestampType: TimestampType; readonly remote?: boolean } | undefined
}

/** When records at positions were appended, looked up a few a cycle and kept. */
export interface TimeLookUps {
  /**
   * What is known of a position: what was looked up for it, or what looks at others on its partition say. Undefined:
   * nothing yet. No request.
   *
   * @param now wall time
   */
  known(topic: CatalogTopic, partition: number, position: bigint, now: number): TimeLookUp | undefined
  /** Another look would not tell more than what is known of the position. No request. */
  isEnough(
    known: TimeLookUp | undefined,
    topic: CatalogTopic,
    partition: number,
    position: bigint,
    now: number,
  ): boolean
  /**
   * Looks up what is wanted and not known well enough (a second, or a hundredth of the age), as many as the limit allows:
   * what a cycle before has begun first, then consumers share it evenly, and of each the row that waits longest comes first.
   * One position a partition and call. Where all get a turn, each is looked up to its end, with three requests by time to
   * each broker at most; where more wait than the limit allows, with one, so that a position takes three calls. Two more
   * requests for the local log start and the records, where these are asked for. Never two at once: a call during another
   * does nothing. Rejects only on abort.
   */
  look(catalog: Catalog, wanted: readonly WantedTime[], signal: AbortSignal): Promise<void>
  /** Of the last look. */
  problems(): readonly Problem[]
}

const LIMIT = 600
/** What cannot be told, and will hardly change, is asked again after so many cycles. */
const AGAIN_CYCLES = 20
/** An uncertainty that needs no further look: a second, or a hundredth of the age. */
const GOOD_MS = 1_000
const GOOD_SHARE = 0.01

export function createTimeLookUps(options: TimeLookUpOptions): TimeLookUps {
  const { cluster, clock, limit = LIMIT, deadlineMs, readRecords = false, cold = false, configOf } = options
  const times = createKnownTimes()
  const shares = createShares<WantedTime>()
  const localStarts = createLocalStarts(cluster, clock)
  /** Topics whose records we may not read, by the cycle in which that was said. */
  const unreadable = new Map<string, number>()
  let problems: readonly Problem[] = []
  let cycle = 0
  let isLooking = false

  const typeOf = (topic: string): TimestampType | undefined => configOf?.(topic)?.timestampType

  function told(topic: CatalogTopic, partition: number, position: bigint, now: number): TimeLookUp | undefined {
    if (!times.has(topic, partition)) return undefined
    const look = times.at(topic, partition, position)?.look
    if (look !== undefined && !('reason' in look)) return look
    return times.enclosed(topic, partition, position, now, typeOf(topic.name)) ?? look
  }

  const isEnough: TimeLookUps['isEnough'] = (look, topic, partition, position, now) => {
    if (look === undefined) return false
    if ('reason' in look) {
      const askedAt = times.at(topic, partition, position)?.cycle ?? 0
      return isLasting(look.reason) && cycle - askedAt < AGAIN_CYCLES
    }
    const uncertainty = (look.notAfter ?? now) - look.notBefore
    return look.isSettled || uncertainty <= Math.max(GOOD_MS, GOOD_SHARE * (now - look.notBefore))
  }

  /** Whose turn it is: one position a partition, which may be that of many consumers. */
  async function choose(catalog: Catalog, wanted: readonly WantedTime[], now: number): Promise<readonly TimeAsked[]> {
    const breathe = breather()
    const chosen = new Map<string, Map<number, TimeAsked>>()
    let count = 0
    for (const row of begunFirst(await shares.order(wanted), catalog)) {
      await breathe()
      const topic = topicNamed(catalog, row.topic)
      if (topic === undefined || row.partition >= topic.partitions) continue
      const { partition, position } = row
      if (isEnough(told(topic, partition, position, now), topic, partition, position, now)) continue
      const partitions = chosen.get(row.topic) ?? new Map<number, TimeAsked>()
      const other = partitions.get(row.partition)
      if (other === undefined) {
        if (count === limit) continue
        count++
        chosen.set(row.topic, partitions)
        partitions.set(row.partition, asked(row, topic))
      } else if (other.position !== row.position) continue
      shares.hadTurn(row)
    }
    return [...chosen.values()].flatMap((partitions) => [...partitions.values()])
  }

  function* begunFirst(rows: Iterable<WantedTime>, catalog: Catalog): Generator<WantedTime> {
    const others: WantedTime[] = []
    for (const row of rows) {
      const topic = topicNamed(catalog, row.topic)
      if (topic !== undefined && roundsOf(topic, row) % ROUNDS > 0) yield row
      else others.push(row)
    }
    yield* others
  }

  function roundsOf(topic: CatalogTopic, { partition, position }: WantedTime): number {
    const look = times.at(topic, partition, position)?.look
    // What failed begins anew.
    return look === undefined || ('reason' in look && look.reason !== 'not_found') ? 0 : look.rounds
  }

  function asked(row: WantedTime, topic: CatalogTopic): TimeAsked {
    const type = typeOf(row.topic)
    const { topic: name, partition, position, start, end, guess } = row
    return {
      ...{ topic: name, partition, position, start, bracket: times.bracket(topic, partition, position) },
      rounds: roundsOf(topic, row),
      ...(end === undefined ? {} : { end }),
      ...(guess === undefined ? {} : { guess }),
      ...(type === undefined ? {} : { type }),
    }
  }

  async function ask(
    catalog: Catalog,
    questions: readonly TimeAsked[],
    requests: number,
    now: number,
    signal: AbortSignal,
  ) {
    const placed = cold ? questions : await localStarts.place(catalog, questions, configOf, signal)
    const rest = new Set(placed)
    const tell = (question: TimeAsked, look: TimeLookUp): void => {
      const topic = topicNamed(catalog, question.topic)
      // What comes after the deadline is as true as before.
      if (topic !== undefined) times.keep(topic, question.partition, look)
    }
    const found: Problem[] = []
    if (readRecords) {
      const readable = placed.filter(({ topic }) => cycle - (unreadable.get(topic) ?? -AGAIN_CYCLES) >= AGAIN_CYCLES)
      const tellRecord = (question: TimeAsked, look: TimeLookUp): void => {
        if (!('reason' in look)) {
          rest.delete(question)
          tell(question, look)
        } else if (look.reason === 'unauthorized') unreadable.set(question.topic, cycle)
      }
      found.push(...(await readRecordTimes(cluster, catalog, readable, { now, cold, tell: tellRecord }, signal)))
    }
    found.push(...(await lookUpTimes(cluster, catalog, [...rest], { now, cold, requests, tell }, signal)))
    problems = found
  }

  return {
    problems: () => problems,
    isEnough,
    known: told,
    look: async (catalog, wanted, signal) => {
      if (isLooking) return
      isLooking = true
      try {
        cycle = times.next(catalog)
        const now = clock.wall()
        const questions = await choose(catalog, wanted, now)
        // With many waiting, depth would cost as many requests as breadth, and requests are what a cluster is spared.
        const requests = wanted.length > limit ? 1 : ROUNDS
        for (const topic of unreadable.keys()) if (!catalog.topicIndex.has(topic)) unreadable.delete(topic)
        problems = []
        if (questions.length > 0)
          await within('Times of positions', deadlineMs, clock, signal, (inTime) =>
            ask(catalog, questions, requests, now, inTime),
          )
      } catch (error) {
        if (signal.aborted) throw error
        problems = [{ reason: 'timeout', message: `Times of positions: not all within ${Math.round(deadlineMs)} ms` }]
      } finally {
        isLooking = false
      }
    },
  }
}

const passing: ReadonlySet<string> = new Set(['not_found', 'timeout', 'read_failed', 'end_unknown'])

function isLasting(reason: string): boolean {
  return !passing.has(reason)
}
