import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type CreateDurableFile, createDurableFile, type DurableFile, moveIntoPlace } from '../runtime/durable-file.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { encodeRecord, type JournalRecord } from './record-file.ts'
import { endRecord, head } from './recover.ts'

export interface JournalOptions {
  /** Holds `registry.journal` and `registry.snapshot`; made when it is not there. */
  readonly folder: string
  /** Everything that must survive, each with the order of its last change, ascending: what a snapshot is made of. */
  readonly contents: () => Iterable<JournalRecord>
  /** Whether the contents are all that was ever acknowledged and has not ended. */
  readonly isWhole: () => boolean
  /** The greatest order that was recovered. */
  readonly lastOrder: number
  readonly logger: Logger
  readonly createFile?: CreateDurableFile
}

/** Survives a crash at any moment: a record is either there, or its append never resolved. */
export interface Journal {
  /**
   * Resolves when the records, in ascending order, are on the disk. The first call, and the first after a failure, writes
   * a snapshot of the contents and begins a new file. Never two calls of the journal at once.
   *
   * @throws UnavailableError when the disk is full or fails; the records are then as good as never written
   */
  append(records: readonly JournalRecord[]): Promise<void>
  /** Writes a snapshot when the journal has grown long beside it; trouble is logged, and the journal goes on. */
  tidy(): Promise<void>
  close(): Promise<void>
}

/** For a registry without a storage path: nothing survives. */
export const noJournal: Journal = {
  append: () => Promise.resolve(),
  tidy: () => Promise.resolve(),
  close: () => Promise.resolve(),
}

const leastBytesToCompact = 8 * 1024 * 1024

/** The journal of this process; what earlier ones left is read by `recover` first. */
export function createJournal(options: JournalOptions): Journal {
  const { folder, contents, isWhole, logger, createFile = createDurableFile } = options
  const pathOf = (name: string): string => join(folder, `registry.${name}`)
  let lastOrder = options.lastOrder
  let file: DurableFile | undefined
  let compactAtBytes = leastBytesToCompact

  /** After this everything there is stands in the snapshot, and the journal is empty. */
  async function compact(): Promise<DurableFile> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const snapshotBytes = await writeSnapshot()
    const next = await createFile(pathOf('journal.tmp'))
    try {
      await next.append([encodeRecord(head)])
      await moveIntoPlace(pathOf('journal.tmp'), pathOf('journal'))
    } catch (error) {
      await next.close()
      throw error
    }
    await file?.close()
    file = next
    compactAtBytes = Math.max(leastBytesToCompact, 2 * snapshotBytes)
    return next
  }

  async function writeSnapshot(): Promise<number> {
    const snapshot = await createFile(pathOf('snapshot.tmp'))
    try {
      await snapshot.append(snapshotLines())
    } finally {
      await snapshot.close()
    }
    await moveIntoPlace(pathOf('snapshot.tmp'), pathOf('snapshot'))
    return snapshot.size()
  }

  function* snapshotLines(): Generator<string> {
    let count = 0
    yield encodeRecord(head)
    for (const record of contents()) {
      count++
      yield encodeRecord(record)
    }
    yield encodeRecord(endRecord(lastOrder, count, isWhole()))
  }

  async function write(records: readonly JournalRecord[]): Promise<void> {
    const journal = file ?? (await compact())
    const last = records.at(-1)
    if (last === undefined) return
    // Counted before the attempt: should a record reach the disk without being acknowledged, the next snapshot says
    // that it knows better.
    lastOrder = last.order
    try {
      await journal.append(encoded(records))
    } catch (error) {
      // After a failed fsync nobody knows what is on the disk: only a new file can be trusted.
      file = undefined
      await journal.close().catch(() => undefined)
      throw error
    }
  }

  return {
    append: async (records) => {
      try {
        await write(records)
      } catch (error) {
        throw new UnavailableError(`Write the registry to "${folder}": ${describeError(error)}`, { cause: error })
      }
    },
    tidy: async () => {
      if (file === undefined || file.size() < compactAtBytes) return
      try {
        await compact()
      } catch (error) {
        compactAtBytes = 2 * (file?.size() ?? 0)
        logger.error({ error: describeError(error) }, 'Registry snapshot could not be written')
      }
    },
    close: async () => {
      await file?.close()
      file = undefined
    },
  }
}

function* encoded(records: readonly JournalRecord[]): Generator<string> {
  for (const record of records) yield encodeRecord(record)
}
