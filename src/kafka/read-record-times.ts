import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import { decodeFetchResponse, encodeFetchRequest, type FetchedPartition } from '../kafka-wire/fetch.ts'
import { recordTime } from '../kafka-wire/record-time.ts'
import type { Catalog } from '../model/catalog.ts'
import type { Problem } from '../model/problem.ts'
import type { NoTimeReason, TimeLookUp } from '../model/time-look-up.ts'
import { breather } from '../runtime/breathe.ts'
import { describeError } from '../runtime/errors.ts'
import type { KafkaCluster } from './cluster.ts'
import { failureReason } from './failure-reason.ts'
import { lacksApi } from './lacks-api.ts'
import { questionsByLeader } from './leader-plan.ts'
import type { LookUpOptions, TimeAsked } from './look-up-times.ts'
import { isFuture } from './next-time.ts'

/** Headers of a batch and some of its records. What is cut off before the record is told as its batch. */
const BYTES_PER_PARTITION = 4_096
/** 128 partitions; the others have their turn later. The first batch of an answer is given whole (KIP-74). */
const PARTITIONS_PER_REQUEST = 128

/**
 * Reads the timestamps of the records at positions (Fetch, from Kafka 0.11; READ on the topics needed): one request a
 * broker, headers of batches and records that are not compressed. Only the first question about a partition is asked, and
 * of a broker's partitions the first 128; the others are left out, as are positions before the local log start unless
 * `cold` is set. Where compaction has taken the record it is `not_found`. When the signal aborts, nothing more is told.
 */
export async function readRecordTimes(
  cluster: KafkaCluster,
  catalog: Catalog,
  questions: readonly TimeAsked[],
  { now, cold = false, tell }: LookUpOptions,
  signal: AbortSignal,
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  await Promise.all(
    [...questionsByLeader(catalog, questions)].map(async ([broker, asked]) => {
      const wanted = [...asked.values()]
        .flatMap((of) => [...of.values()])
        .filter(({ position, localStart }) => cold || localStart === undefined || position >= localStart)
        .slice(0, PARTITIONS_PER_REQUEST)
      if (wanted.length === 0) return
      try {
        const answer = await fetchHeads(broker, wanted)
        const breathe = breather()
        for (const { name, partitions } of answer.topics)
          for (const fetched of partitions) {
            await breathe()
            const question = asked.get(name)?.get(fetched.partition)
            if (question !== undefined) tell(question, told(fetched, question, now))
          }
      } catch (error) {
        if (signal.aborted) return
        const isOld = lacksApi(cluster, broker, apis.Fetch)
        const reason = isOld ? 'unsupported' : failureReason(error)
        for (const question of wanted) tell(question, unknown(question, reason))
        if (!isOld)
          problems.push({
            reason,
            broker: String(broker),
            message: `Times of records from broker ${broker}: ${describeError(error)}`,
          })
      }
    }),
  )
  return problems

  async function fetchHeads(broker: number, wanted: readonly TimeAsked[]) {
    const byTopic = new Map<string, { partition: number; offset: bigint; maxBytes: number }[]>()
    for (const { topic, partition, position } of wanted) {
      const partitions = byTopic.get(topic) ?? []
      byTopic.set(topic, partitions)
      partitions.push({ partition, offset: position, maxBytes: BYTES_PER_PARTITION })
    }
    const topics = Array.from(byTopic, ([name, partitions]) => ({ name, partitions }))
    const { value } = await cluster.ask(
      broker,
      {
        api: apis.Fetch,
        encode: (version) =>
          encodeFetchRequest(version, { maxBytes: BYTES_PER_PARTITION * PARTITIONS_PER_REQUEST, topics }),
        decode: decodeFetchResponse,
      },
      signal,
    )
    return value
  }
}

function told({ error, records }: FetchedPartition, question: TimeAsked, now: number): TimeLookUp {
  const { position, bracket = {}, type } = question
  if (error !== errorCodes.NONE) return unknown(question, reasonOfError(error))
  const time = recordTime(records ?? Buffer.alloc(0), position)
  if (time === undefined) return unknown(question, 'not_found')
  if (time.kind === 'none') return unknown(question, 'no_timestamp')
  // Compaction has taken the record: the next one tells no more than the latest moment, a search tells both.
  if (time.offset > position) return unknown(question, 'not_found')
  const at = time.kind === 'record' ? time.at : time.latest
  if (isFuture({ at, offset: position }, now)) return unknown(question, 'future_timestamp')
  const isStamped = (time.kind === 'record' && time.isAppendTime) || type === 'LogAppendTime'
  const isExact = time.kind === 'record'
  return {
    position,
    isExact,
    at,
    guess: at,
    // A batch is appended at once, so no record of it before the last of them was made.
    notBefore: at,
    notAfter: at,
    notAfterIsGuess: !isStamped,
    isSettled: true,
    source: 'record',
    rounds: 1,
    // A record that came late says nothing of those around it, which is what a bracket is for.
    bracket,
  }
}

function unknown({ position, bracket = {} }: TimeAsked, reason: NoTimeReason): TimeLookUp {
  return { position, reason, rounds: 1, bracket }
}

function reasonOfError(error: number): NoTimeReason {
  switch (error) {
    case errorCodes.TOPIC_AUTHORIZATION_FAILED:
      return 'unauthorized'
    case errorCodes.REQUEST_TIMED_OUT:
      return 'timeout'
    default:
      return 'read_failed'
  }
}
