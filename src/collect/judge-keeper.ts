import { createJudge, type Judged, type JudgeInput, type SavedJudge } from '../lag/judge.ts'
import { judgeLines } from '../lag/judge-lines.ts'
import { createJudgeReader } from '../lag/judge-reader.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createKeptFile, type KeptFile } from './kept-file.ts'
import type { LogInquiry } from './log-inquiry.ts'

export interface JudgeKeeperOptions {
  readonly kafkaCluster: string
  readonly windowMs: number
  readonly intervalMs: number
  /** The log is not asked without it. */
  readonly inquiry?: LogInquiry
  /** Whether the job runs whose consumer this is; undefined for others, and when not known. */
  readonly isJobRunning?: (consumer: string) => boolean | undefined
  /** Where what has been seen is kept over restarts; begun anew with each process when absent. */
  readonly file?: string
  readonly clock: Clock
  readonly logger: Logger
}

/** What the keeper adds to a cycle of its own accord. */
type CycleToJudge = Omit<JudgeInput, 'now' | 'wall' | 'isJobRunning' | 'kept' | 'lookedUp' | 'want'>

/** Judges cycle after cycle, and keeps what it takes to do so over restarts. */
export interface JudgeKeeper {
  /** Takes up what an earlier process left. Rejects only when the signal aborts. */
  load(signal: AbortSignal): Promise<void>
  /** One cycle; others run in between. */
  judge(cycle: CycleToJudge): Promise<Judged>
  /** After a cycle: asks the log for what its judgement would have liked to know. Rejects only on abort. */
  inquire(snapshot: Snapshot, signal: AbortSignal): Promise<void>
  /** After each cycle; saves when it is time to, without making anybody wait. */
  saveSoon(snapshot: Snapshot): void
  /** Saves for the last time. */
  close(): Promise<void>
}

const SAVE_EVERY_MS = 60_000
/** Between two savings lies so many times what one takes. */
const PAUSE_FACTOR = 200
const MAX_FILE_BYTES = 256 << 20
const says = {
  beginsAnew: 'History of log ends begins anew',
  notSaved: 'History of log ends not saved',
  savedAgain: 'History of log ends is saved again',
} as const

export function createJudgeKeeper(options: JudgeKeeperOptions): JudgeKeeper {
  const { kafkaCluster, file, clock, logger, windowMs, intervalMs, isJobRunning = () => undefined } = options
  const store =
    file === undefined ? undefined : createKeptFile({ path: file, mostBytes: MAX_FILE_BYTES, says, clock, logger })
  let judge = createJudge({ windowMs, intervalMs })
  let savedOf: string | undefined
  let last: Snapshot | undefined
  let lastSaved: Snapshot | undefined
  let savedAt = clock.monotonic()
  let saving: Promise<void> | undefined
  let pauseMs = SAVE_EVERY_MS

  async function write(into: KeptFile, snapshot: Snapshot): Promise<void> {
    const head = { kafkaCluster, clusterId: snapshot.catalog.clusterId }
    const clocks = { now: clock.monotonic(), wall: clock.wall() }
    if (await into.save(judgeLines(judge, head, clocks))) lastSaved = snapshot
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
      store?.load(async (text) => {
        const clocks = { now: clock.monotonic(), wall: clock.wall() }
        const found = await parse(text, kafkaCluster, clocks)
        savedOf = found.clusterId
        judge = createJudge({ windowMs, intervalMs }, found.saved)
      }, signal),
    judge: async (cycle) => {
      const { clusterId } = cycle.catalog
      if (savedOf !== undefined && clusterId !== undefined && savedOf !== clusterId) {
        logger.warn({ file, was: savedOf, is: clusterId }, 'History of log ends begins anew: another cluster')
        judge = createJudge({ windowMs, intervalMs })
      }
      if (clusterId !== undefined) savedOf = undefined
      const { catalog, starts, ends, recreated, parts, noPosition, objectives } = cycle
      const [now, wall] = [clock.monotonic(), clock.wall()]
      const known = { catalog, starts, ends, recreated, parts, noPosition, objectives, isJobRunning, now, wall }
      return runInTurns(judge.judge({ ...known, ...(options.inquiry?.answers(cycle) ?? { kept: () => undefined }) }))
    },
    inquire: async ({ catalog }, signal) => options.inquiry?.ask(catalog, signal),
    saveSoon: (snapshot) => {
      last = snapshot
      if (store === undefined || saving !== undefined || clock.monotonic() - savedAt < pauseMs) return
      void save(store, snapshot)
    },
    close: async () => {
      if (store === undefined || last === undefined) return
      const final = last
      await store.finish(async () => {
        await saving
        if (lastSaved !== final) await save(store, final)
      })
    },
  }
}

/** Line by line, for others to run in between. @throws Error when it is not what was written */
async function parse(
  text: string,
  kafkaCluster: string,
  clocks: { readonly now: number; readonly wall: number },
): Promise<{ readonly saved: SavedJudge; readonly clusterId: string | undefined }> {
  const breathe = breather()
  const reader = createJudgeReader(kafkaCluster, clocks)
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
  const found = reader.done()
  if (found === undefined) throw new Error(`line ${number}: the file breaks off`)
  return found
}
