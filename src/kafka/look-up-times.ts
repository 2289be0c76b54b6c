import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeListOffsetsResponse,
  EARLIEST_LOCAL,
  encodeListOffsetsRequest,
  type ListOffsetsResponse,
} from '../kafka-wire/list-offsets.ts'
import type { Catalog } from '../model/catalog.ts'
import { offsetAt } from '../model/offsets.ts'
import type { Problem } from '../model/problem.ts'
import type { NoTimeReason, SeenRecord, TimeBracket, TimeLookUp, TimestampType } from '../model/time-look-up.ts'
import { breather } from '../runtime/breathe.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { KafkaCluster } from './cluster.ts'
import { failureReason } from './failure-reason.ts'
import { questionsByLeader } from './leader-plan.ts'
import { nextTime, type TimeQuestion } from './next-time.ts'
import { narrowed, toldBy } from './time-search.ts'

export interface TimeAsked extends TimeQuestion {
  /** What an earlier look at this partition has told. */
  readonly bracket?: TimeBracket
  /** Rounds that this position has had before. Default 0. */
  readonly rounds?: number
  /** Who stamps the records; absent when not known. */
  readonly type?: TimestampType
  /** Where the log begins on the leader's own disk; absent when it is the log start, or brokers know no other place. */
  readonly localStart?: bigint
}

export interface LookUpOptions {
  /** Look also where the leader would have to read from remote storage. Default false. */
  readonly cold?: boolean
  /** Requests to each leader at most. Default 3: as many as a position takes. */
  readonly requests?: number
  /** Wall time of the look. */
  readonly now: number
  /** Gets what was learnt of each question, as soon as its leader has given its last answer. */
  readonly tell: (question: TimeAsked, look: TimeLookUp) => void
}

interface Search {
  readonly question: TimeAsked
  bracket: TimeBracket
  rounds: number
  /** The time of this round. */
  asked: number
  /** Why there is no going on. */
  failed?: NoTimeReason
}

/** Since when a search by time gives a record with its timestamp; older brokers know the times of segments only. */
const BY_RECORD = 1
const BY_RECORD_TEXT = 'expected v1 or later, as from Kafka 0.10.1'
/** First version that knows where the local log begins (KIP-405). */
const KNOWS_LOCAL = 8
/** For a position that nothing is known of. A later look begins with the first one again. */
export const ROUNDS = 3

/**
 * Finds when the records at positions were appended, by timestamps (ListOffsets, from Kafka 0.10.1; DESCRIBE on the
 * topics needed): in each round one request a leader for all its partitions, leaders side by side. Only the first
 * question about a partition is asked, the others are left out, as are partitions without a leader. The bracket of each
 * look makes the next one shorter.
 *
 * When the signal aborts, what was learnt so far is told, and the rest is `timeout`.
 */
export async function lookUpTimes(
  cluster: KafkaCluster,
  catalog: Catalog,
  questions: readonly TimeAsked[],
  { cold = false, requests = ROUNDS, now, tell }: LookUpOptions,
  signal: AbortSignal,
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  await Promise.all(
    [...questionsByLeader(catalog, questions)].map(async ([broker, topics]) => {
      const searches = begin(topics, cold)
      try {
        for (let request = 0; request < requests; request++) {
          const open = chooseTimes(searches, now)
          if (open.size === 0) break
          await takeAnswer(await askOffsets(cluster, broker, timesOf(open), BY_RECORD, signal), open, now)
        }
      } catch (error) {
        const reason = signal.aborted ? 'timeout' : failureReason(error)
        for (const of of searches.values())
          for (const search of of.values()) if (search.bracket.below === undefined) search.failed ??= reason
        if (!signal.aborted && reason !== 'unsupported')
          problems.push({
            reason,
            broker: String(broker),
            message: `Times of positions from broker ${broker}: ${describeError(error)}`,
          })
      }
      const breathe = breather()
      for (const of of searches.values()) {
        await breathe()
        for (const search of of.values()) tell(search.question, outcome(search, now))
      }
    }),
  )
  return problems
}

/**
 * Where the logs begin on their leaders' own disks, by the question itself: one request a leader. Left out is what could
 * not be had, and everything on brokers without remote storage (before ListOffsets v8).
 */
export async function readLocalStarts<Question extends { readonly topic: string; readonly partition: number }>(
  cluster: KafkaCluster,
  catalog: Catalog,
  questions: readonly Question[],
  signal: AbortSignal,
): Promise<ReadonlyMap<Question, bigint>> {
  const found = new Map<Question, bigint>()
  await Promise.all(
    [...questionsByLeader(catalog, questions)].map(async ([broker, topics]) => {
      const version = cluster.version(broker, apis.ListOffsets)
      if (version !== undefined && version < KNOWS_LOCAL) return
      try {
        const asked = mapTimes(topics, () => EARLIEST_LOCAL)
        const answer = await askOffsets(cluster, broker, asked, KNOWS_LOCAL, signal)
        for (const { topic, partition, row } of rowsOf(answer)) {
          const question = topics.get(topic)?.get(partition)
          if (question === undefined || answer.error[row] !== errorCodes.NONE || answer.absent[row] === 1) continue
          found.set(question, offsetAt(answer.offset, row))
        }
      } catch (error) {
        if (signal.aborted) throw error
      }
    }),
  )
  return found
}

