import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../runtime/errors.ts'
import type { TextCache } from './text-cache.ts'

const TWO_32 = 2 ** 32
/** Kafka refuses longer strings in both encodings, so whatever was read can also be written. */
const MAX_STRING_BYTES = 0x7fff
const NULL = -1

/**
 * Reads Kafka's primitive types from one body. Nothing is read, and nothing allocated, before it is known to lie
 * within the body. A flexible reader takes compact strings and arrays and tag buffers (KIP-482).
 *
 * Every method throws a DecodeError that names the message, the byte, what was found and what was expected.
 *
 * @see https://kafka.apache.org/protocol#protocol_types
 */
export class Reader {
  /** The whole body, for hot loops: what lies behind a position that `take` gave may be read. */
  readonly view: DataView
  readonly #bytes: Buffer
  readonly #what: string
  readonly #flexible: boolean
  #at = 0

  /** `what` names the message in errors, such as `Metadata v4 response`. */
  constructor(bytes: Buffer, what: string, flexible = false) {
    this.#bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
    this.#flexible = flexible
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  /** Passes over bytes and returns their position in `view`. */
  take(bytes: number): number {
    const at = this.#at
    if (bytes > this.#bytes.length - at) this.#fail(`${this.remaining} bytes left`, `${bytes} or more`)
    this.#at = at + bytes
    return at
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    return this.view.getInt8(this.take(1))
  }

  int16(): number {
    return this.view.getInt16(this.take(2))
  }

  int32(): number {
    return this.view.getInt32(this.take(4))
  }

  int64(): bigint {
    return this.view.getBigInt64(this.take(8))
  }

  /** An int64 as a number: exact below 2^53, correctly rounded above. */
  int64Number(): number {
    return int64At(this.view, this.take(8))
  }

  unsignedVarint(): number {
    const first = this.view.getUint8(this.take(1))
    return first < 0x80 ? first : this.#longVarint(first & 0x7f)
  }

  string(): string {
    return this.nullableString() ?? this.#fail('null', 'a string')
  }

  nullableString(): string | undefined {
    const length = this.#stringLength()
    if (length === NULL) return undefined
    const start = this.take(length)
    return this.#decode(start, start + length)
  }

  /** A string of a field that repeats, by way of a cache. */
  repeatedString(cache: TextCache): string {
    const length = this.#stringLength()
    if (length === NULL) return this.#fail('null', 'a string')
    const start = this.take(length)
    return cache.get(this.#bytes, start, start + length, this.#decode)
  }

  /** Passes over a string or null without decoding it. */
  skipString(): void {
    const length = this.#stringLength()
    if (length !== NULL) this.take(length)
  }

  /** A view of the body, not a copy. */
  bytes(): Buffer {
    return this.nullableBytes() ?? this.#fail('null', 'bytes')
  }

  /** A view of the body, not a copy. */
  nullableBytes(): Buffer | undefined {
    const length = this.#flexible ? this.unsignedVarint() - 1 : this.int32()
    if (length === NULL) return undefined
    if (length < 0) this.#fail(`length ${length}`, '-1 or more')
    if (length === 0) return NO_BYTES
    const start = this.take(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** A UUID as 32 lowercase hex digits; undefined for all zeros, which is Kafka's "no id". */
  uuid(): string | undefined {
    const start = this.take(16)
    const id = this.#bytes.toString('hex', start, start + 16)
    return id === NO_UUID ? undefined : id
  }

  /** The number of entries of an array, of which each takes at least `entryBytes` (1 or more). */
  count(entryBytes: number): number {
    return this.nullableCount(entryBytes) ?? this.#fail('null', 'an array')
  }

  nullableCount(entryBytes: number): number | undefined {
    const count = this.#flexible ? this.unsignedVarint() - 1 : this.int32()
    if (count === NULL) return undefined
    if (count < 0 || count * entryBytes > this.remaining)
      this.#fail(`array of ${count}`, `at most ${Math.floor(this.remaining / entryBytes)} entries`)
    return count
  }

  strings(): string[] {
    return this.#readStrings(this.count(this.stringBytes))
  }

  nullableStrings(): string[] | undefined {
    const count = this.nullableCount(this.stringBytes)
    return count === undefined ? undefined : this.#readStrings(count)
  }

  int32s(): Int32Array {
    const values = new Int32Array(this.count(4))
    for (let index = 0; index < values.length; index++) values[index] = this.int32()
    return values
  }

  skipInt32s(): void {
    this.take(this.count(4) * 4)
  }

  /** Passes over the tag buffer that ends each structure of a flexible version; does nothing in others. */
  tags(): void {
    if (!this.#flexible) return
    const count = this.unsignedVarint()
    if (count > 0) this.#skipTagged(count)
  }

  /** Asserts that the whole body was read. */
  end(): void {
    if (this.remaining > 0) this.#fail(`${this.remaining} bytes left`, 'the end')
  }

  /** The rest of the body, as a view. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }

  /** The least that a string or null takes. */
  get stringBytes(): number {
    return this.#flexible ? 1 : 2
  }

  /** The least that an array takes. */
  get arrayBytes(): number {
    return this.#flexible ? 1 : 4
  }

  /** The least that a tag buffer takes. */
  get tagBytes(): number {
    return this.#flexible ? 1 : 0
  }

  #readStrings(count: number): string[] {
    const values: string[] = []
    for (let index = 0; index < count; index++) values.push(this.string())
    return values
  }

  #skipTagged(count: number): void {
    if (count * 2 > this.remaining) this.#fail(`${count} tagged fields`, `at most ${this.remaining >>> 1}`)
    for (let index = 0; index < count; index++) {
      this.unsignedVarint()
      this.take(this.unsignedVarint())
    }
  }

  #longVarint(low: number): number {
    let value = low
    for (let shift = 7; shift <= 28; shift += 7) {
      const byte = this.view.getUint8(this.take(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return shift === 28 && byte > 0x0f ? this.#fail('varint over 32 bits', 'less') : value >>> 0
    }
    return this.#fail('varint of more than 5 bytes', '1 to 5 bytes')
  }

  readonly #decode = (start: number, end: number): string => {
    const text = this.#bytes.toString('utf8', start, end)
    // Only a replaced byte can differ from its UTF-8 form; the length of such a text would grow when written again.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, end))) this.#fail('other bytes', 'UTF-8')
    return text
  }

  #stringLength(): number {
    const length = this.#flexible ? this.unsignedVarint() - 1 : this.int16()
    if (length < NULL || length > MAX_STRING_BYTES) this.#fail(`string of ${length} bytes`, `-1 to ${MAX_STRING_BYTES}`)
    return length
  }

  #fail(found: string, expected: string): never {
    const where = `at byte ${this.#at} of ${this.#bytes.length}`
    throw new DecodeError(`Read ${this.#what} ${where}: ${found}, expected ${expected}`)
  }
}

const NO_UUID = '0'.repeat(32)
/** Shared, since a view of nothing costs as much as any other: members without an assignment are many. */
const NO_BYTES = Buffer.alloc(0)

/** The int64 at a position as a number: exact below 2^53, correctly rounded above. */
export function int64At(view: DataView, at: number): number {
  return view.getInt32(at) * TWO_32 + view.getUint32(at + 4)
}

/**
 * The int64 at a position into two words, low then high, of a column as in `model/offsets.ts`. Returns 1 and leaves the
 * row alone when it is negative, which is how Kafka says that there is no offset; else 0.
 */
export function offsetAt(view: DataView, at: number, column: Uint32Array, row: number): 0 | 1 {
  const high = view.getInt32(at)
  if (high < 0) return 1
  column[row * 2] = view.getUint32(at + 4)
  column[row * 2 + 1] = high
  return 0
}
