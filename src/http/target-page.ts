import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { Quarantined, Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import { intoBuckets, renderGroups } from '../targets/http-sd.ts'
import { inSteps } from './request-body.ts'

/** A list of targets ready to be sent, whole or a slice; never written after it is made. */
export interface TargetPage {
  readonly bytes: Uint8Array
  readonly etag: string
  /** The same bytes as one gzip member, made when first asked for. */
  gzipped(): Promise<Uint8Array>
  readonly groups: number
  readonly quarantined: readonly Quarantined[]
  readonly parts: readonly PagePart[]
}

/** The targets of one bucket with their bytes in the page: an unchanged bucket is not rendered again. */
interface PagePart {
  readonly targets: readonly Target[]
  readonly bytes: Uint8Array
  readonly digest: string
  readonly groups: number
  readonly quarantined: readonly Quarantined[]
}

/** Renders a list bucket by bucket with room for others in between; `before` is an earlier page to take parts from. */
export async function buildPage(targets: readonly Target[], before?: TargetPage): Promise<TargetPage> {
  const breathe = breather()
  const buckets = await inSteps(intoBuckets(targets))
  const parts: PagePart[] = []
  for (const [index, bucket] of buckets.entries()) {
    const earlier = before?.parts[index]
    parts.push(earlier !== undefined && isSame(earlier.targets, bucket) ? earlier : renderPart(bucket))
    await breathe()
  }
  const filled = parts.filter(({ bytes }) => bytes.length > 0)
  const bytes = Buffer.allocUnsafeSlow(filled.reduce((sum, part) => sum + part.bytes.length + 2, 3))
  const placed = new Map<PagePart, PagePart>()
  let end = bytes.write('[\n')
  for (const part of filled) {
    if (placed.size > 0) end += bytes.write(',\n', end)
    bytes.set(part.bytes, end)
    placed.set(part, { ...part, bytes: bytes.subarray(end, end + part.bytes.length) })
    end += part.bytes.length
    await breathe()
  }
  end += bytes.write(filled.length === 0 ? ']\n' : '\n]\n', end)
  const whole = bytes.subarray(0, end)
  let compressed: Promise<Uint8Array> | undefined
  return {
    bytes: whole,
    etag: `"${digestOf(parts.map(({ digest }) => digest).join())}"`,
    gzipped: () => {
      compressed ??= compress(whole, { level: constants.Z_BEST_SPEED })
      return compressed
    },
    groups: parts.reduce((sum, part) => sum + part.groups, 0),
    quarantined: parts.flatMap((part) => part.quarantined),
    // The parts now live in the page, so that an older page can be freed whole.
    parts: parts.map((part) => placed.get(part) ?? part),
  }
}

const compress = promisify<Uint8Array, { level: number }, Uint8Array>(gzip)

function renderPart(targets: readonly Target[]): PagePart {
  const { text, groups, quarantined } = renderGroups(targets)
  return { targets, groups, quarantined, bytes: Buffer.from(text), digest: digestOf(text) }
}

function isSame(a: readonly Target[], b: readonly Target[]): boolean {
  return a.length === b.length && a.every((target, index) => target === b[index])
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
