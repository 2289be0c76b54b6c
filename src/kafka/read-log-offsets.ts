import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeListOffsetsResponse,
  EARLIEST,
  EARLIEST_LOCAL,
  encodeListOffsetsRequest,
  LATEST,
  type ListOffsetsResponse,
} from '../kafka-wire/list-offsets.ts'
import { type Catalog, type CatalogTopic, isSameTopic, topicNamed } from '../model/catalog.ts'
import type { Evidence } from '../model/evidence.ts'
import { type LogOffsetColumn, logOffsetColumn } from '../model/log-offsets.ts'
import type { Problem } from '../model/problem.ts'
import { KNOWN, type Reason, reasonCode } from '../model/reason.ts'
import { breather, turns } from '../runtime/breathe.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { KafkaCluster } from './cluster.ts'
import { failureReason } from './failure-reason.ts'
import { type AskedTopic, byLeader, type LeaderPlan, planOf } from './leader-plan.ts'
import { type LogRefusals, logProblems, NO_LEADER, NO_OFFSET } from './log-problems.ts'
import type { Answer } from './raw-connection.ts'

/** Topics of an answer that are taken over in one go. */
const TOPICS_PER_STEP = 64
/** In a list of leaders: the topic is gone, or another one now. */
const GONE = -2
/** In a list of leaders: the partition has none. */
const NOBODY = -1

/**
 * Which offset of a log: its start, its end (high watermark), the end of what no open transaction holds back (last
 * stable offset), or the start of what lies on the broker's own disk and not in remote storage.
 */
export type LogSide = 'earliest' | 'latest' | 'stable' | 'local'

/** How each is asked for, and the version of ListOffsets that knows it; older ones would read it as something else. */
const sides = {
  earliest: { timestamp: EARLIEST, isolation: 0, since: 0 },
  latest: { timestamp: LATEST, isolation: 0, since: 0 },
  stable: { timestamp: LATEST, isolation: 1, since: 2 },
  local: { timestamp: EARLIEST_LOCAL, isolation: 0, since: 8 },
} as const satisfies Readonly<Record<LogSide, object>>

/**
 * Reads one side of all logs: one request a leader (more only past 200,000 partitions), brokers side by side.
 * Partitions that have moved are asked for once more where a fresh catalog says they are. What a broker is too old for
 * is `unsupported` and no problem.
 *
 * @param refresh gives fresh metadata; called at most once, and only when a leader was wrong or away
 */
export async function readLogOffsets(
  cluster: KafkaCluster,
  catalog: Catalog,
  side: LogSide,
  refresh: () => Promise<Catalog>,
  signal: AbortSignal,
): Promise<{ readonly column: LogOffsetColumn; readonly problems: readonly Problem[] }> {
  const evidence: Evidence[] = []
  const column = logOffsetColumn(catalog.rows, reasonCode('end_unknown'), evidence)
  // Brokers are asked at the same time and answer at the same time; their requests and answers are worked on one by one.
  const ownTurn = turns()
  const refusals = withoutLeader(catalog)
  const first = await askAll(await planOf(catalog))
  const retriable = retriableRows(column)
  if (retriable.length === 0 || signal.aborted) return done(first)
  const moved = await leadersNow(catalog, refresh)
  if (moved === undefined) return done(first)
  for (const row of retriable) {
    refusals.codes[row] = 0
    if (moved[row] !== NOBODY) continue
    refuse(refusals, row, NO_LEADER)
    column.reason[row] = UNKNOWN
  }
  const second = await askAll(await byLeader(catalog, moved, retriable))
  // Of the others nobody was asked a second time.
  return done([...first.filter(({ reason }) => !isRetriable(reasonCode(reason))), ...second])

  async function done(
    problems: readonly Problem[],
  ): Promise<{ readonly column: LogOffsetColumn; readonly problems: readonly Problem[] }> {
    const more = await logProblems(`Log offsets (${side})`, catalog, column.reason, refusals)
    // That a broker is too old for a view says nothing is wrong.
    const isTold = ({ reason }: Problem): boolean => reason !== 'unsupported' || sides[side].since === 0
    return { column, problems: [...problems, ...more.filter(isTold)] }
  }

  async function askAll(plan: LeaderPlan): Promise<Problem[]> {
    const problems: Problem[] = []
    await Promise.all(
      [...plan].map(async ([broker, batches]) => {
        for (const batch of batches) {
          try {
            await ownTurn()
            await take(await ask(broker, batch))
          } catch (error) {
            if (signal.aborted) throw error
            if (isTooOld(broker)) {
              mark(batch, 'unsupported')
              continue
            }
            const reason = failureReason(error)
            mark(batch, reason)
            problems.push({
              reason,
              broker: String(broker),
              message: `Log offsets (${side}) from broker ${broker}: ${describeError(error)}`,
            })
          }
        }
      }),
    )
    return problems
  }

  function isTooOld(broker: number): boolean {
    return (cluster.version(broker, apis.ListOffsets) ?? Number.POSITIVE_INFINITY) < sides[side].since
  }

  function ask(broker: number, topics: readonly AskedTopic[]): Promise<Answer<ListOffsetsResponse>> {
    return cluster.ask(
      broker,
      {
        api: apis.ListOffsets,
        encode: (version) => {
          if (version < sides[side].since) throw new UnavailableError(`ListOffsets v${version} knows no such offset`)
          return encoded(topics, version, side)
        },
        decode: decodeListOffsetsResponse,
      },
      signal,
    )
  }

  async function take({ value, evidence: from }: Answer<ListOffsetsResponse>): Promise<void> {
    await ownTurn()
    const answer = evidence.push(from) - 1
    const breathe = breather()
    for (const [index, name] of value.topics.entries()) {
      if (index % TOPICS_PER_STEP === 0) await breathe()
      const topic = topicNamed(catalog, name)
      if (topic !== undefined) takeTopic(value, index, topic, column, refusals, answer)
    }
  }

  function mark(batch: readonly AskedTopic[], reason: Reason): void {
    for (const { name, partitions } of batch) {
      const topic = catalog.topics[catalog.topicIndex.get(name)!]!
      for (const partition of partitions) {
        column.reason[topic.firstRow + partition] = reasonCode(reason)
        refusals.codes[topic.firstRow + partition] = 0
      }
    }
  }
}

