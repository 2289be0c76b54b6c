import { offsetColumn } from '../model/offsets.ts'
import { apis, readBody, writeBody } from './apis.ts'
import { fit } from './columns.ts'
import { int64At, offsetAt, type Reader } from './reader.ts'

const api = apis.ListOffsets
const CONSUMER = -1

/** Timestamps with a meaning of their own in ListOffsetsRequest.json. */
export const LATEST = -1
export const EARLIEST = -2
/** From v8 on (KIP-405). */
export const EARLIEST_LOCAL = -4

/** ListOffsetsRequest.json. Asks for one offset a partition, also in v0. */
export interface ListOffsetsRequest {
  /** 0 = up to the high watermark, 1 = up to the last stable offset; from v2 on. */
  readonly isolation: 0 | 1
  /** Milliseconds since 1970, or one of the constants above, or −3 for the highest timestamp (v7, KIP-734). */
  readonly timestamp: number
  readonly topics: readonly {
    readonly name: string
    readonly partitions: ArrayLike<number>
    /** In place of the common one, an entry a partition; the decoder gives them only where one differs. */
    readonly timestamps?: ArrayLike<number>
    /** For fencing, an entry a partition, from v4 on; −1 = not known, as all are when absent. */
    readonly leaderEpochs?: ArrayLike<number>
  }[]
}

/** ListOffsetsResponse.json as columns: the rows of topic t are `topicFirst[t]` up to `topicFirst[t + 1]`. */
export interface ListOffsetsResponse {
  readonly throttleMs: number
  readonly topics: readonly string[]
  /** First row of each topic, and the number of rows at the end: topics + 1 entries. */
  readonly topicFirst: Uint32Array
  readonly partition: Int32Array
  /** Two words a row as in `model/offsets.ts`; 0 when absent. */
  readonly offset: Uint32Array
  /** 1 when the broker gave no offset. */
  readonly absent: Uint8Array
  /** Leader epoch of the offset (KIP-320), from v4 on; −1 when not known. */
  readonly epoch: Int32Array
  readonly error: Int16Array
  /** Of the record at the offset, when a timestamp was asked for, from v1 on; −1 when there is none. */
  readonly timestamp: Float64Array
}

