import { errorCodes } from '../kafka-wire/error-codes.ts'
import { decodeFetchRequest, encodeFetchResponse, type FetchedPartition } from '../kafka-wire/fetch.ts'
import { encodeRecordBatch, encodeStampedBatch, type RecordBatch } from '../kafka-wire/record-batch.ts'
import { offsetAt } from '../model/offsets.ts'
import type { Asked } from './answer.ts'
import type { SimulatedTopic } from './kafka-topics.ts'

/**
 * Records have neither content nor a checksum, and are zeros where they have no time: who only looks at the headers of
 * batches and at the times of records sees what a real log would show.
 */
export function answerFetch(asked: Asked): Buffer {
  const { maxBytes, topics } = decodeFetchRequest(asked.version, asked.body)
  let left = maxBytes
  let isFirst = true
  const answers = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partition, offset, maxBytes: most }) => {
      const answer = fetched(asked, name, partition, offset, Math.min(most, left), isFirst)
      left -= answer.records?.length ?? 0
      isFirst &&= (answer.records?.length ?? 0) === 0
      return answer
    }),
  }))
  return encodeFetchResponse(asked.version, { throttleMs: asked.throttleMs, topics: answers })
}

function fetched(
  { state, broker, forced }: Asked,
  name: string,
  partition: number,
  offset: bigint,
  most: number,
  isFirst: boolean,
): FetchedPartition {
  const topic = state.topics.get(name)
  const refused = (error: number): FetchedPartition => ({
    partition,
    error,
    highWatermark: -1n,
    lastStableOffset: -1n,
    records: Buffer.alloc(0),
  })
  if (forced !== 0) return refused(forced)
  if (state.denied.topics.has(name) || state.denied.reads.has(name))
    return refused(errorCodes.TOPIC_AUTHORIZATION_FAILED)
  if (topic === undefined || partition < 0 || partition >= topic.partitions.length)
    return refused(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  if (topic.leaders[partition] !== broker) return refused(errorCodes.NOT_LEADER_OR_FOLLOWER)
  const end = offsetAt(topic.end, partition)
  if (offset < offsetAt(topic.start, partition) || offset > end) return refused(errorCodes.OFFSET_OUT_OF_RANGE)
  const parts = batchesFrom(topic, partition, offset, end).flatMap((batch) => stamped(topic, partition, batch))
  const records = Buffer.concat(parts)
  // The first batch of an answer is given whole, however large (KIP-74).
  const cut = Math.max(0, isFirst ? Math.max(most, parts[0]?.length ?? 0) : most)
  return {
    partition,
    error: errorCodes.NONE,
    highWatermark: end,
    lastStableOffset: topic.stable.get(partition) ?? end,
    records: records.subarray(0, cut),
  }
}

/** The batches that were planned from an offset on; what was not planned is one batch of plain records. */
function batchesFrom(topic: SimulatedTopic, partition: number, offset: bigint, end: bigint): readonly RecordBatch[] {
  const found: RecordBatch[] = []
  let at = offset
  for (const batch of topic.batches.get(partition) ?? []) {
    if (batch.lastOffset < at || batch.baseOffset >= end) continue
    if (batch.baseOffset > at) found.push(plain(at, batch.baseOffset))
    found.push(batch)
    at = batch.lastOffset + 1n
  }
  if (at < end) found.push(plain(at, end))
  return found
}

/** A batch as the times of its records split it; what compaction has taken is not in it. */
function stamped({ times }: SimulatedTopic, partition: number, batch: RecordBatch): readonly Buffer[] {
  const runs = times.runs(partition).filter(({ from, to }) => from <= batch.lastOffset && to > batch.baseOffset)
  if (runs.length === 0) return [encodeRecordBatch(batch, batch.records * 10)]
  return runs.flatMap(({ from, to, at }) => {
    if (at === undefined) return []
    const first = from < batch.baseOffset ? batch.baseOffset : from
    const last = to > batch.lastOffset ? batch.lastOffset : to - 1n
    const records = Math.min(Number(last - first) + 1, batch.records)
    return [encodeStampedBatch({ ...batch, baseOffset: first, lastOffset: last, records }, at)]
  })
}

function plain(from: bigint, to: bigint): RecordBatch {
  const records = Math.min(Number(to - from), 1_000)
  return { baseOffset: from, lastOffset: to - 1n, records, transactional: false, control: false }
}