/** Copies the rows of one topic from an answer to their places in the catalog. */
function takeTopic(
  value: ListOffsetsResponse,
  index: number,
  { firstRow, partitions }: CatalogTopic,
  column: LogOffsetColumn,
  refusals: LogRefusals,
  answer: number,
): void {
  const { partition, offset, epoch, error, absent } = value
  const end = value.topicFirst[index + 1]!
  for (let row = value.topicFirst[index]!; row < end; row++) {
    const at = partition[row]!
    if (at < 0 || at >= partitions) continue
    const log = firstRow + at
    column.answer[log] = answer
    if ((error[row]! | absent[row]!) !== 0) {
      column.reason[log] = reasonOfAnswer(error[row]!)
      refuse(refusals, log, error[row]! || NO_OFFSET)
      continue
    }
    column.reason[log] = KNOWN
    refusals.codes[log] = 0
    column.offset[log * 2] = offset[row * 2]!
    column.offset[log * 2 + 1] = offset[row * 2 + 1]!
    column.epoch[log] = epoch[row]!
  }
}

/** Why an answer has no offset for a partition. */
function reasonOfAnswer(error: number): number {
  switch (error) {
    case errorCodes.TOPIC_AUTHORIZATION_FAILED:
      return reasonCode('unauthorized')
    case errorCodes.UNSUPPORTED_VERSION:
      return reasonCode('unsupported')
    case errorCodes.REQUEST_TIMED_OUT:
      return reasonCode('timeout')
    default:
      // Leader moved, topic going, offset not yet available after an election: worth one more try.
      return reasonCode('end_unknown')
  }
}

const UNKNOWN = reasonCode('end_unknown')
const FAILED = reasonCode('read_failed')

/** What a second look elsewhere can cure. */
function isRetriable(reason: number): boolean {
  return reason === UNKNOWN || reason === FAILED
}

function retriableRows({ reason }: LogOffsetColumn): readonly number[] {
  if (!reason.includes(UNKNOWN) && !reason.includes(FAILED)) return []
  const rows: number[] = []
  for (let row = 0; row < reason.length; row++) if (isRetriable(reason[row]!)) rows.push(row)
  return rows
}

function withoutLeader({ leader }: Catalog): LogRefusals {
  const refusals: LogRefusals = { codes: new Int16Array(leader.length), any: false }
  for (let row = 0; row < leader.length; row++) if (leader[row]! < 0) refuse(refusals, row, NO_LEADER)
  return refusals
}

function refuse(refusals: LogRefusals, row: number, code: number): void {
  refusals.codes[row] = code
  refusals.any = true
}

/** The leaders of the catalog's rows as fresh metadata has them. */
async function leadersNow(catalog: Catalog, refresh: () => Promise<Catalog>): Promise<Int32Array | undefined> {
  let fresh: Catalog
  try {
    fresh = await refresh()
  } catch {
    return undefined
  }
  const leaders = new Int32Array(catalog.rows).fill(GONE)
  for (const topic of catalog.topics) {
    const now = topicNamed(fresh, topic.name)
    if (now === undefined || !isSameTopic(now, topic)) continue
    for (let partition = 0; partition < Math.min(topic.partitions, now.partitions); partition++)
      leaders[topic.firstRow + partition] = fresh.leader[now.firstRow + partition]!
  }
  return leaders
}

const bodies = new WeakMap<readonly AskedTopic[], Map<string, Buffer>>()

/** The request for a part of a plan, written once: a large plan outlives many cycles, and writing it takes as long as reading its answer. */
function encoded(topics: readonly AskedTopic[], version: number, side: LogSide): Buffer {
  const known = bodies.get(topics) ?? new Map<string, Buffer>()
  bodies.set(topics, known)
  const key = `${version} ${side}`
  const { timestamp, isolation } = sides[side]
  const body = known.get(key) ?? encodeListOffsetsRequest(version, { isolation, timestamp, topics })
  known.set(key, body)
  return body
}
