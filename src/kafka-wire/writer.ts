import { InvariantError } from '../runtime/errors.ts'

const MAX_STRING_BYTES = 0x7fff
const TWO_32 = 2 ** 32

/**
 * Writes Kafka's primitive types into a buffer that grows. A flexible writer writes compact strings and arrays and
 * empty tag buffers (KIP-482).
 *
 * @see https://kafka.apache.org/protocol#protocol_types
 */
export class Writer {
  readonly #flexible: boolean
  #bytes: Buffer
  #view: DataView
  #at = 0

  constructor(flexible = false, sizeHint = 256) {
    this.#flexible = flexible
    this.#bytes = Buffer.allocUnsafe(sizeHint)
    this.#view = viewOf(this.#bytes)
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    const at = this.#take(1)
    this.#view.setInt8(at, value)
  }

  int16(value: number): void {
    const at = this.#take(2)
    this.#view.setInt16(at, value)
  }

  int32(value: number): void {
    const at = this.#take(4)
    this.#view.setInt32(at, value)
  }

  int64(value: bigint): void {
    const at = this.#take(8)
    this.#view.setBigInt64(at, value)
  }

  /** An integer of at most 53 bits as an int64. */
  int64Number(value: number): void {
    const at = this.#take(8)
    this.#view.setInt32(at, Math.floor(value / TWO_32))
    this.#view.setUint32(at + 4, value % TWO_32)
  }

  /** A row of a column as in `model/offsets.ts` as an int64; −1 when it is absent. */
  offset(column: Uint32Array, row: number, absent: boolean): void {
    const at = this.#take(8)
    this.#view.setUint32(at, absent ? 0xffffffff : column[row * 2 + 1]!)
    this.#view.setUint32(at + 4, absent ? 0xffffffff : column[row * 2]!)
  }

  unsignedVarint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.#byte(rest)
  }

  /** @throws InvariantError when the text takes more than 32,767 bytes; no text that a Reader gave does. */
  string(text: string): void {
    const length = Buffer.byteLength(text)
    if (length > MAX_STRING_BYTES)
      throw new InvariantError(`Write string: ${length} bytes, expected at most ${MAX_STRING_BYTES}`)
    if (this.#flexible) this.unsignedVarint(length + 1)
    else this.int16(length)
    const at = this.#take(length)
    this.#bytes.write(text, at)
  }

  nullableString(text: string | undefined): void {
    if (text !== undefined) this.string(text)
    else if (this.#flexible) this.unsignedVarint(0)
    else this.int16(-1)
  }

  bytes(value: Uint8Array): void {
    this.count(value.length)
    this.raw(value)
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): void {
    const at = this.#take(value.length)
    this.#bytes.set(value, at)
  }

  /** 32 hex digits as a UUID; all zeros when undefined. */
  uuid(id: string | undefined): void {
    const at = this.#take(16)
    if (id === undefined) this.#bytes.fill(0, at, at + 16)
    else if (this.#bytes.write(id, at, 16, 'hex') !== 16)
      throw new InvariantError(`Write UUID "${id}": expected 32 hex digits`)
  }

  /** The number of entries of an array; undefined is the null array. */
  count(entries: number | undefined): void {
    if (this.#flexible) this.unsignedVarint(entries === undefined ? 0 : entries + 1)
    else this.int32(entries ?? -1)
  }

  strings(texts: readonly string[] | undefined): void {
    this.count(texts?.length)
    for (const text of texts ?? []) this.string(text)
  }

  int32s(values: ArrayLike<number>): void {
    this.count(values.length)
    for (let index = 0; index < values.length; index++) this.int32(values[index]!)
  }

  /** The empty tag buffer that ends each structure of a flexible version; nothing in others. */
  tags(): void {
    if (this.#flexible) this.#byte(0)
  }

  /** What was written. The writer must not be used afterwards. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  #byte(value: number): void {
    const at = this.#take(1)
    this.#view.setUint8(at, value)
  }

  #take(bytes: number): number {
    const at = this.#at
    const end = at + bytes
    if (end > this.#bytes.length) this.#grow(end)
    this.#at = end
    return at
  }

  #grow(atLeast: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, atLeast))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
    this.#view = viewOf(larger)
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
