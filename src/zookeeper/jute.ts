import { DecodeError } from '../runtime/errors.ts'

/**
 * Reads jute, ZooKeeper's serialisation: big-endian integers, strings and buffers behind a 4-byte length (-1 = null),
 * vectors behind a 4-byte count (-1 = null). Every read is checked against the end of the frame.
 *
 * A class, as the writer: one is made for each of a hundred thousand answers, and closures would be made with it.
 *
 * @see zookeeper-jute BinaryInputArchive
 */
export class JuteReader {
  readonly #frame: Buffer
  /** Several times faster than Buffer's methods where a long becomes a bigint. */
  readonly #view: DataView
  #at = 0

  constructor(frame: Buffer) {
    this.#frame = frame
    this.#view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  }

  /** @throws DecodeError when fewer bytes are left, as every method here. */
  int(): number {
    return this.#view.getInt32(this.#take(4, 'int'))
  }

  long(): bigint {
    return this.#view.getBigInt64(this.#take(8, 'long'))
  }

  bool(): boolean {
    return this.#view.getInt8(this.#take(1, 'boolean')) !== 0
  }

  /** A copy, so that a small value does not hold on to a big frame; null is read as undefined. */
  buffer(): Buffer | undefined {
    const bytes = this.bytes()
    return bytes === undefined ? undefined : Buffer.from(bytes)
  }

  /** As `buffer`, but a part of the frame itself: copy what is kept. */
  bytes(): Buffer | undefined {
    const bytes = this.#length('buffer')
    if (bytes < 0) return undefined
    const start = this.#take(bytes, 'buffer')
    return this.#frame.subarray(start, this.#at)
  }

  /** Null is read as the empty string. */
  text(): string {
    const bytes = this.#length('string')
    if (bytes <= 0) return ''
    const start = this.#take(bytes, 'string')
    return this.#frame.toString('utf8', start, this.#at)
  }

  /** Null is read as the empty list; a count that the rest of the frame cannot hold is refused before memory is taken. */
  list<T>(minItemBytes: number, item: () => T): readonly T[] {
    const count = this.#length('vector')
    if (count > this.left() / minItemBytes)
      throw new DecodeError(`Read vector: ${count} items do not fit into ${this.left()} bytes`)
    return Array.from({ length: Math.max(0, count) }, item)
  }

  /** A record of fixed size, checked once: `view` holds it from `at` on. */
  fixed<T>(bytes: number, read: (view: DataView, at: number) => T): T {
    return read(this.#view, this.#take(bytes, 'record'))
  }

  left(): number {
    return this.#frame.length - this.#at
  }

  #take(bytes: number, what: string): number {
    if (bytes > this.left()) throw new DecodeError(`Read ${what}: needs ${bytes} bytes, only ${this.left()} left`)
    const start = this.#at
    this.#at += bytes
    return start
  }

  /** The length of a string, buffer or vector; -1 for null. */
  #length(what: string): number {
    const value = this.#view.getInt32(this.#take(4, what))
    if (value < -1) throw new DecodeError(`Read ${what}: length ${value}, expected -1 or more`)
    return value
  }
}

/** Writes jute; the buffer grows as needed. */
export class JuteWriter {
  #target: Buffer
  #at = 0

  constructor(sizeHint = 128) {
    this.#target = Buffer.allocUnsafe(sizeHint)
  }

  // The room is taken before `#target` is looked at: taking it may replace the buffer.
  int(value: number): void {
    const start = this.#reserve(4)
    this.#target.writeInt32BE(value, start)
  }

  long(value: bigint): void {
    const start = this.#reserve(8)
    this.#target.writeBigInt64BE(value, start)
  }

  bool(value: boolean): void {
    const start = this.#reserve(1)
    this.#target[start] = value ? 1 : 0
  }

  buffer(value: Uint8Array | undefined): void {
    this.int(value === undefined ? -1 : value.byteLength)
    if (value === undefined) return
    const start = this.#reserve(value.byteLength)
    this.#target.set(value, start)
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value)
    this.int(bytes)
    const start = this.#reserve(bytes)
    this.#target.write(value, start, 'utf8')
  }

  list<T>(items: readonly T[], item: (value: T) => void): void {
    this.int(items.length)
    for (const value of items) item(value)
  }

  /** What was written so far; the writer must not be used afterwards. */
  done(): Buffer {
    return this.#target.subarray(0, this.#at)
  }

  #reserve(bytes: number): number {
    if (this.#at + bytes > this.#target.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#target.length * 2, this.#at + bytes))
      this.#target.copy(larger, 0, 0, this.#at)
      this.#target = larger
    }
    const start = this.#at
    this.#at += bytes
    return start
  }
}

/** The bytes that `write` produces. */
export function encode(write: (writer: JuteWriter) => void, sizeHint?: number): Buffer {
  const writer = new JuteWriter(sizeHint)
  write(writer)
  return writer.done()
}
