import { readFile, stat } from 'node:fs/promises'
import { createLostReader, lostLines } from '../lag/lost-lines.ts'
import { createLostCounter, type LostCounter, type LostInput, type SavedLost } from '../lag/records-lost.ts'
import type { RecordsLost, Snapshot } from '../model/snapshot.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { replaceFileBy } from '../runtime/durable-file.ts'
import { describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

export interface LostKeeperOptions {
  readonly kafkaCluster: string
  /** Where the count outlives the process; absent: nowhere. */
  readonly file?: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Counts the records that one cluster's consumers lost, over restarts. */
export interface LostKeeper {
  /**
   * Takes what an earlier process left. A file that cannot be used is told of, and the count begins anew; so it does when
   * the disk does not answer for ten seconds. Rejects only when the signal aborts.
   */
  load(signal: AbortSignal): Promise<void>
  /** Counts one cycle; others run in between. */
  count(input: LostInput): Promise<RecordsLost>
  /** Saves in the background, at most every two minutes; what goes wrong is told of once. */
  saveSoon(snapshot: Snapshot): void
  /** Saves the last state and waits for that, two seconds at most. */
  close(): Promise<void>
}

/**
 * Every cycle would be of no more use: a process that is killed goes on counting from the log starts that it saved last,
 * and finds what was lost since. Only positions first seen in between have their first sight again.
 */
const SAVE_EVERY_MS = 120_000
/** A large file is saved more seldom: between two savings lies so many times what one takes. */
const PAUSE_FACTOR = 200
const CLOSE_MS = 2_000
const LOAD_MS = 10_000
const MAX_FILE_BYTES = 128 << 20
/** What nobody has met again for so long belongs to consumers that are gone. */
const REST_MS = 24 * 3_600_000

export function createLostKeeper({ kafkaCluster, file, clock, logger }: LostKeeperOptions): LostKeeper {
  const startedAt = clock.monotonic()
  let saved: SavedLost | undefined
  let counter: LostCounter = createLostCounter()
  let last: Snapshot | undefined
  let lastSaved: Snapshot | undefined
  let savedAt = clock.monotonic()
  let saving: Promise<void> | undefined
  let pauseMs = SAVE_EVERY_MS
  let isFailing = false

  async function write(path: string, snapshot: Snapshot): Promise<void> {
    const rest = clock.monotonic() - startedAt < REST_MS ? saved : undefined
    try {
      await replaceFileBy(path, lostLines(counter, snapshot, rest))
      lastSaved = snapshot
      if (isFailing) logger.info({ file: path }, 'Count of lost records is saved again')
      isFailing = false
    } catch (error) {
      if (!isFailing) logger.warn({ file: path, error: describeError(error) }, 'Count of lost records not saved')
      isFailing = true
    }
  }

  function save(path: string, snapshot: Snapshot): Promise<void> {
    savedAt = clock.monotonic()
    const writing = write(path, snapshot).finally(() => {
      saving = undefined
      pauseMs = Math.max(SAVE_EVERY_MS, PAUSE_FACTOR * (clock.monotonic() - savedAt))
    })
    saving = writing
    return writing
  }

  return {
    load: async (signal) => {
      if (file === undefined) return
      try {
        const text = await withDeadline(`Read "${file}"`, LOAD_MS, signal, () => readText(file))
        saved = text === undefined ? undefined : await parse(text, kafkaCluster)
        counter = createLostCounter(saved)
      } catch (error) {
        if (signal.aborted) throw error
        logger.warn({ file, error: describeError(error) }, 'Count of lost records begins anew')
      }
    },
    count: async (input) => {
      const { clusterId } = input.catalog
      if (saved?.clusterId !== undefined && clusterId !== undefined && saved.clusterId !== clusterId) {
        logger.warn({ file, was: saved.clusterId, is: clusterId }, 'Count of lost records begins anew: another cluster')
        saved = undefined
        counter = createLostCounter()
      }
      return runInTurns(counter.update(input))
    },
    saveSoon: (snapshot) => {
      last = snapshot
      if (file === undefined || saving !== undefined || clock.monotonic() - savedAt < pauseMs) return
      void save(file, snapshot)
    },
    close: async () => {
      if (file === undefined || last === undefined) return
      const path = file
      const final = last
      const ending = new AbortController()
      const work = (async () => {
        await saving
        if (lastSaved !== final) await save(path, final)
      })().finally(() => ending.abort())
      await Promise.race([work, clock.sleep(CLOSE_MS, ending.signal)])
    },
  }
}

/** Undefined when there is no such file. */
async function readText(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file)
    if (size > MAX_FILE_BYTES) throw new Error(`${size} bytes, expected at most ${MAX_FILE_BYTES}`)
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Line by line, for others to run in between. @throws Error when it is not what was written */
async function parse(text: string, kafkaCluster: string): Promise<SavedLost> {
  const breathe = breather()
  const reader = createLostReader(kafkaCluster)
  let number = 0
  for (let from = 0; from < text.length; ) {
    const to = text.indexOf('\n', from)
    const end = to < 0 ? text.length : to
    number++
    const wrong = reader.take(text.slice(from, end))
    if (wrong !== undefined) throw new Error(`line ${number}: ${wrong}`)
    from = end + 1
    await breathe()
  }
  const saved = reader.done()
  if (saved === undefined) throw new Error(`line ${number}: the file breaks off`)
  return saved
}
