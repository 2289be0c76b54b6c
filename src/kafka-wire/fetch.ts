import { apis, readBody, writeBody } from './apis.ts'

const api = apis.Fetch
const CONSUMER = -1

/**
 * FetchRequest.json, as far as looking at a few records needs it: nothing is waited for, and what open transactions
 * wrote is given too.
 */
export interface FetchRequest {
  /** Of the whole answer. The first batch is given whole all the same (KIP-74). */
  readonly maxBytes: number
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly {
      readonly partition: number
      readonly offset: bigint
      /** After so many bytes the answer for the partition is cut off, also within a batch. */
      readonly maxBytes: number
    }[]
  }[]
}

/** FetchResponse.json. */
export interface FetchResponse {
  readonly throttleMs: number
  readonly topics: readonly { readonly name: string; readonly partitions: readonly FetchedPartition[] }[]
}

export interface FetchedPartition {
  readonly partition: number
  readonly error: number
  /** −1 beside an error. */
  readonly highWatermark: bigint
  /** −1 beside an error, and from old brokers (1.1) unless only what is committed was asked for. */
  readonly lastStableOffset: bigint
  /** Transactions that ended in an abort; only for an answer that leaves theirs out, else absent. */
  readonly aborted?: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]
  /** Batches of the log as they are, a view of the body: see `recordBatches`. Absent where the broker gave none. */
  readonly records?: Buffer
}

export function encodeFetchRequest(version: number, { maxBytes, topics }: FetchRequest): Buffer {
  const writer = writeBody(api, version)
  writer.int32(CONSUMER)
  writer.int32(0)
  writer.int32(0)
  writer.int32(maxBytes)
  writer.int8(0)
  writer.count(topics.length)
  for (const { name, partitions } of topics) {
    writer.string(name)
    writer.count(partitions.length)
    for (const { partition, offset, maxBytes: most } of partitions) {
      writer.int32(partition)
      writer.int64(offset)
      writer.int32(most)
    }
  }
  return writer.finish()
}

export function decodeFetchRequest(version: number, body: Buffer): FetchRequest {
  const reader = readBody(api, version, 'request', body)
  reader.take(12)
  const maxBytes = reader.int32()
  reader.int8()
  const topics: FetchRequest['topics'][number][] = []
  const count = reader.count(reader.stringBytes + reader.arrayBytes)
  for (let topic = 0; topic < count; topic++) {
    const name = reader.string()
    const partitions: FetchRequest['topics'][number]['partitions'][number][] = []
    for (let left = reader.count(16); left > 0; left--)
      partitions.push({ partition: reader.int32(), offset: reader.int64(), maxBytes: reader.int32() })
    topics.push({ name, partitions })
  }
  reader.end()
  return { maxBytes, topics }
}

/** Takes the shape that the decoder returns. */
export function encodeFetchResponse(version: number, { throttleMs, topics }: FetchResponse): Buffer {
  const writer = writeBody(api, version)
  writer.int32(throttleMs)
  writer.count(topics.length)
  for (const { name, partitions } of topics) {
    writer.string(name)
    writer.count(partitions.length)
    for (const { partition, error, highWatermark, lastStableOffset, aborted, records } of partitions) {
      writer.int32(partition)
      writer.int16(error)
      writer.int64(highWatermark)
      writer.int64(lastStableOffset)
      writer.count(aborted?.length)
      for (const { producerId, firstOffset } of aborted ?? []) {
        writer.int64(producerId)
        writer.int64(firstOffset)
      }
      if (records === undefined) writer.int32(-1)
      else writer.bytes(records)
    }
  }
  return writer.finish()
}

export function decodeFetchResponse(version: number, body: Buffer): FetchResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = reader.int32()
  const topics: FetchResponse['topics'][number][] = []
  const count = reader.count(reader.stringBytes + reader.arrayBytes)
  for (let topic = 0; topic < count; topic++) {
    const name = reader.string()
    const partitions: FetchedPartition[] = []
    for (let left = reader.count(30); left > 0; left--) {
      const head = {
        partition: reader.int32(),
        error: reader.int16(),
        highWatermark: reader.int64(),
        lastStableOffset: reader.int64(),
      }
      const ended = reader.nullableCount(16)
      const aborted = Array.from({ length: ended ?? 0 }, () => ({
        producerId: reader.int64(),
        firstOffset: reader.int64(),
      }))
      const records = reader.nullableBytes()
      partitions.push({
        ...head,
        ...(ended === undefined ? {} : { aborted }),
        ...(records === undefined ? {} : { records }),
      })
    }
    topics.push({ name, partitions })
  }
  reader.end()
  return { throttleMs, topics }
}
