import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'
import type { Quarantined, Target } from '../model/target.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import { intoBuckets, renderGroups } from '../targets/http-sd.ts'

/** A list of targets ready to be sent, whole or a slice; never written after it is made. */
export interface TargetPage {
  /** One JSON text in pieces; pieces of an unchanged part are shared with the page before. */
  readonly chunks: readonly Uint8Array[]
  readonly bytes: number
  readonly etag: string
  /** The same text as one gzip member, made when first asked for. */
  gzipped(): Promise<Uint8Array>
  readonly groups: number
  readonly quarantined: readonly Quarantined[]
  readonly parts: readonly PagePart[]
}

/** The targets of one bucket as bytes, with a comma in front: an unchanged bucket is not rendered again. */
interface PagePart {
  readonly targets: readonly Target[]
  readonly bytes: Uint8Array
  readonly digest: string
  readonly groups: number
  readonly quarantined: readonly Quarantined[]
}

/** Below what a part of a long list has, so that the list is not copied again after each change. */
const smallChunk = 4 * 1024

/** Renders a list bucket by bucket with room for others in between; `before` is an earlier page to take parts from. */
export async function buildPage(targets: readonly Target[], before?: TargetPage): Promise<TargetPage> {
  const breathe = breather()
  const buckets = await runInTurns(intoBuckets(targets))
  const parts: PagePart[] = []
  for (const [index, bucket] of buckets.entries()) {
    const earlier = before?.parts[index]
    parts.push(earlier !== undefined && isSame(earlier.targets, bucket) ? earlier : renderPart(bucket))
    await breathe()
  }
  const chunks = joinSmall(parts)
  let compressed: Promise<Uint8Array> | undefined
  return {
    parts,
    chunks,
    bytes: chunks.reduce((sum, { length }) => sum + length, 0),
    etag: `"${digestOf(parts.map(({ digest }) => digest).join())}"`,
    gzipped: () => {
      compressed ??= compress(chunks)
      return compressed
    },
    groups: parts.reduce((sum, part) => sum + part.groups, 0),
    quarantined: parts.flatMap((part) => part.quarantined),
  }
}

/** Piece by piece in the thread pool: a long list as one buffer would be too much at once. */
async function compress(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const zip = createGzip({ level: constants.Z_BEST_SPEED })
  await pipeline(Readable.from(chunks), zip, async (zipped: AsyncIterable<Buffer>) => {
    for await (const piece of zipped) pieces.push(piece)
  })
  return Buffer.concat(pieces)
}

function renderPart(targets: readonly Target[]): PagePart {
  const { text, groups, quarantined } = renderGroups(targets)
  return {
    targets,
    groups,
    quarantined,
    bytes: Buffer.from(text === '' ? '' : `,\n${text}`),
    digest: digestOf(text),
  }
}

/** The parts as one array of JSON; what is small is copied together, so that a short list is one piece. */
function joinSmall(parts: readonly PagePart[]): readonly Uint8Array[] {
  const filled = parts.map(({ bytes }) => bytes).filter(({ length }) => length > 0)
  const [first, ...rest] = filled
  const texts = first === undefined ? [] : [first.subarray(1), ...rest]
  const chunks: Uint8Array[] = []
  let small: Uint8Array[] = [Buffer.from('[')]
  let size = 1
  const close = (): void => {
    if (small.length > 0) chunks.push(Buffer.concat(small))
    small = []
    size = 0
  }
  for (const bytes of [...texts, Buffer.from('\n]\n')]) {
    if (bytes.length >= smallChunk) {
      close()
      chunks.push(bytes)
      continue
    }
    small.push(bytes)
    size += bytes.length
    if (size >= smallChunk) close()
  }
  close()
  return chunks
}

/**
 * Whether two buckets have the same text: nothing else of a target is in it, and its place does not count either. When
 * a hundred thousand are put back after the end of a session, all take another place.
 */
function isSame(a: readonly Target[], b: readonly Target[]): boolean {
  if (a.length !== b.length) return false
  const isEqual = (one: Target | undefined, other: Target | undefined): boolean =>
    one?.registration === other?.registration && one?.state === other?.state
  if (a.every((target, index) => isEqual(target, b[index]))) return true
  const before = new Map(a.map((target) => [target.registration, target]))
  return b.every((target) => isEqual(target, before.get(target.registration)))
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
