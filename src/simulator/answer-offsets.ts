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

/** Records have no timestamps here: a search by time finds nothing. */
export function answerListOffsets(asked: Asked): Buffer {
  const request = decodeListOffsetsRequest(asked.version, asked.body)
  const topicFirst = firstRows(request.topics)
  const rows = topicFirst.at(-1)!
  const partition = new Int32Array(rows)
  const offset = offsetColumn(rows)
  const absent = new Uint8Array(rows)
  const epoch = new Int32Array(rows).fill(-1)
  const error = new Int16Array(rows)

  for (const [index, { name, partitions, timestamps, leaderEpochs }] of request.topics.entries()) {
    const topic = asked.state.topics.get(name)
    for (let entry = 0; entry < partitions.length; entry++) {
      const row = topicFirst[index]! + entry
      const wanted = partitions[entry]!
      const code = refusal(asked, name, topic, wanted, leaderEpochs?.[entry] ?? -1)
      partition[row] = wanted
      error[row] = code || (topic?.offsetErrors.get(wanted) ?? 0)
      const timestamp = timestamps?.[entry] ?? request.timestamp
      if (
        topic === undefined ||
        error[row] !== 0 ||
        !readOffset(topic, wanted, timestamp, request.isolation, offset, row)
      )
        absent[row] = 1
      else epoch[row] = topic.leaderEpochs[wanted]!
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
    timestamp: new Float64Array(rows).fill(-1),
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

/** Reads into row `row` of `column`; false when the timestamp finds nothing. */
function readOffset(
  topic: SimulatedTopic,
  partition: number,
  timestamp: number,
  isolation: 0 | 1,
  column: Uint32Array,
  row: number,
): boolean {
  const special =
    timestamp === LATEST && isolation === 1
      ? topic.stable.get(partition)
      : timestamp === EARLIEST_LOCAL
        ? topic.localStart.get(partition)
        : undefined
  if (special !== undefined) {
    setOffset(column, row, special)
    return true
  }
  if (timestamp !== LATEST && timestamp !== EARLIEST && timestamp !== EARLIEST_LOCAL) return false
  const source = timestamp === LATEST ? topic.end : topic.start
  column[row * 2] = source[partition * 2]!
  column[row * 2 + 1] = source[partition * 2 + 1]!
  return true
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
