import { createLostReader, lostLines } from '../lag/lost-lines.ts'
import { createLostCounter, type LostCounter, type LostInput, type SavedLost } from '../lag/records-lost.ts'
import type { RecordsLost } from '../model/snapshot.ts'
import { runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createKeptFile, readLines } from './kept-file.ts'
import { createSnapshotSaver, type SnapshotSaver } from './snapshot-saver.ts'

export interface LostKeeperOptions {
  readonly kafkaCluster: string
  /** Where the count outlives the process; absent: nowhere. */
  readonly file?: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Counts the records that one cluster's consumers lost, over restarts. */
export interface LostKeeper extends SnapshotSaver {
  /**
   * Takes what an earlier process left. A file that cannot be used is told of, and the count begins anew; so it does when
   * the disk does not answer for ten seconds. Rejects only when the signal aborts.
   */
  load(signal: AbortSignal): Promise<void>
  /** Counts one cycle; others run in between. */
  count(input: LostInput): Promise<RecordsLost>
}

/**
 * Every cycle would be of no more use: a process that is killed goes on counting from the log starts that it saved last,
 * and finds what was lost since. Only positions first seen in between have their first sight again.
 */
const SAVE_EVERY_MS = 120_000
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
  const saver = createSnapshotSaver({
    kept,
    everyMs: SAVE_EVERY_MS,
    lines: (snapshot) => lostLines(counter, snapshot, clock.monotonic() - startedAt < REST_MS ? saved : undefined),
    clock,
  })

  return {
    load: async (signal) =>
      kept?.load(async (text) => {
        saved = await readLines(text, createLostReader(kafkaCluster))
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
    saveSoon: saver.saveSoon,
    close: saver.close,
  }
}
