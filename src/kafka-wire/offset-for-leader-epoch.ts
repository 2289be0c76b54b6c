import { offsetColumn } from '../model/offsets.ts'
import { apis, readBody, writeBody } from './apis.ts'
import { fit } from './columns.ts'
import { offsetAt } from './reader.ts'

const api = apis.OffsetForLeaderEpoch
const ROW_BYTES = 18

/** OffsetForLeaderEpochRequest.json: where does the leader's log of each epoch end (KIP-101, KIP-320)? */
export interface OffsetForLeaderEpochRequest {
  readonly topics: readonly {
    readonly name: string
    readonly partitions: ArrayLike<number>
    /** The epoch asked about, an entry a partition. */
    readonly leaderEpochs: ArrayLike<number>
    /** For fencing, an entry a partition; −1 = not known, as all are when absent. */
    readonly currentLeaderEpochs?: ArrayLike<number>
  }[]
}

/** OffsetForLeaderEpochResponse.json as columns: the rows of topic t are `topicFirst[t]` up to `topicFirst[t + 1]`. */
export interface OffsetForLeaderEpochResponse {
  readonly throttleMs: number
  readonly topics: readonly string[]
  /** First row of each topic, and the number of rows at the end: topics + 1 entries. */
  readonly topicFirst: Uint32Array
  readonly partition: Int32Array
  /** The largest epoch that the leader knows up to the one asked about; −1 when there is none. */
  readonly epoch: Int32Array
  /** Where that epoch ends, two words a row as in `model/offsets.ts`; 0 when absent. */
  readonly endOffset: Uint32Array
  /** 1 when the broker gave no offset. */
  readonly absent: Uint8Array
  readonly error: Int16Array
}

export function encodeOffsetForLeaderEpochRequest(version: number, request: OffsetForLeaderEpochRequest): Buffer {
  const writer = writeBody(api, version)
  writer.count(request.topics.length)
  for (const { name, partitions, leaderEpochs, currentLeaderEpochs } of request.topics) {
    writer.string(name)
    writer.count(partitions.length)
    for (let row = 0; row < partitions.length; row++) {
      writer.int32(partitions[row]!)
      writer.int32(currentLeaderEpochs?.[row] ?? -1)
      writer.int32(leaderEpochs[row]!)
    }
  }
  return writer.finish()
}

export function decodeOffsetForLeaderEpochRequest(version: number, body: Buffer): OffsetForLeaderEpochRequest {
  const reader = readBody(api, version, 'request', body)
  const count = reader.count(reader.stringBytes + reader.arrayBytes)
  const topics: OffsetForLeaderEpochRequest['topics'][number][] = []
  for (let index = 0; index < count; index++) {
    const name = reader.string()
    const rows = reader.count(12)
    const partitions = new Int32Array(rows)
    const currentLeaderEpochs = new Int32Array(rows)
    const leaderEpochs = new Int32Array(rows)
    for (let row = 0; row < rows; row++) {
      partitions[row] = reader.int32()
      currentLeaderEpochs[row] = reader.int32()
      leaderEpochs[row] = reader.int32()
    }
    const isKnown = currentLeaderEpochs.some((epoch) => epoch !== -1)
    topics.push({ name, partitions, leaderEpochs, ...(isKnown ? { currentLeaderEpochs } : {}) })
  }
  reader.end()
  return { topics }
}

/** Takes the shape that the decoder returns. */
export function encodeOffsetForLeaderEpochResponse(version: number, response: OffsetForLeaderEpochResponse): Buffer {
  const { topicFirst, partition, epoch, endOffset, absent, error } = response
  const writer = writeBody(api, version, 64 + 40 * response.topics.length + ROW_BYTES * partition.length)
  writer.int32(response.throttleMs)
  writer.count(response.topics.length)
  for (const [topic, name] of response.topics.entries()) {
    const end = topicFirst[topic + 1]!
    writer.string(name)
    writer.count(end - topicFirst[topic]!)
    for (let row = topicFirst[topic]!; row < end; row++) {
      writer.int16(error[row]!)
      writer.int32(partition[row]!)
      writer.int32(epoch[row]!)
      writer.offset(endOffset, row, absent[row] === 1)
    }
  }
  return writer.finish()
}

export function decodeOffsetForLeaderEpochResponse(version: number, body: Buffer): OffsetForLeaderEpochResponse {
  const reader = readBody(api, version, 'response', body)
  const { view } = reader
  const throttleMs = reader.int32()
  const most = Math.floor(reader.remaining / ROW_BYTES)
  const partition = new Int32Array(most)
  const epoch = new Int32Array(most)
  const endOffset = offsetColumn(most)
  const absent = new Uint8Array(most)
  const error = new Int16Array(most)

  const topics: string[] = []
  const count = reader.count(reader.stringBytes + reader.arrayBytes)
  const topicFirst = new Uint32Array(count + 1)
  let row = 0
  for (let topic = 0; topic < count; topic++) {
    topics.push(reader.string())
    const end = row + reader.count(ROW_BYTES)
    for (; row < end; row++) {
      const at = reader.take(ROW_BYTES)
      error[row] = view.getInt16(at)
      partition[row] = view.getInt32(at + 2)
      epoch[row] = view.getInt32(at + 6)
      absent[row] = offsetAt(view, at + 10, endOffset, row)
    }
    topicFirst[topic + 1] = row
  }
  reader.end()
  return {
    throttleMs,
    topics,
    topicFirst,
    partition: fit(partition, row),
    epoch: fit(epoch, row),
    endOffset: fit(endOffset, row * 2),
    absent: fit(absent, row),
    error: fit(error, row),
  }
}
