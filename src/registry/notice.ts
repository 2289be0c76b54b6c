import { membersOf } from '../targets/field-problem.ts'

/**
 * Registrations of one replica that are over as they stand in its journal, because they went to another replica or ended
 * there: the number of the record, and the id for certainty. No number is used twice, so a notice that is late, or read
 * twice, never says anything about what was registered since.
 */
export type Over = ReadonlyMap<number, string>

/** What a replica is told is a znode or many; so much of it a write of one more word sends again. */
const mostNoticeBytes = 32 * 1024
const headBytes = 64

/** `{"over":[[<record>,"<id>"],…]}` in UTF-8. */
export function encodeNotice(over: Over): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ over: [...over] }))
}

/** `present` with as much of `coming` as fits into one notice. */
export function fillNotice(present: Over, coming: Over): Over {
  const filled = new Map(present)
  let bytes = headBytes
  for (const [record, id] of present) bytes += bytesOf(record, id)
  for (const [record, id] of coming) {
    bytes += bytesOf(record, id)
    if (bytes > mostNoticeBytes) break
    filled.set(record, id)
  }
  return filled
}

/** Never throws: a notice that others spoilt says why it is none. */
export function decodeNotice(data: Uint8Array): Over | { readonly why: string } {
  if (data.length > mostNoticeBytes) return { why: `${data.length} bytes, expected at most ${mostNoticeBytes}` }
  const entries = membersOf(parseJson(data))?.['over']
  if (!Array.isArray(entries)) return { why: 'it is not {"over":[[record,"id"],…]} as JSON in UTF-8' }
  const over = new Map<number, string>()
  for (const entry of entries) {
    const [record, id]: readonly unknown[] = Array.isArray(entry) ? entry : []
    if (typeof record !== 'number' || !Number.isSafeInteger(record) || record < 1 || typeof id !== 'string')
      return { why: `entry ${over.size} is not [record,"id"]` }
    over.set(record, id)
  }
  return over
}

function bytesOf(record: number, id: string): number {
  return Buffer.byteLength(JSON.stringify([record, id])) + 1
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
  } catch {
    return undefined
  }
}
