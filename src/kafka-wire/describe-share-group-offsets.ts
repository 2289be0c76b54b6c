import { offsetColumn } from '../model/offsets.ts'
import { apis, readBody, writeBody } from './apis.ts'
import { createNames, fit, type GroupColumns } from './columns.ts'
import { offsetAt, type Reader } from './reader.ts'
import { createTextCache } from './text-cache.ts'

const api = apis.DescribeShareGroupOffsets
/** First version with the lag of each partition (KIP-1226, Kafka 4.2). */
export const WITH_LAG = 1

/** DescribeShareGroupOffsetsRequest.json. Always asks for all partitions for which a group has a state. */
export interface DescribeShareGroupOffsetsRequest {
  readonly groups: readonly string[]
}

/**
 * DescribeShareGroupOffsetsResponse.json (KIP-932) as columns; blocks stand in the order of the broker. A group that is
 * not there or of another type has no error and no blocks. Topic ids and messages for people are passed over.
 */
export interface DescribeShareGroupOffsetsResponse extends GroupColumns {
  readonly throttleMs: number
  /** The first record that is not finished, two words a row as in `model/offsets.ts`; moved lazily by the broker. */
  readonly start: Uint32Array
  /** 1 when the group has no start offset there, which is how a partition stands that nobody has fetched yet. */
  readonly startAbsent: Uint8Array
  /** Records that are not finished, the broker's own figure: end − start − finished past the start. From v1 on. */
  readonly lag: Uint32Array
  /** 1 when the broker tells no lag; always before v1. */
  readonly lagAbsent: Uint8Array
  readonly epoch: Int32Array
  readonly error: Int16Array
}

export function encodeDescribeShareGroupOffsetsRequest(
  version: number,
  request: DescribeShareGroupOffsetsRequest,
): Buffer {
  const writer = writeBody(api, version)
  writer.count(request.groups.length)
  for (const group of request.groups) {
    writer.string(group)
    writer.count(undefined)
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

/** Topics that a client names are passed over. */
export function decodeDescribeShareGroupOffsetsRequest(
  version: number,
  body: Buffer,
): DescribeShareGroupOffsetsRequest {
  const reader = readBody(api, version, 'request', body)
  const groups: string[] = []
  const count = reader.count(reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  for (let index = 0; index < count; index++) {
    groups.push(reader.string())
    const topics = reader.nullableCount(reader.stringBytes + reader.arrayBytes + reader.tagBytes) ?? 0
    for (let topic = 0; topic < topics; topic++) {
      reader.skipString()
      reader.skipInt32s()
      reader.tags()
    }
    reader.tags()
  }
  reader.tags()
  reader.end()
  return { groups }
}

/** Takes the shape that the decoder returns. */
export function encodeDescribeShareGroupOffsetsResponse(
  version: number,
  response: DescribeShareGroupOffsetsResponse,
): Buffer {
  const writer = writeBody(api, version, 64 + 32 * response.partition.length)
  writer.int32(response.throttleMs)
  writer.count(response.groups.length)
  for (const { id, error, firstBlock, blocks } of response.groups) {
    writer.string(id)
    writer.count(blocks)
    for (let block = firstBlock; block < firstBlock + blocks; block++) {
      const end = response.blockFirst[block + 1]!
      writer.string(response.topics[response.blockTopic[block]!]!)
      writer.uuid(undefined)
      writer.count(end - response.blockFirst[block]!)
      for (let row = response.blockFirst[block]!; row < end; row++) {
        writer.int32(response.partition[row]!)
        writer.offset(response.start, row, response.startAbsent[row] === 1)
        writer.int32(response.epoch[row]!)
        if (version >= WITH_LAG) writer.offset(response.lag, row, response.lagAbsent[row] === 1)
        writer.int16(response.error[row]!)
        writer.nullableString(undefined)
        writer.tags()
      }
      writer.tags()
    }
    writer.int16(error)
    writer.nullableString(undefined)
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

export function decodeDescribeShareGroupOffsetsResponse(
  version: number,
  body: Buffer,
): DescribeShareGroupOffsetsResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = reader.int32()
  const columns = createColumns(reader, version)
  const groups: { id: string; error: number; firstBlock: number; blocks: number }[] = []
  const count = reader.count(2 + 2 * reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  for (let index = 0; index < count; index++) {
    const id = reader.string()
    const firstBlock = columns.blockTopic.length
    const blocks = columns.readBlocks()
    const error = reader.int16()
    reader.skipString()
    reader.tags()
    groups.push({ id, error, firstBlock, blocks })
  }
  reader.tags()
  reader.end()
  return { throttleMs, groups, ...columns.finish() }
}

type Columns = Omit<DescribeShareGroupOffsetsResponse, 'throttleMs' | 'groups'>

/** Columns as large as the rest of the body could fill, so that they never grow and never exceed its size. */
function createColumns(
  reader: Reader,
  version: number,
): { readonly blockTopic: readonly number[]; readBlocks(): number; finish(): Columns } {
  const { view } = reader
  const hasLag = version >= WITH_LAG
  const fixedBytes = hasLag ? 26 : 18
  const rowBytes = fixedBytes + reader.stringBytes + reader.tagBytes
  const blockBytes = 16 + reader.stringBytes + reader.arrayBytes + reader.tagBytes
  const most = Math.floor(reader.remaining / rowBytes)
  const cache = createTextCache()
  const names = createNames()
  const blockTopic: number[] = []
  const blockFirst: number[] = []
  const partition = new Int32Array(most)
  const start = offsetColumn(most)
  const startAbsent = new Uint8Array(most)
  const lag = offsetColumn(most)
  const lagAbsent = new Uint8Array(most).fill(1)
  const epoch = new Int32Array(most)
  const error = new Int16Array(most)
  let rows = 0

  function readRows(end: number): number {
    for (let row = rows; row < end; row++) {
      const at = reader.take(fixedBytes)
      partition[row] = view.getInt32(at)
      startAbsent[row] = offsetAt(view, at + 4, start, row)
      epoch[row] = view.getInt32(at + 12)
      if (hasLag) lagAbsent[row] = offsetAt(view, at + 16, lag, row)
      error[row] = view.getInt16(at + fixedBytes - 2)
      reader.skipString()
      reader.tags()
    }
    return end
  }

  return {
    blockTopic,
    readBlocks() {
      const count = reader.count(blockBytes)
      for (let index = 0; index < count; index++) {
        blockTopic.push(names.indexOf(reader.repeatedString(cache)))
        reader.take(16)
        blockFirst.push(rows)
        rows = readRows(rows + reader.count(rowBytes))
        reader.tags()
      }
      return count
    },
    finish() {
      blockFirst.push(rows)
      return {
        topics: names.list,
        blockTopic: new Uint32Array(blockTopic),
        blockFirst: new Uint32Array(blockFirst),
        partition: fit(partition, rows),
        start: fit(start, rows * 2),
        startAbsent: fit(startAbsent, rows),
        lag: fit(lag, rows * 2),
        lagAbsent: fit(lagAbsent, rows),
        epoch: fit(epoch, rows),
        error: fit(error, rows),
      }
    },
  }
}
