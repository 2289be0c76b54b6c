import { offsetColumn } from '../model/offsets.ts'
import { InvariantError } from '../runtime/errors.ts'
import { apis, readBody, writeBody } from './apis.ts'
import { createNames, fit, type GroupColumns } from './columns.ts'
import { offsetAt, type Reader } from './reader.ts'
import { createTextCache } from './text-cache.ts'
import type { Writer } from './writer.ts'

const api = apis.OffsetFetch

/** OffsetFetchRequest.json. Exactly one group before v8; many from v8 on (KIP-709). */
export interface OffsetFetchRequest {
  readonly groups: readonly OffsetFetchGroup[]
}

export interface OffsetFetchGroup {
  readonly id: string
  /** Absent = every topic of the group, from v2 on. */
  readonly topics?: readonly TopicPartitions[]
}

export interface TopicPartitions {
  readonly name: string
  readonly partitions: ArrayLike<number>
}

/**
 * OffsetFetchResponse.json as columns; blocks stand in the order of the broker, which is any. Before v2 the error of a
 * group is always 0, and each row has its own instead. Metadata strings are passed over.
 */
export interface OffsetFetchResponse extends GroupColumns {
  readonly throttleMs: number
  /** The committed offset, two words a row as in `model/offsets.ts`; 0 when absent. */
  readonly offset: Uint32Array
  /** 1 when there is no committed offset (−1), 2 when what stands there is none: another negative number. */
  readonly absent: Uint8Array
  /** Leader epoch of the last consumed record (KIP-320), from v5 on; −1 when not known. */
  readonly epoch: Int32Array
  readonly error: Int16Array
}

/**
 * Always asks for what is committed now, not for what will be stable after open transactions (KIP-447).
 *
 * @throws InvariantError when the version cannot say it: many groups before v8, all topics before v2.
 */
export function encodeOffsetFetchRequest(version: number, request: OffsetFetchRequest): Buffer {
  const writer = writeBody(api, version)
  if (version >= 8) {
    writer.count(request.groups.length)
    for (const group of request.groups) {
      writer.string(group.id)
      writeAsked(writer, group.topics)
      writer.tags()
    }
  } else {
    const group = onlyGroup(version, request.groups)
    if (version < 2 && group.topics === undefined)
      throw new InvariantError(`Ask OffsetFetch v${version} for all topics: expected a list, or v2`)
    writer.string(group.id)
    writeAsked(writer, group.topics)
  }
  if (version >= 7) writer.boolean(false)
  writer.tags()
  return writer.finish()
}

function writeAsked(writer: Writer, topics: readonly TopicPartitions[] | undefined): void {
  writer.count(topics?.length)
  for (const topic of topics ?? []) {
    writer.string(topic.name)
    writer.int32s(topic.partitions)
    writer.tags()
  }
}

export function decodeOffsetFetchRequest(version: number, body: Buffer): OffsetFetchRequest {
  const reader = readBody(api, version, 'request', body)
  const groups: OffsetFetchGroup[] = []
  const count = version >= 8 ? reader.count(reader.stringBytes + reader.arrayBytes + reader.tagBytes) : 1
  for (let index = 0; index < count; index++) {
    const id = reader.string()
    const topics = readAsked(reader, version)
    groups.push(topics === undefined ? { id } : { id, topics })
    if (version >= 8) reader.tags()
  }
  if (version >= 7) reader.boolean()
  reader.tags()
  reader.end()
  return { groups }
}

function readAsked(reader: Reader, version: number): TopicPartitions[] | undefined {
  const entryBytes = reader.stringBytes + reader.arrayBytes + reader.tagBytes
  const count = version >= 2 ? reader.nullableCount(entryBytes) : reader.count(entryBytes)
  if (count === undefined) return undefined
  const topics: TopicPartitions[] = []
  for (let index = 0; index < count; index++) {
    topics.push({ name: reader.string(), partitions: reader.int32s() })
    reader.tags()
  }
  return topics
}

/** Takes the shape that the decoder returns; metadata is written as empty text. */
export function encodeOffsetFetchResponse(version: number, response: OffsetFetchResponse): Buffer {
  const writer = writeBody(api, version, 64 + 24 * response.partition.length)
  if (version >= 3) writer.int32(response.throttleMs)
  if (version >= 8) {
    writer.count(response.groups.length)
    for (const group of response.groups) {
      writer.string(group.id)
      writeBlocks(writer, version, response, group)
      writer.int16(group.error)
      writer.tags()
    }
  } else {
    const group = onlyGroup(version, response.groups)
    writeBlocks(writer, version, response, group)
    if (version >= 2) writer.int16(group.error)
  }
  writer.tags()
  return writer.finish()
}

