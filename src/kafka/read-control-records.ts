import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import { decodeFetchResponse, encodeFetchRequest, type FetchedPartition } from '../kafka-wire/fetch.ts'
import { recordBatches } from '../kafka-wire/record-batch.ts'
import type { Catalog } from '../model/catalog.ts'
import type { Problem } from '../model/problem.ts'
import { describeError } from '../runtime/errors.ts'
import type { KafkaCluster } from './cluster.ts'
import { failureReason } from './failure-reason.ts'
import { lacksApi } from './lacks-api.ts'
import { questionsByLeader } from './leader-plan.ts'

/** What lies between a position and a log end, both offsets of one partition. */
export interface TailQuestion {
  readonly topic: string
  readonly partition: number
  readonly position: bigint
  readonly end: bigint
}

/**
 * `control`: nothing but control records, which no consumer is ever given. `records`: at least one record that is for
 * consumers. `unclear`: the answer did not reach the end, or could not be had. `denied`: we may not READ the topic.
 */
export type Tail = 'control' | 'records' | 'unclear' | 'denied'

/** An end of a transaction is a batch of 78 bytes; what stands there instead may be cut off behind its header. */
const BYTES_PER_PARTITION = 4_096
const BYTES_PER_REQUEST = 512 * 1024

/**
 * Looks at what is left to read, by `tailKey` (Fetch, from Kafka 0.11; READ on the topics needed): one request a broker.
 * Only headers of batches are looked at. At most one question a partition and call: others have their turn later. A
 * broker that is too old for transactions is not asked.
 */
export async function readTails(
  cluster: KafkaCluster,
  catalog: Catalog,
  questions: readonly TailQuestion[],
  signal: AbortSignal,
): Promise<{ readonly tails: ReadonlyMap<string, Tail>; readonly problems: readonly Problem[] }> {
  const tails = new Map<string, Tail>()
  const problems: Problem[] = []
  await Promise.all(
    [...questionsByLeader(catalog, questions)].map(async ([broker, asked]) => {
      const topics = Array.from(asked, ([name, partitions]) => ({
        name,
        partitions: Array.from(partitions, ([partition, { position }]) => ({
          partition,
          offset: position,
          maxBytes: BYTES_PER_PARTITION,
        })),
      }))
      try {
        const { value } = await cluster.ask(
          broker,
          {
            api: apis.Fetch,
            encode: (version) => encodeFetchRequest(version, { maxBytes: BYTES_PER_REQUEST, topics }),
            decode: decodeFetchResponse,
          },
          signal,
        )
        for (const { name, partitions } of value.topics)
          for (const fetched of partitions) {
            const question = asked.get(name)?.get(fetched.partition)
            if (question !== undefined) tails.set(tailKey(question), tailOf(fetched, question))
          }
      } catch (error) {
        if (signal.aborted) throw error
        if (lacksApi(cluster, broker, apis.Fetch)) return
        problems.push({
          reason: failureReason(error),
          broker: String(broker),
          message: `Control records from broker ${broker}: ${describeError(error)}`,
        })
      }
    }),
  )
  return { tails, problems }
}

export function tailKey({ topic, partition, position, end }: TailQuestion): string {
  return `${topic}\n${partition}\n${position}\n${end}`
}

/** A batch from which compaction has taken every record is nothing to read either. */
function tailOf({ error, records }: FetchedPartition, { position, end }: TailQuestion): Tail {
  if (error === errorCodes.TOPIC_AUTHORIZATION_FAILED) return 'denied'
  if (error !== errorCodes.NONE || records === undefined) return 'unclear'
  let seen = position
  for (const batch of recordBatches(records)) {
    if (batch.lastOffset < position) continue
    if (batch.baseOffset >= end) break
    if (!batch.control && batch.records > 0) return 'records'
    seen = batch.lastOffset + 1n
  }
  return seen >= end ? 'control' : 'unclear'
}
