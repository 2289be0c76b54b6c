import { apis, readBody, writeBody } from './apis.ts'
import { fit } from './columns.ts'
import { int64At } from './reader.ts'

const api = apis.DescribeLogDirs
const ROW_BYTES = 21

/** DescribeLogDirsRequest.json: which replicas does the broker have on its disks, and how large are they (KIP-113)? */
export interface DescribeLogDirsRequest {
  /** Absent = every replica of the broker. */
  readonly topics?: readonly { readonly name: string; readonly partitions: ArrayLike<number> }[]
}

/** DescribeLogDirsResponse.json as columns: the rows of topic t are `topicFirst[t]` up to `topicFirst[t + 1]`. */
export interface DescribeLogDirsResponse {
  readonly throttleMs: number
  /** Of the whole answer, from v3 on. Before, who may not ask gets an answer without directories. */
  readonly error: number
  readonly directories: readonly {
    readonly error: number
    readonly path: string
    /** First and, excluded, last entry of `topics`. */
    readonly firstTopic: number
    readonly endTopic: number
  }[]
  /** A topic stands once for each directory that has replicas of it. */
  readonly topics: readonly string[]
  readonly topicFirst: Uint32Array
  readonly partition: Int32Array
  /** Bytes of the log segments of the replica. */
  readonly size: Float64Array
  /** How far the replica is behind the log end; −1 when the broker cannot tell. */
  readonly offsetLag: Float64Array
  /** 1 for a replica that is being moved to this directory and is not the one in use. */
  readonly future: Uint8Array
}

export function encodeDescribeLogDirsRequest(version: number, { topics }: DescribeLogDirsRequest): Buffer {
  const writer = writeBody(api, version)
  writer.count(topics?.length)
  for (const { name, partitions } of topics ?? []) {
    writer.string(name)
    writer.int32s(partitions)
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

export function decodeDescribeLogDirsRequest(version: number, body: Buffer): DescribeLogDirsRequest {
  const reader = readBody(api, version, 'request', body)
  const count = reader.nullableCount(reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const topics: { readonly name: string; readonly partitions: Int32Array }[] = []
  for (let left = count ?? 0; left > 0; left--) {
    topics.push({ name: reader.string(), partitions: reader.int32s() })
    reader.tags()
  }
  reader.tags()
  reader.end()
  return count === undefined ? {} : { topics }
}

/** Takes the shape that the decoder returns. */
export function encodeDescribeLogDirsResponse(version: number, response: DescribeLogDirsResponse): Buffer {
  const { directories, topics, topicFirst, partition, size, offsetLag, future } = response
  const writer = writeBody(api, version, 64 + 40 * topics.length + (ROW_BYTES + 1) * partition.length)
  writer.int32(response.throttleMs)
  if (version >= 3) writer.int16(response.error)
  writer.count(directories.length)
  for (const { error, path, firstTopic, endTopic } of directories) {
    writer.int16(error)
    writer.string(path)
    writer.count(endTopic - firstTopic)
    for (let topic = firstTopic; topic < endTopic; topic++) {
      const end = topicFirst[topic + 1]!
      writer.string(topics[topic]!)
      writer.count(end - topicFirst[topic]!)
      for (let row = topicFirst[topic]!; row < end; row++) {
        writer.int32(partition[row]!)
        writer.int64Number(size[row]!)
        writer.int64Number(offsetLag[row]!)
        writer.int8(future[row]!)
        writer.tags()
      }
      writer.tags()
    }
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

export function decodeDescribeLogDirsResponse(version: number, body: Buffer): DescribeLogDirsResponse {
  const reader = readBody(api, version, 'response', body)
  const { view, tagBytes } = reader
  const throttleMs = reader.int32()
  const error = version >= 3 ? reader.int16() : 0
  const most = Math.floor(reader.remaining / (ROW_BYTES + tagBytes))
  const partition = new Int32Array(most)
  const size = new Float64Array(most)
  const offsetLag = new Float64Array(most)
  const future = new Uint8Array(most)

  const topics: string[] = []
  const firsts = [0]
  const directories: DescribeLogDirsResponse['directories'][number][] = []
  let row = 0
  for (let left = reader.count(2 + reader.stringBytes + reader.arrayBytes + tagBytes); left > 0; left--) {
    const head = { error: reader.int16(), path: reader.string(), firstTopic: topics.length }
    for (let more = reader.count(reader.stringBytes + reader.arrayBytes + tagBytes); more > 0; more--) {
      topics.push(reader.string())
      const end = row + reader.count(ROW_BYTES + tagBytes)
      for (; row < end; row++) {
        const at = reader.take(ROW_BYTES)
        partition[row] = view.getInt32(at)
        size[row] = int64At(view, at + 4)
        offsetLag[row] = int64At(view, at + 12)
        future[row] = view.getUint8(at + 20)
        reader.tags()
      }
      reader.tags()
      firsts.push(row)
    }
    reader.tags()
    directories.push({ ...head, endTopic: topics.length })
  }
  reader.tags()
  reader.end()
  return {
    throttleMs,
    error,
    directories,
    topics,
    topicFirst: Uint32Array.from(firsts),
    partition: fit(partition, row),
    size: fit(size, row),
    offsetLag: fit(offsetLag, row),
    future: fit(future, row),
  }
}
