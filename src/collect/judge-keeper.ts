import { createJudge, type JudgeInput } from '../judge/judge.ts'
import { judgeLines } from '../judge/judge-lines.ts'
import { createJudgeReader } from '../judge/judge-reader.ts'
import type { Snapshot, SnapshotPart } from '../model/snapshot.ts'
import { runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createKeptFile, readLines } from './kept-file.ts'
import type { LogInquiry } from './log-inquiry.ts'
import { createSnapshotSaver, type SnapshotSaver } from './snapshot-saver.ts'

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
type CycleToJudge = Omit<JudgeInput, 'now' | 'wall' | 'isJobRunning' | 'kept' | 'lookUp'>

/** Judges cycle after cycle, and keeps what it takes to do so over restarts. */
export interface JudgeKeeper extends SnapshotSaver {
  /** Takes up what an earlier process left. Rejects only when the signal aborts. */
  load(signal: AbortSignal): Promise<void>
  /** One cycle; others run in between. Resolves to the parts with what is thought of them. */
  judge(cycle: CycleToJudge): Promise<readonly SnapshotPart[]>
  /** After a cycle: asks the log for what its judgement would have liked to know. Rejects only on abort. */
  inquire(snapshot: Snapshot, signal: AbortSignal): Promise<void>
}

const SAVE_EVERY_MS = 60_000
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
  const clocks = () => ({ now: clock.monotonic(), wall: clock.wall() })
  const saver = createSnapshotSaver({
    kept: store,
    everyMs: SAVE_EVERY_MS,
    lines: ({ catalog: { clusterId } }) => judgeLines(judge, { kafkaCluster, clusterId }, clocks()),
    clock,
  })

  return {
    load: async (signal) =>
      store?.load(async (text) => {
        const found = await readLines(text, createJudgeReader(kafkaCluster, clocks()))
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
      const known = { catalog, starts, ends, recreated, parts, noPosition, objectives, isJobRunning, ...clocks() }
      return runInTurns(judge.judge({ ...known, ...(options.inquiry?.answers(cycle) ?? { kept: () => undefined }) }))
    },
    inquire: async ({ catalog }, signal) => options.inquiry?.ask(catalog, signal),
    saveSoon: saver.saveSoon,
    close: saver.close,
  }
}
