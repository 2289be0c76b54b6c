import { type BlockOrder, consumerAt, topicAt, topicEnd } from '../exposition/block-order.ts'
import { jsonRow, jsonText } from '../exposition/json-row.ts'
import { type LagRow, lagRow } from '../model/lag-row.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { breather } from '../runtime/breathe.ts'
import { orderOf } from './block-orders.ts'
import { type Clusters, snapshotsOf } from './clusters.ts'
import { badParameter, readQuery, wholeNumber } from './query.ts'
import { jsonAsIs, type Request, type Response, type Route } from './route.ts'
import { comparePlace, type RowCursor, readCursor, writeCursor } from './row-cursor.ts'

export interface ConsumersDeps {
  readonly clusters: Clusters
  /** Compiles a pattern that must fit the whole name. @throws Error whose message says what is wrong with it. */
  readonly compile: (pattern: string) => (text: string) => boolean
}

interface Question {
  readonly snapshots: readonly Snapshot[]
  readonly consumer: (name: string) => boolean
  readonly topic: (name: string) => boolean
  readonly limit: number
  readonly after: RowCursor | undefined
}

const DEFAULT_LIMIT = 1000
const MAX_LIMIT = 10_000
const MAX_PATTERN = 512

/**
 * `/api/v1/consumers`: rows in the order cluster, consumer, topic, partition as `{"rows":[],"problems":[],"next":""}`.
 * `consumer` and `topic` are exact names, `consumer_re` and `topic_re` patterns; `next` goes into `after` for the next
 * page and is empty on the last. Problems stand on the first page only.
 */
export function consumersRoute(deps: ConsumersDeps): Route {
  async function handle(request: Request): Promise<Response> {
    const question = ask(deps, request)
    const breathe = breather()
    const rows: string[] = []
    let last: LagRow | undefined
    let next = ''
    search: for (const snapshot of question.snapshots) {
      const order = await orderOf(snapshot)
      for (let place = 0, end = 0; place < order.block.length; place = end) {
        end = topicEnd(snapshot, order, place)
        await breathe()
        for (const row of wantedRows(question, snapshot, order, place, end)) {
          if (last !== undefined && rows.length === question.limit) {
            next = writeCursor(last)
            break search
          }
          rows.push(jsonRow(row))
          last = row
        }
      }
    }
    const problems = question.after === undefined ? await problemTexts(question, breathe) : []
    return jsonAsIs(200, `{"rows":[${rows.join(',')}],"problems":[${problems.join(',')}],"next":${jsonText(next)}}`)
  }

  return { method: 'GET', path: '/api/v1/consumers', handle }
}

function ask({ clusters, compile }: ConsumersDeps, request: Request): Question {
  const query = readQuery(request.query, [
    'kafka_cluster',
    'consumer',
    'consumer_re',
    'topic',
    'topic_re',
    'limit',
    'after',
  ])
  const name = (exact: string | undefined, parameter: string, pattern: string | undefined) => {
    const fits = pattern === undefined ? () => true : compiled(compile, parameter, pattern)
    return (text: string): boolean => (exact === undefined || text === exact) && fits(text)
  }
  return {
    snapshots: snapshotsOf(clusters, query.kafka_cluster),
    consumer: name(query.consumer, 'consumer_re', query.consumer_re),
    topic: name(query.topic, 'topic_re', query.topic_re),
    limit: query.limit === undefined ? DEFAULT_LIMIT : wholeNumber('limit', query.limit, 1, MAX_LIMIT),
    after: query.after === undefined || query.after === '' ? undefined : readCursor(query.after),
  }
}

function compiled(compile: ConsumersDeps['compile'], parameter: string, pattern: string): (text: string) => boolean {
  if (pattern.length > MAX_PATTERN)
    throw badParameter(parameter, `${pattern.slice(0, 40)}…`, `at most ${MAX_PATTERN} characters`)
  try {
    return compile(pattern)
  } catch (error) {
    throw badParameter(parameter, pattern, `an RE2 pattern: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The rows of one consumer and topic that are asked for, by partition. */
function* wantedRows(
  question: Question,
  snapshot: Snapshot,
  order: BlockOrder,
  place: number,
  end: number,
): Generator<LagRow> {
  const consumer = consumerAt(snapshot, order, place)
  const topic = topicAt(snapshot, order, place)
  if (!question.consumer(consumer) || !question.topic(topic)) return
  const { after } = question
  const side = after === undefined ? 1 : comparePlace(snapshot.kafkaCluster, consumer, topic, after)
  if (side < 0) return
  const found: { readonly at: number; readonly row: number; readonly partition: number }[] = []
  for (let at = place; at < end; at++) {
    const { batch } = snapshot.parts[order.part[at]!]!
    const block = order.block[at]!
    for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
      const partition = batch.partition[row]!
      if (side > 0 || after === undefined || partition > after.partition) found.push({ at, row, partition })
    }
  }
  if (end > place + 1) found.sort((a, b) => a.partition - b.partition)
  for (const { at, row } of found) yield lagRow(snapshot, snapshot.parts[order.part[at]!]!, order.block[at]!, row)
}

/** What could not be read and may be why a row that was asked for is not there. */
async function problemTexts(question: Question, breathe: () => Promise<void>): Promise<string[]> {
  const texts: string[] = []
  for (const { kafkaCluster, problems } of question.snapshots) {
    for (const { reason, message, consumer, topic, broker } of problems) {
      if (consumer !== undefined && !question.consumer(consumer)) continue
      if (topic !== undefined && !question.topic(topic)) continue
      texts.push(jsonText({ kafka_cluster: kafkaCluster, reason, message, consumer, topic, broker }))
      await breathe()
    }
  }
  return texts
}
