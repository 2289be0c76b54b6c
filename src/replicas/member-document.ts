import type { Replica } from './replicas.ts'

/** What a replica says of itself in its znode. */
export interface Member extends Replica {
  /** Whoever sends it is one of the replicas. */
  readonly secret: string
  /** How long this replica may go on with what it owns after it last looked, in milliseconds. */
  readonly holdMs: number
}

export function encodeMember({ id, url, version, startedAt, secret, holdMs }: Member): Buffer {
  return Buffer.from(`${JSON.stringify({ id, url, version, startedAt, secret, holdMs })}\n`)
}

/** undefined for what is no such document, as of a later version. */
export function decodeMember(id: string, data: Buffer): Member | undefined {
  const { url, version, startedAt, secret, holdMs, ...rest } = parse(data)
  if (rest['id'] !== id || typeof url !== 'string' || !isHttp(url)) return undefined
  if (typeof version !== 'string' || typeof startedAt !== 'string') return undefined
  if (typeof secret !== 'string' || secret === '' || typeof holdMs !== 'number' || !(holdMs >= 0)) return undefined
  return { id, url, version, startedAt, secret, holdMs }
}

function parse(data: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(data.toString())
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function isHttp(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
}
