import { createReadStream } from 'node:fs'
import { crc32 } from 'node:zlib'
import { breather } from '../runtime/breathe.ts'

/** One line of a journal or a snapshot. */
export interface JournalRecord {
  /** Grows from record to record, over all files; 0 is the head of a file. */
  readonly order: number
  /** JSON on one line. */
  readonly body: string
}

/** The line of a record: checksum of all that follows as 8 hex digits, order, body. */
export function encodeRecord({ order, body }: JournalRecord): string {
  const content = `${order} ${body}`
  return `${crc32(content).toString(16).padStart(8, '0')} ${content}\n`
}

/** What a file turned out to be. */
export interface ReadOutcome {
  readonly records: number
  /** Lines that are not whole although whole ones follow; the last line of a file may be cut off by a crash. */
  readonly damaged: number
}

/**
 * Hands over every whole record of a file in its order; none when there is no such file. Lets others run in between.
 */
export async function readRecords(path: string, onRecord: (record: JournalRecord) => void): Promise<ReadOutcome> {
  const breathe = breather()
  let records = 0
  let damaged = 0
  let suspects = 0
  let rest: Buffer = Buffer.alloc(0)
  const take = (line: Buffer): void => {
    const record = decodeRecord(line)
    if (record === undefined) {
      suspects++
      return
    }
    damaged += suspects
    suspects = 0
    records++
    onRecord(record)
  }
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      let bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
        take(bytes.subarray(0, end))
        bytes = bytes.subarray(end + 1)
        await breathe()
      }
      rest = bytes
    }
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  return { records, damaged }
}

function decodeRecord(line: Buffer): JournalRecord | undefined {
  if (line.length < 12 || line[8] !== 32) return undefined
  const content = line.subarray(9)
  if (line.toString('latin1', 0, 8) !== crc32(content).toString(16).padStart(8, '0')) return undefined
  const blank = content.indexOf(32)
  const order = Number(content.toString('latin1', 0, blank))
  return Number.isSafeInteger(order) && blank > 0 ? { order, body: content.toString('utf8', blank + 1) } : undefined
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
