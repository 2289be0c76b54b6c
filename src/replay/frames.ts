import { crc32 } from 'node:zlib'
import { DecodeError } from '../runtime/errors.ts'

/** The first line of what a recording unpacks to; the number is the version of the format. */
const BANNER = 'lagkeeper recording '
const VERSION = 1

const frameKinds = { head: 1, cycle: 2, end: 3 } as const
export type FrameKind = keyof typeof frameKinds

interface Frame {
  readonly kind: FrameKind
  readonly payload: Buffer
}

const HEADER_BYTES = 9
/** A cycle of a million rows that are all new takes about 40 MB. */
const MOST_BYTES = 512 << 20

export function bannerBytes(): Buffer {
  return Buffer.from(`${BANNER}${VERSION}\n`)
}

/** A frame with its length and its checksum in front. */
export function frameBytes(kind: FrameKind, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(frameKinds[kind], 0)
  header.writeUInt32LE(payload.length, 1)
  header.writeUInt32LE(crc32(payload), 5)
  return Buffer.concat([header, payload])
}

/** Cuts unpacked bytes into frames. */
export interface FrameCutter {
  /** @throws DecodeError at the first byte that cannot be of a recording */
  push(bytes: Buffer): Iterable<Frame>
  /** True when bytes are left that are no whole frame. */
  isCut(): boolean
}

export function createFrameCutter(): FrameCutter {
  let chunks: Buffer[] = []
  let length = 0
  let wanted = bannerBytes().length
  let isBannerRead = false

  function all(): Buffer {
    const joined = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    chunks = [joined]
    return joined
  }

  function drop(bytes: number): void {
    const rest = all().subarray(bytes)
    chunks = [rest]
    length = rest.length
    wanted = HEADER_BYTES
  }

  function* push(bytes: Buffer): Generator<Frame> {
    chunks.push(bytes)
    length += bytes.length
    while (length >= wanted) {
      const start = all()
      if (!isBannerRead) {
        readBanner(start)
        isBannerRead = true
        drop(bannerBytes().length)
        continue
      }
      const size = start.readUInt32LE(1)
      if (size > MOST_BYTES) throw new DecodeError(`Read a frame: ${size} bytes, expected at most ${MOST_BYTES}`)
      wanted = HEADER_BYTES + size
      if (length < wanted) return
      yield frameIn(start, size)
      drop(wanted)
    }
  }

  return { push, isCut: () => length > 0 }
}

function readBanner(start: Buffer): void {
  const line = start.toString('latin1', 0, bannerBytes().length)
  if (!line.startsWith(BANNER)) throw new DecodeError('Read a recording: it does not begin as one')
  if (line !== bannerBytes().toString('latin1'))
    throw new DecodeError(`Read a recording: version ${line.slice(BANNER.length).trim()}, expected ${VERSION}`)
}

function frameIn(start: Buffer, size: number): Frame {
  const payload = start.subarray(HEADER_BYTES, HEADER_BYTES + size)
  if (crc32(payload) !== start.readUInt32LE(5)) throw new DecodeError('Read a frame: its checksum is another one')
  const number = start.readUInt8(0)
  if (number === frameKinds.head) return { kind: 'head', payload }
  if (number === frameKinds.cycle) return { kind: 'cycle', payload }
  if (number === frameKinds.end) return { kind: 'end', payload }
  throw new DecodeError(`Read a frame: kind ${number}, expected 1 to 3`)
}
