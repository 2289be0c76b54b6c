import type { Snapshot } from '../model/snapshot.ts'
import type { Clock } from '../runtime/clock.ts'
import type { KeptFile } from './kept-file.ts'

export interface SnapshotSaverOptions {
  /** Nothing is saved without it. */
  readonly kept: KeptFile | undefined
  readonly everyMs: number
  /** What is left to the next process, when this was the last cycle. */
  readonly lines: (snapshot: Snapshot) => Iterable<string>
  readonly clock: Clock
}

/** Saves after some of the cycles what a process leaves to the next. */
export interface SnapshotSaver {
  /** After each cycle; saves when it is time to, without making anybody wait. */
  saveSoon(snapshot: Snapshot): void
  /** Saves for the last time, and waits for that two seconds at most. */
  close(): Promise<void>
}

/** A large file is saved more seldom: between two savings lies so many times what one takes, a thousandth of a core. */
const PAUSE_FACTOR = 1_000

export function createSnapshotSaver({ kept, everyMs, lines, clock }: SnapshotSaverOptions): SnapshotSaver {
  let last: Snapshot | undefined
  let lastSaved: Snapshot | undefined
  let savedAt = clock.monotonic()
  let saving: Promise<void> | undefined
  let pauseMs = everyMs

  async function write(into: KeptFile, snapshot: Snapshot): Promise<void> {
    if (await into.save(lines(snapshot))) lastSaved = snapshot
  }

  function save(into: KeptFile, snapshot: Snapshot): Promise<void> {
    savedAt = clock.monotonic()
    const writing = write(into, snapshot).finally(() => {
      saving = undefined
      pauseMs = Math.max(everyMs, PAUSE_FACTOR * (clock.monotonic() - savedAt))
    })
    saving = writing
    return writing
  }

  return {
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
