import { constants, crc32, deflateRaw, inflateRaw } from 'node:zlib'
import { breather } from '../runtime/breathe.ts'

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

/** Fixed head of a member (RFC 1952, section 2.3): deflate, no name, no time, unknown system. */
export const gzipHead = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff)

/** How many pieces are with the thread pool at once: enough that making the next one never waits for it. */
const AT_ONCE = 8

/**
 * Compresses chunks as they are made, at level 1: higher levels take three times as long for a few per cent. It runs
 * to its end whether or not anybody reads, and never holds the event loop for longer than one chunk takes to be made.
 */
export function compress(chunks: Iterable<Uint8Array>): GzipPieces {
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
    const running: Promise<Uint8Array>[] = []
    let crc = 0
    let bytes = 0
    async function finishOne(): Promise<void> {
      pieces.push(await running.shift()!)
      wake()
    }
    for (const chunk of chunks) {
      if (chunk.length > 0) {
        crc = crc32(chunk, crc)
        bytes += chunk.length
        const piece = deflate(chunk, constants.Z_SYNC_FLUSH)
        piece.catch(() => undefined)
        running.push(piece)
        if (running.length >= AT_ONCE) await finishOne()
      }
      await breathe()
    }
    while (running.length > 0) await finishOne()
    sum = { crc, bytes }
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
export async function gzipEnd(before: GzipSum, text: Uint8Array): Promise<Uint8Array> {
  const last = await deflate(text, constants.Z_FINISH)
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

function deflate(chunk: Uint8Array, finishFlush: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    deflateRaw(chunk, { level: 1, finishFlush, chunkSize: 64 * 1024 }, (error, bytes) =>
      // A copy: what zlib returns is the beginning of a larger buffer, and pieces are kept.
      error === null ? resolve(Uint8Array.from(bytes)) : reject(error),
    )
  })
}
