import { DecodeError } from '../runtime/errors.ts'

/** Bytes that grow as they are written. */
export interface ByteWriter {
  /** A whole number of 0 to 2^53 − 1, seven bits a byte, the lowest first. */
  varint(value: number): void
  uint32(value: number): void
  text(value: string): void
  raw(bytes: Uint8Array): void
  /** What has been written; the writer begins anew. */
  take(): Buffer
}

/** Reads what a writer wrote. Every method throws a DecodeError where the bytes cannot be that. */
export interface ByteReader {
  varint(): number
  /** A varint that is at most so large; `what` names it in the error. */
  count(most: number, what: string): number
  uint32(): number
  text(): string
  end(): void
}

const FIRST_BYTES = 1 << 16
const LONGEST_VARINT = 8
const LOW = 2 ** 28
const MOST_TEXT_BYTES = 1 << 20

export function createByteWriter(): ByteWriter {
  let bytes = Buffer.allocUnsafe(FIRST_BYTES)
  let at = 0

  function room(more: number): void {
    if (at + more <= bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(bytes.length * 2, at + more))
    bytes.copy(larger, 0, 0, at)
    bytes = larger
  }

  function varint(value: number): void {
    room(LONGEST_VARINT)
    let rest = value
    // Shifts are of 32 bits.
    while (rest >= LOW) {
      bytes[at++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest >= 128) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[at++] = rest
  }

  function raw(more: Uint8Array): void {
    room(more.length)
    bytes.set(more, at)
    at += more.length
  }

  return {
    varint,
    raw,
    uint32: (value) => {
      room(4)
      at = bytes.writeUInt32LE(value, at)
    },
    text: (value) => {
      const encoded = Buffer.from(value, 'utf8')
      varint(encoded.length)
      raw(encoded)
    },
    take: () => {
      const taken = Buffer.from(bytes.subarray(0, at))
      at = 0
      return taken
    },
  }
}

export function createByteReader(bytes: Buffer): ByteReader {
  let at = 0

  function need(more: number): void {
    if (at + more > bytes.length) throw new DecodeError(`Read ${more} bytes at ${at}: only ${bytes.length - at} left`)
  }

  function varint(): number {
    let value = 0
    let weight = 1
    for (let length = 0; length < LONGEST_VARINT; length++) {
      need(1)
      const byte = bytes[at++]!
      value += (byte & 0x7f) * weight
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      weight *= 128
    }
    throw new DecodeError(`Read a number at ${at}: larger than 2^53`)
  }

  function count(most: number, what: string): number {
    const value = varint()
    if (value > most) throw new DecodeError(`Read ${what} at ${at}: ${value}, expected at most ${most}`)
    return value
  }

  return {
    varint,
    count,
    uint32: () => {
      need(4)
      at += 4
      return bytes.readUInt32LE(at - 4)
    },
    text: () => {
      const length = count(MOST_TEXT_BYTES, 'length of a text')
      need(length)
      at += length
      return bytes.toString('utf8', at - length, at)
    },
    end: () => {
      if (at !== bytes.length) throw new DecodeError(`Read to the end: ${bytes.length - at} bytes left over`)
    },
  }
}
