import { DecodeError } from '../runtime/errors.ts'

/** What the header of one record batch says. Its records are not looked at: they may be compressed, or cut off. */
export interface RecordBatch {
  readonly baseOffset: bigint
  /** Offset of the last record that the batch ever had; compaction removes records and leaves this. */
  readonly lastOffset: bigint
  /** Number of records that are still in it. */
  readonly records: number
  /** Part of a transaction: its records, or its end. */
  readonly transactional: boolean
  /** The end of a transaction (commit or abort), which no consumer is ever given. */
  readonly control: boolean
}

/** Base offset, length, leader epoch and magic: the same in every format, the epoch being a checksum before v2. */
const PREFIX_BYTES = 17
const LENGTH_AT = 8
const MAGIC_AT = 16
/** From the beginning of the batch to its first record in v2. */
export const HEADER_BYTES = 61
export const ATTRIBUTES_AT = 21
export const FIRST_TIME_AT = 27
export const LATEST_TIME_AT = 35
/** First format with headers of whole batches, from Kafka 0.11 on. */
export const V2 = 2
/** Offset and size, which the length does not count. */
const UNCOUNTED_BYTES = 12
const TRANSACTIONAL = 1 << 4
const CONTROL = 1 << 5

/**
 * The headers of the batches in the `records` of a fetched partition, in the order of the log. The last one may be cut
 * off, as Kafka does at the size that was asked for; it counts when its header is whole. Of the formats before v2, which
 * know no transactions, every entry is told as a batch of one record whose first offset is its last.
 *
 * @throws DecodeError when a length is impossible
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export function* recordBatches(records: Buffer): Generator<RecordBatch> {
  for (const { at, magic } of batchSpans(records)) {
    const baseOffset = records.readBigInt64BE(at)
    if (magic < V2) yield { baseOffset, lastOffset: baseOffset, records: 1, transactional: false, control: false }
    else if (at + HEADER_BYTES <= records.length) {
      const attributes = records.readInt16BE(at + ATTRIBUTES_AT)
      yield {
        baseOffset,
        lastOffset: baseOffset + BigInt(records.readInt32BE(at + 23)),
        records: records.readInt32BE(at + 57),
        transactional: (attributes & TRANSACTIONAL) !== 0,
        control: (attributes & CONTROL) !== 0,
      }
    }
  }
}

/** Where each batch begins and, excluded, ends, which may lie behind the end of what was given. @throws DecodeError */
export function* batchSpans(records: Buffer): Generator<{ readonly at: number; end: number; readonly magic: number }> {
  for (let at = 0; at + PREFIX_BYTES <= records.length; ) {
    const length = records.readInt32BE(at + LENGTH_AT)
    const magic = records.readInt8(at + MAGIC_AT)
    if (length < PREFIX_BYTES - UNCOUNTED_BYTES || (magic >= V2 && length < HEADER_BYTES - UNCOUNTED_BYTES))
      throw new DecodeError(`Read record batch at byte ${at} of ${records.length}: length ${length}, expected a header`)
    const end = at + UNCOUNTED_BYTES + length
    yield { at, end, magic }
    at = end
  }
}

/** One batch of the v2 format with `body` bytes of zeros in place of its records, and no checksum: for the simulator. */
export function encodeRecordBatch(batch: RecordBatch, body = 0): Buffer {
  return withHeader(batch, Buffer.alloc(body), -1)
}

/** The same with records of nothing, one an offset, all with one timestamp in milliseconds. */
export function encodeStampedBatch(batch: RecordBatch, time: number): Buffer {
  const body: number[] = []
  for (let index = 0; index < batch.records; index++) {
    const delta = varint(index)
    // Its length without this byte, attributes, the two deltas, no key, no value, no headers; in zigzag.
    body.push((5 + delta.length) * 2, 0, 0, ...delta, 1, 1, 0)
  }
  return withHeader(batch, Buffer.from(body), time)
}

function varint(value: number): readonly number[] {
  const bytes: number[] = []
  let rest = value * 2
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}

function withHeader(batch: RecordBatch, body: Buffer, time: number): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), body])
  bytes.writeBigInt64BE(batch.baseOffset, 0)
  bytes.writeInt32BE(bytes.length - UNCOUNTED_BYTES, LENGTH_AT)
  bytes.writeInt8(V2, MAGIC_AT)
  bytes.writeInt16BE((batch.transactional ? TRANSACTIONAL : 0) | (batch.control ? CONTROL : 0), ATTRIBUTES_AT)
  bytes.writeInt32BE(Number(batch.lastOffset - batch.baseOffset), 23)
  bytes.writeBigInt64BE(BigInt(time), FIRST_TIME_AT)
  bytes.writeBigInt64BE(BigInt(time), LATEST_TIME_AT)
  bytes.writeInt32BE(batch.records, 57)
  return bytes
}
