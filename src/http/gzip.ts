import { constants, crc32, deflateRawSync, inflateRaw } from 'node:zlib'
import { breather } from '../runtime/breathe.ts'
import { combineCrc32 } from './crc32-combine.ts'

/**
 * Pieces of one gzip member, each compressed on its own and ended by a flush, so that they can be made side by side,
 * kept, sent again, and opened again one by one. Not a member a piece: `curl --compressed` fails on the second member
 * of an answer and Chromium drops it in silence, though both generations of Prometheus would read it.
 */
export interface GzipPieces {
  /** Grows until `done`; raw deflate, without the head and the tail of a member. */
  readonly pieces: readonly Uint8Array[]
  /** Resolves when there is another piece or the end; rejects when making them failed. */
  more(): Promise<void>
  /** Checksum and length of the whole text; undefined until the last piece is there. */
  readonly sum: () => GzipSum | undefined
}

export interface GzipSum {
  readonly crc: number
  readonly bytes: number
}

/** Text to be compressed. */
export interface TextStretch {
  readonly chunks: Iterable<Uint8Array>
  /** Told what came of it, to be given to `compress` in place of the same text another time. */
  readonly onCompressed?: (compressed: Compressed) => void
}

/** A stretch that was compressed before. */
export interface Compressed {
  readonly pieces: readonly Uint8Array[]
  readonly sum: GzipSum
}

/** Fixed head of a member (RFC 1952, section 2.3): deflate, no name, no time, unknown system. */
export const gzipHead = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff)

/**
 * Compresses chunks as they are made, at level 1: higher levels take three times as long for a few per cent. It runs
 * to its end whether or not anybody reads, and never holds the event loop for longer than two chunks take. On this
 * thread, because handing a chunk to another one and back costs as much here as compressing it does.
 */
export function compress(stretches: Iterable<TextStretch | Compressed>): GzipPieces {
  const pieces: Uint8Array[] = []
  let sum: GzipSum | undefined
  let failure: { readonly error: unknown } | undefined
  let waiting: (() => void)[] = []

  function wake(): void {
    for (const resolve of waiting) resolve()
    waiting = []
  }

  async function work(): Promise<void> {
    const breathe = breather(5)
    let all = noSum
    for (const stretch of stretches) {
      if ('pieces' in stretch) {
        for (const piece of stretch.pieces) pieces.push(piece)
        all = joinSums(all, stretch.sum)
      } else {
        const first = pieces.length
        let own = noSum
        for (const chunk of stretch.chunks) {
          if (chunk.length > 0) {
            own = { crc: crc32(chunk, own.crc), bytes: own.bytes + chunk.length }
            pieces.push(deflate(chunk, constants.Z_SYNC_FLUSH))
            wake()
          }
          await breathe()
        }
        all = joinSums(all, own)
        stretch.onCompressed?.({ pieces: pieces.slice(first), sum: own })
      }
      await breathe()
    }
    sum = all
  }

  work().then(wake, (error: unknown) => {
    failure = { error }
    wake()
  })
  return {
    pieces,
    sum: () => sum,
    more: async () => {
      if (failure === undefined && sum === undefined) await new Promise<void>((resolve) => waiting.push(resolve))
      if (failure !== undefined) throw failure.error
    },
  }
}

/** Of nothing. */
export const noSum: GzipSum = { crc: 0, bytes: 0 }

/** Of two texts one after the other. */
export function joinSums(first: GzipSum, second: GzipSum): GzipSum {
  return {
    crc: combineCrc32(first.crc, second.crc, second.bytes),
    bytes: first.bytes + second.bytes,
  }
}

/** All pieces from the first, those that are not there yet as they come. */
export async function* readPieces(gzip: GzipPieces): AsyncGenerator<Uint8Array, void> {
  for (let next = 0; ; next++) {
    while (next >= gzip.pieces.length) {
      if (gzip.sum() !== undefined) return
      await gzip.more()
    }
    yield gzip.pieces[next]!
  }
}

/** The last piece of the member, with `text` in it, and the checksum behind it. */
export function gzipEnd(before: GzipSum, text: Uint8Array): Uint8Array {
  const last = deflate(text, constants.Z_FINISH)
  const end = Buffer.alloc(last.length + 8)
  end.set(last)
  // zlib answers 0 for an empty text, whatever came before it.
  end.writeUInt32LE(text.length === 0 ? before.crc : crc32(text, before.crc), last.length)
  end.writeUInt32LE((before.bytes + text.length) % 2 ** 32, last.length + 4)
  return end
}

/** The text of one piece. */
export function inflate(piece: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    inflateRaw(piece, { finishFlush: constants.Z_SYNC_FLUSH, chunkSize: 256 * 1024 }, (error, bytes) =>
      error === null ? resolve(bytes) : reject(error),
    )
  })
}

function deflate(chunk: Uint8Array, finishFlush: number): Uint8Array {
  // A copy: what zlib returns is the beginning of a larger buffer, and pieces are kept.
  return Uint8Array.from(deflateRawSync(chunk, { level: 1, finishFlush, chunkSize: 64 * 1024 }))
}
