import { DecodeError } from '../runtime/errors.ts'

/**
 * Reads jute, ZooKeeper's serialisation: big-endian integers, strings and buffers behind a 4-byte length (-1 = null),
 * vectors behind a 4-byte count (-1 = null). Every read is checked against the end of the frame.
 *
 * @see zookeeper-jute BinaryInputArchive
 */
export interface JuteReader {
  /** @throws DecodeError when fewer bytes are left, as every method here. */
  int(): number
  long(): bigint
  bool(): boolean
  /** A copy, so that a small value does not hold on to a big frame; null is read as undefined. */
  buffer(): Buffer | undefined
  /** Null is read as the empty string. */
  text(): string
  /** Null is read as the empty list; a count that the rest of the frame cannot hold is refused before memory is taken. */
  list<T>(minItemBytes: number, item: () => T): readonly T[]
  left(): number
}

export function createJuteReader(frame: Buffer): JuteReader {
  let at = 0

  function take(bytes: number, what: string): number {
    if (bytes > frame.length - at)
      throw new DecodeError(`Read ${what}: needs ${bytes} bytes, only ${frame.length - at} left`)
    const start = at
    at += bytes
    return start
  }

  /** The length of a string, buffer or vector; -1 for null. */
  function length(what: string): number {
    const value = frame.readInt32BE(take(4, what))
    if (value < -1) throw new DecodeError(`Read ${what}: length ${value}, expected -1 or more`)
    return value
  }

  return {
    int: () => frame.readInt32BE(take(4, 'int')),
    long: () => frame.readBigInt64BE(take(8, 'long')),
    bool: () => frame[take(1, 'boolean')] !== 0,
    buffer: () => {
      const bytes = length('buffer')
      if (bytes < 0) return undefined
      const start = take(bytes, 'buffer')
      return Buffer.from(frame.subarray(start, at))
    },
    text: () => {
      const bytes = length('string')
      if (bytes <= 0) return ''
      const start = take(bytes, 'string')
      return frame.toString('utf8', start, at)
    },
    list: (minItemBytes, item) => {
      const count = length('vector')
      if (count > (frame.length - at) / minItemBytes)
        throw new DecodeError(`Read vector: ${count} items do not fit into ${frame.length - at} bytes`)
      return Array.from({ length: Math.max(0, count) }, item)
    },
    left: () => frame.length - at,
  }
}

/** Writes jute; the buffer grows as needed. */
export interface JuteWriter {
  int(value: number): void
  long(value: bigint): void
  bool(value: boolean): void
  buffer(value: Uint8Array | undefined): void
  text(value: string): void
  list<T>(items: readonly T[], item: (value: T) => void): void
  /** What was written so far; the writer must not be used afterwards. */
  done(): Buffer
}

export function createJuteWriter(sizeHint = 128): JuteWriter {
  let target = Buffer.allocUnsafe(sizeHint)
  let at = 0

  function reserve(bytes: number): number {
    if (at + bytes > target.length) {
      const larger = Buffer.allocUnsafe(Math.max(target.length * 2, at + bytes))
      target.copy(larger, 0, 0, at)
      target = larger
    }
    const start = at
    at += bytes
    return start
  }

  // The room is taken before `target` is looked at: taking it may replace the buffer.
  const int = (value: number): void => {
    const start = reserve(4)
    target.writeInt32BE(value, start)
  }

  return {
    int,
    long: (value) => {
      const start = reserve(8)
      target.writeBigInt64BE(value, start)
    },
    bool: (value) => {
      const start = reserve(1)
      target[start] = value ? 1 : 0
    },
    buffer: (value) => {
      int(value === undefined ? -1 : value.byteLength)
      if (value === undefined) return
      const start = reserve(value.byteLength)
      target.set(value, start)
    },
    text: (value) => {
      const bytes = Buffer.byteLength(value)
      int(bytes)
      const start = reserve(bytes)
      target.write(value, start, 'utf8')
    },
    list: (items, item) => {
      int(items.length)
      for (const value of items) item(value)
    },
    done: () => target.subarray(0, at),
  }
}

/** The bytes that `write` produces. */
export function encode(write: (writer: JuteWriter) => void, sizeHint?: number): Buffer {
  const writer = createJuteWriter(sizeHint)
  write(writer)
  return writer.done()
}
