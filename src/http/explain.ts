import { explain } from '../exposition/explain.ts'
import { jsonText } from '../exposition/json-row.ts'
import { type LagRow, lagRow } from '../model/lag-row.ts'
import type { PositionTrace } from '../model/position-trace.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { type Clusters, snapshotsOf } from './clusters.ts'
import { badParameter, readQuery, wholeNumber } from './query.ts'
import { jsonAsIs, Refusal, type Request, type Response, type Route } from './route.ts'

/** How many names a refusal lists as help. */
const HINTS = 50
const MAX_PARTITION = 2 ** 31 - 1

/** How the position of a Flink job on a partition came to be; undefined for any other consumer. */
export type TracePosition = (row: {
  readonly kafkaCluster: string
  readonly consumer: string
  readonly topic: string
  readonly partition: number
}) => Promise<PositionTrace | undefined>

/**
 * `/api/v1/explain`: one row with the requests behind each of its numbers, the calculation in words, and why a number
 * is missing. `kafka_cluster` may be left out when there is only one.
 *
 * @param trace asked for rows of Flink jobs; they are explained without it when absent
 */
export function explainRoute(clusters: Clusters, trace?: TracePosition): Route {
  return { method: 'GET', path: '/api/v1/explain', handle: (request) => explainRow(clusters, request, trace) }
}

async function explainRow(clusters: Clusters, request: Request, trace: TracePosition | undefined): Promise<Response> {
  const query = readQuery(request.query, ['kafka_cluster', 'consumer', 'topic', 'partition'])
  const consumer = required('consumer', query.consumer, 'the name of a consumer')
  const topic = required('topic', query.topic, 'the name of a topic')
  const partition = wholeNumber('partition', required('partition', query.partition, 'a number'), 0, MAX_PARTITION)
  const snapshot = onlySnapshot(clusters, query.kafka_cluster)
  const row = findRow(snapshot, consumer, topic, partition)
  const traced = row.kind === 'flink' ? await trace?.(row) : undefined
  return jsonAsIs(200, jsonText(explain(snapshot, row, traced)))
}

function required(name: string, value: string | undefined, expected: string): string {
  if (value === undefined || value === '') throw badParameter(name, value ?? '', expected)
  return value
}

function onlySnapshot(clusters: Clusters, kafkaCluster: string | undefined): Snapshot {
  const names = clusters.names()
  if (kafkaCluster === undefined && names.length > 1)
    throw badParameter('kafka_cluster', '', `one of ${names.join(', ')}`)
  const [snapshot] = snapshotsOf(clusters, kafkaCluster)
  if (snapshot === undefined)
    throw new Refusal(503, `Kafka cluster "${kafkaCluster ?? names[0] ?? ''}" has not completed a cycle yet`)
  return snapshot
}

/** @throws Refusal 404 that says which part of the question is unknown, and what is known instead. */
function findRow(snapshot: Snapshot, consumer: string, topic: string, partition: number): LagRow {
  const topics: string[] = []
  const partitions: number[] = []
  for (const part of snapshot.parts) {
    const { batch } = part
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      if (batch.consumers[batch.blockConsumer[block]!]!.name !== consumer) continue
      const name = batch.topics[batch.blockTopic[block]!]!.name
      topics.push(name)
      if (name !== topic) continue
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
        if (batch.partition[row] === partition) return lagRow(snapshot, part, block, row)
        partitions.push(batch.partition[row]!)
      }
    }
  }
  const where = `in Kafka cluster "${snapshot.kafkaCluster}"`
  if (partitions.length > 0)
    throw new Refusal(
      404,
      `Consumer "${consumer}" has no row for partition ${partition} of topic "${topic}" ${where}`,
      {
        partitions: partitions.slice(0, HINTS),
      },
    )
  if (topics.length > 0)
    throw new Refusal(404, `Consumer "${consumer}" has no row for topic "${topic}" ${where}`, {
      topics: topics.slice(0, HINTS),
    })
  const known = snapshot.consumers.some((total) => total.consumer.name === consumer)
  throw new Refusal(404, `Consumer "${consumer}" ${known ? 'has no rows' : 'is unknown'} ${where}`, {
    problems: snapshot.problems.filter((problem) => problem.consumer === consumer).slice(0, HINTS),
  })
}