type ByPartition<T> = ReadonlyMap<string, ReadonlyMap<number, T>>

function begin(topics: ByPartition<TimeAsked>, cold: boolean): ByPartition<Search> {
  return mapTimes(topics, (question): Search => {
    const { localStart, position, bracket = {} } = question
    const isCold = !cold && localStart !== undefined && position < localStart
    return { question, bracket, rounds: question.rounds ?? 0, asked: 0, ...(isCold ? { failed: 'cold' } : {}) }
  })
}

/** The searches of this round, each with its time. */
function chooseTimes(searches: ByPartition<Search>, now: number): ByPartition<Search> {
  const open = new Map<string, Map<number, Search>>()
  for (const [topic, of] of searches) {
    const asked = new Map<number, Search>()
    for (const [partition, search] of of) {
      if (search.failed !== undefined) continue
      const { question, bracket } = search
      const mayAskStart = (question.localStart ?? question.start) <= question.start
      const index = search.rounds % ROUNDS
      const time = nextTime(question, bracket, now, { index, isLast: index === ROUNDS - 1, mayAskStart })
      if (time === undefined) continue
      search.asked = time
      asked.set(partition, search)
    }
    if (asked.size > 0) open.set(topic, asked)
  }
  return open
}

function timesOf(open: ByPartition<Search>): ByPartition<number> {
  return mapTimes(open, ({ asked }) => asked)
}

async function askOffsets(
  cluster: KafkaCluster,
  broker: number,
  asked: ByPartition<number>,
  since: number,
  signal: AbortSignal,
): Promise<ListOffsetsResponse> {
  const topics = Array.from(asked, ([name, times]) => ({
    name,
    partitions: [...times.keys()],
    timestamps: [...times.values()],
  }))
  const { value } = await cluster.ask(
    broker,
    {
      api: apis.ListOffsets,
      encode: (version) => {
        if (version < since)
          throw new UnavailableError(`Search by time with ListOffsets v${version}: ${BY_RECORD_TEXT}`, {
            unsupported: true,
          })
        return encodeListOffsetsRequest(version, { isolation: 0, timestamp: 0, topics })
      },
      decode: decodeListOffsetsResponse,
    },
    signal,
  )
  return value
}

async function takeAnswer(answer: ListOffsetsResponse, open: ByPartition<Search>, now: number): Promise<void> {
  const breathe = breather()
  for (const { topic, partition, row } of rowsOf(answer)) {
    await breathe()
    const search = open.get(topic)?.get(partition)
    if (search === undefined) continue
    search.rounds++
    const error = answer.error[row]!
    if (error !== errorCodes.NONE) {
      search.failed = reasonOfError(error)
      continue
    }
    search.bracket = narrowed(search.bracket, search.question.position, search.asked, seenAt(answer, row), now)
  }
}

function seenAt({ absent, offset, timestamp }: ListOffsetsResponse, row: number): SeenRecord | undefined {
  return absent[row] === 1 || timestamp[row]! < 0 ? undefined : { offset: offsetAt(offset, row), at: timestamp[row]! }
}

function outcome({ question, bracket, rounds, failed }: Search, now: number): TimeLookUp {
  const { position, type } = question
  const told = toldBy(position, bracket, now, type, rounds)
  return failed === undefined || !('reason' in told) ? told : { ...told, reason: failed }
}

function reasonOfError(error: number): NoTimeReason {
  switch (error) {
    case errorCodes.TOPIC_AUTHORIZATION_FAILED:
      return 'unauthorized'
    case errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT:
      return 'no_timestamp'
    case errorCodes.UNSUPPORTED_VERSION:
      return 'unsupported'
    case errorCodes.REQUEST_TIMED_OUT:
      return 'timeout'
    default:
      // Leader moved, or cannot tell after its election: the next look is elsewhere, or later.
      return 'read_failed'
  }
}

function mapTimes<From, To>(topics: ByPartition<From>, make: (from: From) => To): ByPartition<To> {
  return new Map(
    Array.from(topics, ([topic, of]) => [
      topic,
      new Map(Array.from(of, ([partition, from]) => [partition, make(from)])),
    ]),
  )
}

function* rowsOf({ topics, topicFirst, partition }: ListOffsetsResponse) {
  for (const [index, topic] of topics.entries())
    for (let row = topicFirst[index]!; row < topicFirst[index + 1]!; row++)
      yield { topic, partition: partition[row]!, row }
}
