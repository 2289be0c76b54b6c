import { type BlockOrder, consumerAt, topicAt, topicEnd } from '../exposition/block-order.ts'
import { jsonText } from '../exposition/json-row.ts'
import { judgementWords } from '../exposition/judgement-words.ts'
import { type Status, statuses } from '../model/judgement.ts'
import { judgementAt, statusAt } from '../model/judgements.ts'
import { type Objective, objectivesBy } from '../model/objective.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import { orderOf } from './block-orders.ts'
import { type Clusters, snapshotsOf } from './clusters.ts'
import { badParameter, readQuery, wholeNumber } from './query.ts'
import { jsonAsIs, type Request, type Response, type Route } from './route.ts'
import { comparePlace, type RowCursor, readCursor, writeCursor } from './row-cursor.ts'

interface Question {
  readonly consumer: string | undefined
  readonly topic: string | undefined
  readonly status: Status | undefined
  readonly limit: number
  readonly after: RowCursor | undefined
}

const DEFAULT_LIMIT = 1_000
const MAX_LIMIT = 10_000

/**
 * `/api/v1/status`: what is thought of each consumer on each topic, in the order cluster, consumer, topic, as
 * `{"rows":[],"next":""}`. `consumer` and `topic` are exact names, `status` leaves rows that have it.
 */
export function statusRoute(clusters: Clusters): Route {
  return { method: 'GET', path: '/api/v1/status', handle: (request) => handle(clusters, request) }
}

async function handle(clusters: Clusters, request: Request): Promise<Response> {
  const query = readQuery(request.query, ['kafka_cluster', 'consumer', 'topic', 'status', 'limit', 'after'])
  const question: Question = {
    consumer: query.consumer,
    topic: query.topic,
    status: query.status === undefined ? undefined : statusOf(query.status),
    limit: query.limit === undefined ? DEFAULT_LIMIT : wholeNumber('limit', query.limit, 1, MAX_LIMIT),
    after: query.after === undefined || query.after === '' ? undefined : readCursor(query.after),
  }
  const breathe = breather()
  const rows: string[] = []
  let last: RowCursor | undefined
  let next = ''
  search: for (const snapshot of snapshotsOf(clusters, query.kafka_cluster)) {
    const order = await orderOf(snapshot)
    const promised = await promisesIn(snapshot)
    for (let place = 0, end = 0; place < order.block.length; place = end) {
      end = topicEnd(snapshot, order, place)
      await breathe()
      const text = rowText(snapshot, order, place, end, question, promised)
      if (text === undefined) continue
      if (last !== undefined && rows.length === question.limit) {
        next = writeCursor(last)
        break search
      }
      rows.push(text)
      const [consumer, topic] = [consumerAt(snapshot, order, place), topicAt(snapshot, order, place)]
      last = { kafkaCluster: snapshot.kafkaCluster, consumer, topic, partition: 0 }
    }
  }
  return jsonAsIs(200, `{"rows":[${rows.join(',')}],"next":${jsonText(next)}}`)
}

function statusOf(text: string): Status {
  const found = statuses.find((status) => status === text)
  if (found === undefined) throw badParameter('status', text, `one of ${statuses.join(', ')}`)
  return found
}

type Promises = (consumer: string, topic: string) => readonly Objective[]

const promises = new WeakMap<Snapshot, Promises>()

/** What is promised in a snapshot, made out once for all pages of a listing. */
async function promisesIn(snapshot: Snapshot): Promise<Promises> {
  const promised = promises.get(snapshot) ?? (await runInTurns(objectivesBy(snapshot.objectives)))
  promises.set(snapshot, promised)
  return promised
}

/** Undefined for what was not asked for, and where nothing is thought. */
function rowText(
  snapshot: Snapshot,
  order: BlockOrder,
  place: number,
  end: number,
  question: Question,
  promised: Promises,
): string | undefined {
  const [consumer, topic] = [consumerAt(snapshot, order, place), topicAt(snapshot, order, place)]
  if (question.consumer !== undefined && question.consumer !== consumer) return undefined
  if (question.topic !== undefined && question.topic !== topic) return undefined
  const { after } = question
  if (after !== undefined && comparePlace(snapshot.kafkaCluster, consumer, topic, after) <= 0) return undefined
  const [{ judgements }, first] = [snapshot.parts[order.part[place]!]!, order.block[place]!]
  if (judgements === undefined) return undefined
  if (question.status !== undefined && question.status !== statusAt(judgements, first)) return undefined
  let lag: number | undefined = 0
  for (let at = place; at < end; at++) {
    const part = snapshot.parts[order.part[at]!]!
    const block = order.block[at]!
    lag = lag === undefined || part.blockComplete[block] === 0 ? undefined : lag + part.blockLag[block]!
  }
  const { batch } = snapshot.parts[order.part[place]!]!
  const who = batch.consumers[batch.blockConsumer[order.block[place]!]!]!
  return jsonText(
    judgementWords(snapshot.kafkaCluster, who, topic, judgementAt(judgements, first), lag, promised(consumer, topic)),
  )
}
