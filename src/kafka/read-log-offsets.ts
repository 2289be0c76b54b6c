import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeListOffsetsResponse,
  EARLIEST,
  encodeListOffsetsRequest,
  LATEST,
  type ListOffsetsResponse,
} from '../kafka-wire/list-offsets.ts'
import { type Catalog, type CatalogTopic, isSameTopic } from '../model/catalog.ts'
import type { Evidence } from '../model/evidence.ts'
import { type LogOffsetColumn, logOffsetColumn } from '../model/log-offsets.ts'
import type { Problem } from '../model/problem.ts'
import { KNOWN, type Reason, reasonCode } from '../model/reason.ts'
import { breather, turns } from '../runtime/breathe.ts'
import { describeError } from '../runtime/errors.ts'
import type { KafkaCluster } from './cluster.ts'
import { failureReason } from './failure-reason.ts'
import type { Answer } from './raw-connection.ts'

/** Rows of one request: about 2 MiB of answer, so that writing it and reading it each take a few milliseconds. */
const ROWS_PER_REQUEST = 100_000
/** Topics of an answer that are taken over in one go. */
const TOPICS_PER_STEP = 64

interface Asked {
  readonly name: string
  readonly partitions: Int32Array
}

/**
 * Reads one side of all logs: one request a leader (more only past 200,000 partitions), brokers side by side.
 * Partitions that have moved are asked for once more where a fresh catalog says they are.
 *
 * @param refresh gives fresh metadata; called at most once, and only when a leader was wrong or away
 */
export async function readLogOffsets(
  cluster: KafkaCluster,
  catalog: Catalog,
  side: 'earliest' | 'latest',
  refresh: () => Promise<Catalog>,
  signal: AbortSignal,
): Promise<{ readonly column: LogOffsetColumn; readonly problems: readonly Problem[] }> {
  const evidence: Evidence[] = []
  const column = logOffsetColumn(catalog.rows, reasonCode('end_unknown'), evidence)
  // Brokers are asked at the same time and answer at the same time; their requests and answers are worked on one by one.
  const ownTurn = turns()
  const first = await askAll(await planOf(catalog))
  const retriable = retriableRows(column)
  if (retriable.length === 0 || signal.aborted) return { column, problems: first }
  const moved = await leadersNow(catalog, refresh)
  if (moved === undefined) return { column, problems: first }
  const second = await askAll(await byLeader(catalog, moved, retriable))
  return { column, problems: second }

  async function askAll(plan: Plan): Promise<Problem[]> {
    const problems: Problem[] = []
    await Promise.all(
      [...plan].map(async ([broker, batches]) => {
        for (const batch of batches) {
          try {
            await ownTurn()
            await take(await ask(broker, batch))
          } catch (error) {
            if (signal.aborted) throw error
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

  function ask(broker: number, topics: readonly Asked[]): Promise<Answer<ListOffsetsResponse>> {
    const timestamp = side === 'latest' ? LATEST : EARLIEST
    return cluster.ask(
      broker,
      {
        api: apis.ListOffsets,
        encode: (version) => encoded(topics, version, timestamp),
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
      const topic = catalog.topics[catalog.topicIndex.get(name) ?? -1]
      if (topic !== undefined) takeTopic(value, index, topic, column, answer)
    }
  }

  function mark(batch: readonly Asked[], reason: Reason): void {
    for (const { name, partitions } of batch) {
      const topic = catalog.topics[catalog.topicIndex.get(name)!]!
      for (const partition of partitions) column.reason[topic.firstRow + partition] = reasonCode(reason)
    }
  }
}

/** Copies the rows of one topic from an answer to their places in the catalog. */
function takeTopic(
  value: ListOffsetsResponse,
  index: number,
  { firstRow, partitions }: CatalogTopic,
  column: LogOffsetColumn,
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
      continue
    }
    column.reason[log] = KNOWN
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

/** What a second look elsewhere can cure. */
function retriableRows({ reason }: LogOffsetColumn): readonly number[] {
  const [unknown, failed] = [reasonCode('end_unknown'), reasonCode('read_failed')]
  if (!reason.includes(unknown) && !reason.includes(failed)) return []
  const rows: number[] = []
  for (let row = 0; row < reason.length; row++) if (reason[row] === unknown || reason[row] === failed) rows.push(row)
  return rows
}

/** The leaders of the catalog's rows as fresh metadata has them; −1 for what is gone or another topic now. */
async function leadersNow(catalog: Catalog, refresh: () => Promise<Catalog>): Promise<Int32Array | undefined> {
  let fresh: Catalog
  try {
    fresh = await refresh()
  } catch {
    return undefined
  }
  const leaders = new Int32Array(catalog.rows).fill(-1)
  for (const topic of catalog.topics) {
    const now = fresh.topics[fresh.topicIndex.get(topic.name) ?? -1]
    if (now === undefined || !isSameTopic(now, topic)) continue
    for (let partition = 0; partition < Math.min(topic.partitions, now.partitions); partition++)
      leaders[topic.firstRow + partition] = fresh.leader[now.firstRow + partition]!
  }
  return leaders
}

const bodies = new WeakMap<readonly Asked[], Map<string, Buffer>>()

/** The request for a part of a plan, written once: a large plan outlives many cycles, and writing it takes as long as reading its answer. */
function encoded(topics: readonly Asked[], version: number, timestamp: number): Buffer {
  const known = bodies.get(topics) ?? new Map<string, Buffer>()
  bodies.set(topics, known)
  const key = `${version} ${timestamp}`
  const body = known.get(key) ?? encodeListOffsetsRequest(version, { isolation: 0, timestamp, topics })
  known.set(key, body)
  return body
}

type Plan = ReadonlyMap<number, readonly Asked[][]>

const plans = new WeakMap<Catalog, Plan>()

/** The requests for every row of a catalog, made once: metadata outlives many cycles. */
async function planOf(catalog: Catalog): Promise<Plan> {
  const known = plans.get(catalog)
  if (known !== undefined) return known
  const plan = await byLeader(catalog, catalog.leader, undefined)
  plans.set(catalog, plan)
  return plan
}

/** The rows to ask for, by leader, in requests of bounded size. Rows without a leader are not asked for. */
async function byLeader(catalog: Catalog, leader: Int32Array, only: readonly number[] | undefined): Promise<Plan> {
  const wanted = only === undefined ? undefined : new Set(only)
  const breathe = breather()
  const plan = new Map<number, { rows: number; readonly batches: Asked[][]; readonly partitions: number[] }>()
  for (const topic of catalog.topics) {
    await breathe()
    for (let partition = 0; partition < topic.partitions; partition++) {
      const row = topic.firstRow + partition
      const node = leader[row]!
      if (node < 0 || (wanted !== undefined && !wanted.has(row))) continue
      let of = plan.get(node)
      if (of === undefined) {
        of = { rows: ROWS_PER_REQUEST, batches: [], partitions: [] }
        plan.set(node, of)
      }
      of.partitions.push(partition)
    }
    for (const of of plan.values()) {
      const rows = of.partitions.length
      if (rows === 0) continue
      if (of.rows + rows > ROWS_PER_REQUEST) {
        of.rows = 0
        of.batches.push([])
      }
      of.rows += rows
      of.batches.at(-1)?.push({ name: topic.name, partitions: Int32Array.from(of.partitions) })
      of.partitions.length = 0
    }
  }
  return new Map([...plan].map(([node, { batches }]) => [node, batches]))
}
