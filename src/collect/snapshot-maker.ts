import { recreatedTopics } from '../lag/align.ts'
import { carryDenied, carryOver } from '../lag/carry.ts'
import { noLogMemory, rememberLogs } from '../lag/former-lives.ts'
import { type JoinInput, join } from '../lag/join.ts'
import { noStoresBefore, prefer, type SourceFound } from '../lag/prefer.ts'
import { indexPrevious } from '../lag/previous.ts'
import { consumerTotals } from '../lag/totals.ts'
import { type Catalog, emptyCatalog } from '../model/catalog.ts'
import type { Consumer } from '../model/consumer.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import { type Objective, objectivesBy } from '../model/objective.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import type { Snapshot, SnapshotPart } from '../model/snapshot.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { JudgeKeeper } from './judge-keeper.ts'
import type { LinkKeeper } from './link-keeper.ts'
import type { LostKeeper } from './lost-keeper.ts'
import { objectivesOf } from './objectives.ts'
import { createVanished } from './vanished.ts'
import type { Viewed, ViewedLogs } from './views.ts'

/** What one cycle has read: all that its snapshot is made of, but for further questions about single rows. */
export interface CycleRead {
  /** Monotonic milliseconds at which the cycle began. */
  readonly startedAt: number
  /** What each source found, in their order. */
  readonly sources: readonly SourceFound[]
  readonly catalog: Catalog
  readonly starts: LogOffsetColumn
  readonly ends: LogOffsetColumn
  /** Topics of which an end is lower than it was, by catalog index. */
  readonly fallen: Uint8Array
  /** Topics that were there, and may not be described any more. */
  readonly denied: ReadonlySet<string>
}

export interface SnapshotMakerOptions {
  readonly kafkaCluster: string
  readonly intervalMs: number
  readonly noPosition: (consumer: string) => NoPositionPolicy
  readonly objectives: (consumer: string, topic: string) => readonly Objective[]
  /** Lost records are not counted without it. */
  readonly lost?: LostKeeper
  /** Nobody is judged without it. */
  readonly judge?: Pick<JudgeKeeper, 'judge'>
  /** Groups of Flink jobs are consumers of their own without it. */
  readonly links?: Pick<LinkKeeper, 'adopt' | 'isKept'>
  /** Where brokers can be asked further questions; a recording cannot. */
  readonly inquiry?: {
    /** Marks rows whose position lies behind what was cut off. */
    truncated(parts: readonly SnapshotPart[], input: JoinInput, signal: AbortSignal): Promise<readonly SnapshotPart[]>
    /** Undefined where no view is wanted. */
    look?(parts: readonly SnapshotPart[], logs: Omit<ViewedLogs, 'latest'>, signal: AbortSignal): Promise<Viewed>
  }
  readonly clock: Clock
}

/** Makes the snapshots of one Kafka cluster, cycle after cycle: of what was just read, or of what was read once. */
export interface SnapshotMaker {
  /** The last one; undefined before the first. */
  current(): Snapshot | undefined
  /**
   * Makes the next one. Not to be called while another is under way.
   *
   * @param cycle its number
   * @param problems those that no source had, when all has been asked
   */
  make(cycle: number, read: CycleRead, problems: () => readonly Problem[], signal: AbortSignal): Promise<Snapshot>
}

/** Rows are held this long after a failed read (I2). */
const HOLD_INTERVALS = 3
const HOLD_AT_LEAST_MS = 90_000

/** How long a row is shown whole after it could not be read. */
export function holdMs(intervalMs: number): number {
  return Math.max(HOLD_INTERVALS * intervalMs, HOLD_AT_LEAST_MS)
}

/** What all sources found together. */
interface AllFound {
  readonly batches: readonly PositionBatch[]
  readonly problems: readonly Problem[]
  /** Names of the consumers in the batches. */
  readonly seen: ReadonlySet<string>
  /** Names of groups that are shown as jobs there: they are not gone. */
  readonly adopted: ReadonlySet<string>
}

const none: ReadonlySet<string> = new Set()

