import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeListOffsetsRequest,
  EARLIEST,
  EARLIEST_LOCAL,
  encodeListOffsetsResponse,
  LATEST,
} from '../kafka-wire/list-offsets.ts'
import {
  decodeOffsetForLeaderEpochRequest,
  encodeOffsetForLeaderEpochResponse,
} from '../kafka-wire/offset-for-leader-epoch.ts'
import { offsetAt, offsetColumn, setOffset } from '../model/offsets.ts'
import type { Asked } from './answer.ts'
import type { SimulatedTopic } from './kafka-topics.ts'

/** A search by time finds only records that were given one. v0, which knows the times of segments only, tells none. */
export function answerListOffsets(asked: Asked): Buffer {
  const request = decodeListOffsetsRequest(asked.version, asked.body)
  const topicFirst = firstRows(request.topics)
  const rows = topicFirst.at(-1)!
  const partition = new Int32Array(rows)
  const offset = offsetColumn(rows)
  const absent = new Uint8Array(rows)
  const epoch = new Int32Array(rows).fill(-1)
  const error = new Int16Array(rows)
  const found = new Float64Array(rows).fill(-1)

  for (const [index, { name, partitions, timestamps, leaderEpochs }] of request.topics.entries()) {
    const topic = asked.state.topics.get(name)
    for (let entry = 0; entry < partitions.length; entry++) {
      const row = topicFirst[index]! + entry
      const wanted = partitions[entry]!
      const code = refusal(asked, name, topic, wanted, leaderEpochs?.[entry] ?? -1)
      partition[row] = wanted
      const timestamp = timestamps?.[entry] ?? request.timestamp
      error[row] = code || (topic?.offsetErrors.get(wanted) ?? formatError(topic, timestamp))
      const at =
        topic === undefined || error[row] !== 0
          ? undefined
          : readOffset(topic, wanted, timestamp, request.isolation, offset, row)
      if (at === undefined) absent[row] = 1
      else {
        found[row] = at
        epoch[row] = topic?.leaderEpochs[wanted] ?? -1
      }
    }
  }
  return encodeListOffsetsResponse(asked.version, {
    throttleMs: asked.throttleMs,
    topics: request.topics.map(({ name }) => name),
    topicFirst,
    partition,
    offset,
    absent,
    epoch,
    error,
    timestamp: found,
  })
}

export function answerOffsetForLeaderEpoch(asked: Asked): Buffer {
  const request = decodeOffsetForLeaderEpochRequest(asked.version, asked.body)
  const topicFirst = firstRows(request.topics)
  const rows = topicFirst.at(-1)!
  const partition = new Int32Array(rows)
  const epoch = new Int32Array(rows).fill(-1)
  const endOffset = offsetColumn(rows)
  const absent = new Uint8Array(rows).fill(1)
  const error = new Int16Array(rows)

  for (const [index, { name, partitions, leaderEpochs, currentLeaderEpochs }] of request.topics.entries()) {
    const topic = asked.state.topics.get(name)
    for (let entry = 0; entry < partitions.length; entry++) {
      const row = topicFirst[index]! + entry
      const wanted = partitions[entry]!
      partition[row] = wanted
      error[row] = refusal(asked, name, topic, wanted, currentLeaderEpochs?.[entry] ?? -1)
      const found = topic !== undefined && error[row] === 0 && endOfEpoch(topic, wanted, leaderEpochs[entry]!)
      if (!found) continue
      epoch[row] = found.epoch
      absent[row] = 0
      setOffset(endOffset, row, found.end)
    }
  }
  const topics = request.topics.map(({ name }) => name)
  const columns = { topicFirst, partition, epoch, endOffset, absent, error }
  return encodeOffsetForLeaderEpochResponse(asked.version, { throttleMs: asked.throttleMs, topics, ...columns })
}

function firstRows(topics: readonly { readonly partitions: ArrayLike<number> }[]): Uint32Array {
  const first = new Uint32Array(topics.length + 1)
  for (const [index, { partitions }] of topics.entries()) first[index + 1] = first[index]! + partitions.length
  return first
}

/** Why the asked broker does not answer for a partition; 0 when it does. */
function refusal(
  { state, broker, forced }: Asked,
  name: string,
  topic: SimulatedTopic | undefined,
  partition: number,
  leaderEpoch: number,
): number {
  if (forced !== 0) return forced
  if (state.denied.topics.size > 0 && state.denied.topics.has(name)) return errorCodes.TOPIC_AUTHORIZATION_FAILED
  if (topic === undefined || partition < 0 || partition >= topic.partitions.length)
    return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  if (topic.leaders[partition] !== broker) return errorCodes.NOT_LEADER_OR_FOLLOWER
  if (leaderEpoch < 0 || leaderEpoch === topic.leaderEpochs[partition]) return 0
  return leaderEpoch < topic.leaderEpochs[partition]! ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH
}

/** Records in the formats before 0.10 have no time to search by. */
function formatError(topic: SimulatedTopic | undefined, timestamp: number): number {
  const format = topic?.configs.get('message.format.version') ?? ''
  return timestamp >= 0 && /^0\.[89]/.test(format) ? errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT : errorCodes.NONE
}

/** Reads into row `row` of `column`. The timestamp of the record, −1 beside a side of the log, undefined for nothing. */
function readOffset(
  topic: SimulatedTopic,
  partition: number,
  timestamp: number,
  isolation: 0 | 1,
  column: Uint32Array,
  row: number,
): number | undefined {
  const special =
    timestamp === LATEST && isolation === 1
      ? topic.stable.get(partition)
      : timestamp === EARLIEST_LOCAL
        ? topic.localStart.get(partition)
        : undefined
  if (special !== undefined) {
    setOffset(column, row, special)
    return -1
  }
  if (timestamp >= 0) {
    const [start, end] = [offsetAt(topic.start, partition), offsetAt(topic.end, partition)]
    const record = topic.times.firstSince(partition, start, end, timestamp)
    if (record !== undefined) setOffset(column, row, record.offset)
    return record?.at
  }
  if (timestamp !== LATEST && timestamp !== EARLIEST && timestamp !== EARLIEST_LOCAL) return undefined
  const source = timestamp === LATEST ? topic.end : topic.start
  column[row * 2] = source[partition * 2]!
  column[row * 2 + 1] = source[partition * 2 + 1]!
  return -1
}

/** As the broker's LeaderEpochFileCache.endOffsetFor: undefined for an epoch above all that it knows. */
function endOfEpoch(
  topic: SimulatedTopic,
  partition: number,
  epoch: number,
): { readonly epoch: number; readonly end: bigint } | undefined {
  const starts = topic.epochStarts.get(partition) ?? [{ epoch: topic.leaderEpochs[partition]!, start: 0n }]
  const next = starts.findIndex((one) => one.epoch > epoch)
  if (next === 0) return { epoch, end: starts[0]!.start }
  if (next > 0) return { epoch: starts[next - 1]!.epoch, end: starts[next]!.start }
  const last = starts.at(-1)!
  return last.epoch === epoch ? { epoch, end: offsetAt(topic.end, partition) } : undefined
}