function writeBlocks(
  writer: Writer,
  version: number,
  response: OffsetFetchResponse,
  group: { readonly firstBlock: number; readonly blocks: number },
): void {
  writer.count(group.blocks)
  for (let block = group.firstBlock; block < group.firstBlock + group.blocks; block++) {
    const end = response.blockFirst[block + 1]!
    writer.string(response.topics[response.blockTopic[block]!]!)
    writer.count(end - response.blockFirst[block]!)
    for (let row = response.blockFirst[block]!; row < end; row++) {
      writer.int32(response.partition[row]!)
      writer.offset(response.offset, row, response.absent[row] === 1)
      if (version >= 5) writer.int32(response.epoch[row]!)
      writer.string('')
      writer.int16(response.error[row]!)
      writer.tags()
    }
    writer.tags()
  }
}

/** `group` is the id asked for, which the answer repeats only from v8 on. */
export function decodeOffsetFetchResponse(version: number, body: Buffer, group = ''): OffsetFetchResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = version >= 3 ? reader.int32() : 0
  const columns = createColumns(reader, version)
  const groups: { id: string; error: number; firstBlock: number; blocks: number }[] = []
  const count = version >= 8 ? reader.count(2 + reader.stringBytes + reader.arrayBytes + reader.tagBytes) : 1
  for (let index = 0; index < count; index++) {
    const id = version >= 8 ? reader.string() : group
    const firstBlock = columns.blockTopic.length
    const blocks = columns.readBlocks()
    const error = version >= 2 ? reader.int16() : 0
    if (version >= 8) reader.tags()
    groups.push({ id, error, firstBlock, blocks })
  }
  reader.tags()
  reader.end()
  return { throttleMs, groups, ...columns.finish() }
}

type Columns = Omit<OffsetFetchResponse, 'throttleMs' | 'groups'>

/** Columns as large as the rest of the body could fill, so that they never grow and never exceed its size. */
function createColumns(
  reader: Reader,
  version: number,
): { readonly blockTopic: readonly number[]; readBlocks(): number; finish(): Columns } {
  const { view } = reader
  const hasEpoch = version >= 5
  const fixedBytes = hasEpoch ? 16 : 12
  const rowBytes = fixedBytes + reader.stringBytes + 2 + reader.tagBytes
  const blockBytes = reader.stringBytes + reader.arrayBytes + reader.tagBytes
  const most = Math.floor(reader.remaining / rowBytes)
  const cache = createTextCache()
  const names = createNames()
  const blockTopic: number[] = []
  const blockFirst: number[] = []
  const partition = new Int32Array(most)
  const offset = offsetColumn(most)
  const absent = new Uint8Array(most)
  const epoch = new Int32Array(most)
  const error = new Int16Array(most)
  let rows = 0

  function readBlocks(): number {
    const count = reader.count(blockBytes)
    for (let index = 0; index < count; index++) {
      blockTopic.push(names.indexOf(reader.repeatedString(cache)))
      blockFirst.push(rows)
      rows = readRows(rows + reader.count(rowBytes))
      reader.tags()
    }
    return count
  }

  function readRows(end: number): number {
    for (let row = rows; row < end; row++) {
      const at = reader.take(fixedBytes)
      partition[row] = view.getInt32(at)
      absent[row] = offsetAt(view, at + 4, offset, row) === 0 ? 0 : view.getBigInt64(at + 4) === -1n ? 1 : 2
      epoch[row] = hasEpoch ? view.getInt32(at + 12) : -1
      reader.skipString()
      error[row] = reader.int16()
      reader.tags()
    }
    return end
  }

  return {
    blockTopic,
    readBlocks,
    finish() {
      blockFirst.push(rows)
      return {
        topics: names.list,
        blockTopic: new Uint32Array(blockTopic),
        blockFirst: new Uint32Array(blockFirst),
        partition: fit(partition, rows),
        offset: fit(offset, rows * 2),
        absent: fit(absent, rows),
        epoch: fit(epoch, rows),
        error: fit(error, rows),
      }
    },
  }
}

function onlyGroup<T>(version: number, groups: readonly T[]): T {
  const [group] = groups
  if (group === undefined || groups.length > 1)
    throw new InvariantError(`Write OffsetFetch v${version}: ${groups.length} groups, expected 1 before v8`)
  return group
}