export function createSnapshotMaker(options: SnapshotMakerOptions): SnapshotMaker {
  const { kafkaCluster, intervalMs, noPosition, inquiry, clock } = options
  const vanished = createVanished(clock)
  let stores = noStoresBefore
  let logMemory = noLogMemory
  let current: Snapshot | undefined

  return {
    current: () => current,
    make: async (cycle, read, problems, signal) => {
      const { catalog, starts, ends, fallen } = read
      const found = await preferred(read.sources)
      logMemory = await runInTurns(rememberLogs(logMemory, catalog, ends))
      const previous = current && indexPrevious(current)
      const recreated = recreatedTopics(catalog, current?.catalog ?? emptyCatalog, fallen)
      const holdSince = read.startedAt - holdMs(intervalMs)
      const { former } = logMemory
      // Spelled out: code that was compiled for objects of one shape is lost with the last of them, and this one is made
      // in every cycle.
      const input: JoinInput = { catalog, starts, ends, recreated, former, previous, holdSince, noPosition }
      const joined = await joinAll(batchesOf(read, found, input), input, signal)
      const viewed: Viewed = (await inquiry?.look?.(joined, { catalog, starts, ends, previous }, signal)) ?? {
        parts: joined,
      }
      const lost = await options.lost?.count({ catalog, starts, previous, recreated, parts: viewed.parts })
      const objectives = await objectivesOf(viewed.parts, options.objectives)
      const by = await runInTurns(objectivesBy(objectives))
      const cycleToJudge = { catalog, starts, ends, recreated, parts: viewed.parts, noPosition, objectives: by }
      const parts = (await options.judge?.judge(cycleToJudge)) ?? viewed.parts
      const consumers = await consumersOf(parts, found)
      current = {
        kafkaCluster,
        cycle,
        takenAt: clock.monotonic(),
        takenAtWall: clock.wall(),
        catalog,
        starts,
        ends,
        parts,
        consumers,
        objectives,
        problems: [...problems(), ...found.problems, ...(viewed.problems ?? [])],
        ...(viewed.views === undefined ? {} : { views: viewed.views }),
        ...(lost === undefined ? {} : { lost }),
      }
      return current
    },
  }

  async function preferred(sources: readonly SourceFound[]): Promise<AllFound> {
    const chosen = await runInTurns(prefer(sources, stores))
    stores = chosen.stores
    const found = { batches: chosen.batches, problems: sources.flatMap((source) => source.problems) }
    const adopted = await options.links?.adopt(found)
    const { batches, problems } = adopted ?? found
    const seen = new Set<string>()
    for (const { consumers } of batches) for (const { name } of consumers) seen.add(name)
    return { batches, problems, seen, adopted: adopted?.groups ?? none }
  }

  /** Made one by one, as they are joined. */
  function* batchesOf(
    { startedAt, denied }: CycleRead,
    { batches, problems, seen }: AllFound,
    { previous }: JoinInput,
  ): Generator<PositionBatch> {
    yield* batches
    if (previous === undefined) return
    yield* carryOver(previous, problems, seen, startedAt)
    yield* carryDenied(previous, denied, batches, seen, startedAt)
  }

  async function joinAll(batches: Iterable<PositionBatch>, input: JoinInput, signal: AbortSignal) {
    const breathe = breather()
    const parts: SnapshotPart[] = []
    for (const batch of batches) {
      parts.push(join(batch, input))
      await breathe()
    }
    return (await inquiry?.truncated(parts, input, signal)) ?? parts
  }

  async function consumersOf(parts: readonly SnapshotPart[], { batches, problems, seen, adopted }: AllFound) {
    const breathe = breather()
    const isSeen = (name: string): boolean => seen.has(name) || adopted.has(name)
    const isMissed = ({ kind, name }: Consumer): boolean => kind !== 'flink' || options.links?.isKept(name) !== false
    const gone = vanished.update(current, isSeen, isMissed, problems)
    const listed = batches.flatMap((batch) => batch.consumers)
    await breathe()
    const consumers = consumerTotals(parts, listed, gone)
    await breathe()
    return consumers
  }
}
