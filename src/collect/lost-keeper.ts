import { createLostReader, lostLines } from '../lag/lost-lines.ts'
import { createLostCounter, type LostCounter, type LostInput, type SavedLost } from '../lag/records-lost.ts'
import type { RecordsLost, Snapshot } from '../model/snapshot.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createKeptFile, type KeptFile } from './kept-file.ts'

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
const MAX_FILE_BYTES = 128 << 20
/** What nobody has met again for so long belongs to consumers that are gone. */
const REST_MS = 24 * 3_600_000
const says = {
  beginsAnew: 'Count of lost records begins anew',
  notSaved: 'Count of lost records not saved',
  savedAgain: 'Count of lost records is saved again',
} as const

export function createLostKeeper({ kafkaCluster, file, clock, logger }: LostKeeperOptions): LostKeeper {
  const kept =
    file === undefined ? undefined : createKeptFile({ path: file, mostBytes: MAX_FILE_BYTES, says, clock, logger })
  const startedAt = clock.monotonic()
  let saved: SavedLost | undefined
  let counter: LostCounter = createLostCounter()
  let last: Snapshot | undefined
  let lastSaved: Snapshot | undefined
  let savedAt = clock.monotonic()
  let saving: Promise<void> | undefined
  let pauseMs = SAVE_EVERY_MS

  async function write(into: KeptFile, snapshot: Snapshot): Promise<void> {
    const rest = clock.monotonic() - startedAt < REST_MS ? saved : undefined
    if (await into.save(lostLines(counter, snapshot, rest))) lastSaved = snapshot
  }

  function save(into: KeptFile, snapshot: Snapshot): Promise<void> {
    savedAt = clock.monotonic()
    const writing = write(into, snapshot).finally(() => {
      saving = undefined
      pauseMs = Math.max(SAVE_EVERY_MS, PAUSE_FACTOR * (clock.monotonic() - savedAt))
    })
    saving = writing
    return writing
  }

  return {
    load: async (signal) =>
      kept?.load(async (text) => {
        saved = await parse(text, kafkaCluster)
        counter = createLostCounter(saved)
      }, signal),
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
      if (kept === undefined || saving !== undefined || clock.monotonic() - savedAt < pauseMs) return
      void save(kept, snapshot)
    },
    close: async () => {
      if (kept === undefined || last === undefined) return
      const final = last
      await kept.finish(async () => {
        await saving
        if (lastSaved !== final) await save(kept, final)
      })
    },
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
