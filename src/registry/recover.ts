import { join } from 'node:path'
import { ConfigError, describeError, UnavailableError } from '../runtime/errors.ts'
import { type JournalRecord, readRecords } from './record-file.ts'

/** The first line of each file. */
export const head: JournalRecord = {
  order: 0,
  body: JSON.stringify({ format: 'lagkeeper-registry', version: 1 }),
}

/** The last line of a snapshot: how many records it has, and whether they are all there ever was. */
export function endRecord(lastOrder: number, count: number, isWhole: boolean): JournalRecord {
  return { order: lastOrder, body: JSON.stringify({ end: count, whole: isWhole }) }
}

/** Written once whoever was alive must have come back: from here on nothing is missing. */
export function wholeRecord(order: number): JournalRecord {
  return { order, body: JSON.stringify({ whole: true }) }
}

/** What an earlier process left. */
export interface Recovered {
  readonly lastOrder: number
  /** False when something that had been acknowledged may be missing: nothing was there, or it was damaged. */
  readonly isWhole: boolean
  /** Lines that could not be read although more followed, and a snapshot without its end. */
  readonly damaged: number
}

/**
 * Reads snapshot and journal, oldest record first, into `onRecord`; a record that an earlier file has already told is
 * skipped. The last line of a journal may be cut off: it was never acknowledged.
 *
 * @throws ConfigError when another version of Lagkeeper wrote the files; UnavailableError when they cannot be read
 */
export async function recover(folder: string, onRecord: (body: unknown, order: number) => void): Promise<Recovered> {
  let lastOrder = 0
  let count = 0
  let isWhole = false
  let isEnded = false
  const take = ({ order, body }: JournalRecord): void => {
    const record: unknown = JSON.parse(body)
    if (isHead(record)) {
      checkHead(body, folder)
      return
    }
    const mark = markOf(record)
    if (mark === undefined) {
      if (order > lastOrder) onRecord(record, order)
      count++
    } else {
      isWhole = mark.whole
      isEnded ||= mark.end === count
    }
    lastOrder = Math.max(lastOrder, order)
  }
  try {
    const snapshot = await readRecords(join(folder, 'registry.snapshot'), take)
    const isCut = snapshot.records > 0 && !isEnded
    const journal = await readRecords(join(folder, 'registry.journal'), take)
    const damaged = snapshot.damaged + journal.damaged + (isCut ? 1 : 0)
    return { lastOrder, damaged, isWhole: isWhole && damaged === 0 }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new UnavailableError(`Read the registry in "${folder}": ${describeError(error)}`, { cause: error })
  }
}

/** What `endRecord` and `wholeRecord` wrote; undefined for all other records. */
function markOf(record: unknown): { readonly end?: unknown; readonly whole: boolean } | undefined {
  if (typeof record !== 'object' || record === null || !('whole' in record)) return undefined
  return { whole: record.whole === true, ...('end' in record ? { end: record.end } : {}) }
}

function isHead(record: unknown): boolean {
  return typeof record === 'object' && record !== null && 'format' in record
}

function checkHead(body: string, folder: string): void {
  if (body === head.body) return
  throw new ConfigError([
    `storage.path: "${folder}" holds a registry with the head ${body}, expected ${head.body}: another version of Lagkeeper wrote it`,
  ])
}
