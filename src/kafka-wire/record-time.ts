import { DecodeError } from '../runtime/errors.ts'
import { ATTRIBUTES_AT, batchSpans, FIRST_TIME_AT, HEADER_BYTES, LATEST_TIME_AT, V2 } from './record-batch.ts'

/**
 * When the first record at an offset or behind it was stamped. Timestamps are milliseconds since 1970. Where compaction
 * has taken the record at the offset, its own `offset` is a later one.
 */
export type RecordTime =
  | {
      /** The record itself was found, or every record of its batch has this timestamp. */
      readonly kind: 'record'
      readonly at: number
      readonly offset: bigint
      /** The broker stamped it. */
      readonly isAppendTime: boolean
    }
  /** Compressed, or cut off before the record: the whole batch was appended at once, `latest` being its largest. */
  | { readonly kind: 'batch'; readonly latest: number; readonly offset: bigint }
  /** The batch has no timestamps, or is of a format before v2. */
  | { readonly kind: 'none' }

const COMPRESSION = 0b111
const APPEND_TIME = 1 << 3

/**
 * The timestamp of the first record from an offset on, in the `records` of a fetched partition. Compressed batches stay
 * compressed: their header tells enough unless their records have different timestamps. Undefined when there is no such
 * record among what was given.
 *
 * @throws DecodeError when a length is impossible
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export function recordTime(records: Buffer, offset: bigint): RecordTime | undefined {
  for (const { at, end, magic } of batchSpans(records)) {
    if (magic < V2) return { kind: 'none' }
    if (at + HEADER_BYTES > records.length) return undefined
    const base = records.readBigInt64BE(at)
    const last = base + BigInt(records.readInt32BE(at + 23))
    // A batch from which compaction has taken every record is kept for its producer's sake.
    if (last < offset || records.readInt32BE(at + 57) === 0) continue
    const found = inBatch(records, at, Math.min(end, records.length), offset, end > records.length)
    if (found !== 'passed') return found
  }
  return undefined
}

/** `passed`: the batch reaches beyond the offset and has lost what was there. */
function inBatch(records: Buffer, at: number, end: number, offset: bigint, isCut: boolean): RecordTime | 'passed' {
  const base = records.readBigInt64BE(at)
  const attributes = records.readInt16BE(at + ATTRIBUTES_AT)
  const first = Number(records.readBigInt64BE(at + FIRST_TIME_AT))
  const latest = Number(records.readBigInt64BE(at + LATEST_TIME_AT))
  const isAppendTime = (attributes & APPEND_TIME) !== 0
  if (latest < 0) return { kind: 'none' }
  // The first record's time is the base of the others: one record, or a stamp of the broker, needs no look inside.
  const isOneTime = isAppendTime || (records.readInt32BE(at + 23) === 0 && first === latest)
  const from = base > offset ? base : offset
  const unread: RecordTime = isOneTime
    ? { kind: 'record', at: latest, offset: from, isAppendTime }
    : { kind: 'batch', latest, offset: from }
  if ((attributes & COMPRESSION) !== 0) return unread
  const cursor: Cursor = { records, at: at + HEADER_BYTES, end }
  while (cursor.at < end) {
    const length = varint(cursor)
    const next = length === undefined ? undefined : cursor.at + Number(length)
    // Attributes, which nobody has used yet.
    cursor.at++
    const time = varint(cursor)
    const own = varint(cursor)
    if (next === undefined || time === undefined || own === undefined) break
    if (next <= cursor.at - 1)
      throw new DecodeError(
        `Read record at byte ${cursor.at} of ${records.length}: it ends at ${next}, before its head`,
      )
    if (base + own >= offset)
      return { kind: 'record', at: isAppendTime ? latest : first + Number(time), offset: base + own, isAppendTime }
    cursor.at = next
  }
  return isCut ? unread : 'passed'
}

interface Cursor {
  readonly records: Buffer
  readonly end: number
  at: number
}

/** A zigzag varint of at most 64 bits; undefined when it is cut off. */
function varint(cursor: Cursor): bigint | undefined {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (cursor.at >= cursor.end) return undefined
    const byte = cursor.records.readUInt8(cursor.at++)
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return (value >> 1n) ^ -(value & 1n)
  }
  throw new DecodeError(
    `Read varint before byte ${cursor.at} of ${cursor.records.length}: over 10 bytes, expected 1 to 10`,
  )
}