export function encodeListOffsetsRequest(version: number, request: ListOffsetsRequest): Buffer {
  const rows = request.topics.reduce((sum, topic) => sum + topic.partitions.length, 0)
  const writer = writeBody(api, version, 64 + 40 * request.topics.length + 20 * rows)
  writer.int32(CONSUMER)
  if (version >= 2) writer.int8(request.isolation)
  writer.count(request.topics.length)
  for (const { name, partitions, timestamps, leaderEpochs } of request.topics) {
    writer.string(name)
    writer.count(partitions.length)
    for (let row = 0; row < partitions.length; row++) {
      writer.int32(partitions[row]!)
      if (version >= 4) writer.int32(leaderEpochs?.[row] ?? -1)
      writer.int64Number(timestamps?.[row] ?? request.timestamp)
      if (version === 0) writer.int32(1)
      writer.tags()
    }
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

/** `timestamp` is that of the first partition. A topic has arrays of its own only where a partition differs. */
export function decodeListOffsetsRequest(version: number, body: Buffer): ListOffsetsRequest {
  const reader = readBody(api, version, 'request', body)
  reader.int32()
  const isolation = version >= 2 && reader.int8() === 1 ? 1 : 0
  const rowBytes = (version === 0 || version >= 4 ? 16 : 12) + reader.tagBytes
  const most = Math.floor(reader.remaining / rowBytes)
  const partitions = new Int32Array(most)
  const timestamps = new Float64Array(most)
  const leaderEpochs = new Int32Array(most)
  const topics: ListOffsetsRequest['topics'][number][] = []
  const count = reader.count(reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  let row = 0
  for (let topic = 0; topic < count; topic++) {
    const name = reader.string()
    const first = row
    const end = row + reader.count(rowBytes)
    let isPlain = true
    for (; row < end; row++) {
      partitions[row] = reader.int32()
      leaderEpochs[row] = version >= 4 ? reader.int32() : -1
      timestamps[row] = reader.int64Number()
      isPlain &&= timestamps[row] === timestamps[0] && leaderEpochs[row] === -1
      if (version === 0) reader.int32()
      reader.tags()
    }
    reader.tags()
    const asked = { name, partitions: partitions.subarray(first, end) }
    if (isPlain) topics.push(asked)
    else
      topics.push({
        ...asked,
        timestamps: timestamps.subarray(first, end),
        leaderEpochs: leaderEpochs.subarray(first, end),
      })
  }
  reader.tags()
  reader.end()
  return { isolation, timestamp: row === 0 ? LATEST : timestamps[0]!, topics }
}

/** Takes the shape that the decoder returns. */
export function encodeListOffsetsResponse(version: number, response: ListOffsetsResponse): Buffer {
  const { partition, offset, absent, epoch, error, timestamp, topicFirst } = response
  const writer = writeBody(api, version, 64 + 40 * response.topics.length + 28 * partition.length)
  if (version >= 2) writer.int32(response.throttleMs)
  writer.count(response.topics.length)
  for (const [topic, name] of response.topics.entries()) {
    const end = topicFirst[topic + 1]!
    writer.string(name)
    writer.count(end - topicFirst[topic]!)
    for (let row = topicFirst[topic]!; row < end; row++) {
      const isAbsent = absent[row] === 1
      writer.int32(partition[row]!)
      writer.int16(error[row]!)
      if (version === 0) writer.count(isAbsent ? 0 : 1)
      else writer.int64Number(timestamp[row]!)
      if (version >= 1 || !isAbsent) writer.offset(offset, row, isAbsent)
      if (version >= 4) writer.int32(epoch[row]!)
      writer.tags()
    }
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

/** Of v0's list of offsets a partition, which is in falling order, the first is taken. */
export function decodeListOffsetsResponse(version: number, body: Buffer): ListOffsetsResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = version >= 2 ? reader.int32() : 0
  const rowBytes = (version === 0 ? 10 : 22) + (version >= 4 ? 4 : 0) + reader.tagBytes
  const columns = createColumns(Math.floor(reader.remaining / rowBytes))
  const readRows = version === 0 ? readListRows : readOffsetRows
  const topics: string[] = []
  const count = reader.count(reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const topicFirst = new Uint32Array(count + 1)
  let rows = 0
  for (let topic = 0; topic < count; topic++) {
    topics.push(reader.string())
    const first = rows
    rows += reader.count(rowBytes)
    readRows(reader, columns, first, rows, version >= 4)
    reader.tags()
    topicFirst[topic + 1] = rows
  }
  reader.tags()
  reader.end()
  return {
    throttleMs,
    topics,
    topicFirst,
    partition: fit(columns.partition, rows),
    offset: fit(columns.offset, rows * 2),
    absent: fit(columns.absent, rows),
    epoch: fit(columns.epoch, rows),
    error: fit(columns.error, rows),
    timestamp: fit(columns.timestamp, rows),
  }
}

type Columns = Omit<ListOffsetsResponse, 'throttleMs' | 'topics' | 'topicFirst'>

/** Columns as large as the rest of the body could fill, so that they never grow and never exceed its size. */
function createColumns(rows: number): Columns {
  return {
    partition: new Int32Array(rows),
    offset: offsetColumn(rows),
    absent: new Uint8Array(rows),
    epoch: new Int32Array(rows),
    error: new Int16Array(rows),
    timestamp: new Float64Array(rows),
  }
}

function readOffsetRows(reader: Reader, columns: Columns, first: number, end: number, hasEpoch: boolean): void {
  const { view } = reader
  const { partition, offset, absent, epoch, error, timestamp } = columns
  const bytes = hasEpoch ? 26 : 22
  for (let row = first; row < end; row++) {
    const at = reader.take(bytes)
    partition[row] = view.getInt32(at)
    error[row] = view.getInt16(at + 4)
    timestamp[row] = int64At(view, at + 6)
    absent[row] = offsetAt(view, at + 14, offset, row)
    epoch[row] = hasEpoch ? view.getInt32(at + 22) : -1
    reader.tags()
  }
}

/** The rows of v0, each with a list of offsets and without timestamp and epoch. */
function readListRows(reader: Reader, columns: Columns, first: number, end: number): void {
  const { partition, offset, absent, epoch, error, timestamp } = columns
  for (let row = first; row < end; row++) {
    partition[row] = reader.int32()
    error[row] = reader.int16()
    const count = reader.count(8)
    const at = reader.take(count * 8)
    absent[row] = count === 0 ? 1 : offsetAt(reader.view, at, offset, row)
    epoch[row] = -1
    timestamp[row] = -1
  }
}
