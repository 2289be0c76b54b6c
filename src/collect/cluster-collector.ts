import type { KafkaCluster } from '../kafka/cluster.ts'
import { readLogOffsets } from '../kafka/read-log-offsets.ts'
import { fallenTopics, fillFrom, realign, recreatedTopics, withoutChanged, withoutRecreated } from '../lag/align.ts'
import { carryDenied, carryOver } from '../lag/carry.ts'
import { noLogMemory, rememberLogs } from '../lag/former-lives.ts'
import { impossibleEnds } from '../lag/impossible-ends.ts'
import type { JoinInput } from '../lag/join.ts'
import { noStoresBefore, prefer, type SourceFound } from '../lag/prefer.ts'
import { indexPrevious, type Previous } from '../lag/previous.ts'
import { consumerTotals } from '../lag/totals.ts'
import { type Catalog, emptyCatalog } from '../model/catalog.ts'
import type { Consumer } from '../model/consumer.ts'
import { type LogOffsetColumn, logOffsetColumn } from '../model/log-offsets.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import { type Objective, objectivesBy } from '../model/objective.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { KNOWN } from '../model/reason.ts'
import type { RecordsLost, Snapshot, SnapshotPart } from '../model/snapshot.ts'
import type { PositionSource } from '../positions/position-source.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { joinAll } from './join-all.ts'
import type { JudgeKeeper } from './judge-keeper.ts'
import type { LinkKeeper } from './link-keeper.ts'
import type { LostKeeper } from './lost-keeper.ts'
import { createMetadata } from './metadata.ts'
import { objectivesOf } from './objectives.ts'
import type { CollectObserver } from './observer.ts'
import { createVanished } from './vanished.ts'
import { createViews, type Viewed, type ViewOptions } from './views.ts'

export interface ClusterCollectorOptions {
  /** The label of the cluster. */
  readonly kafkaCluster: string
  readonly cluster: KafkaCluster
  /** Where several know a position of a consumer, `lag/prefer.ts` says which one counts. */
  readonly sources: readonly PositionSource[]
  /** Topics to read at all. */
  readonly keepTopic: (name: string) => boolean
  readonly intervalMs: number
  readonly noPosition: (consumer: string) => NoPositionPolicy
  readonly objectives: (consumer: string, topic: string) => readonly Objective[]
  /** None when absent. */
  readonly views?: ViewOptions
  /** Lost records are not counted without it. */
  readonly lost?: LostKeeper
  /** Nobody is judged without it. */
  readonly judge?: Pick<JudgeKeeper, 'judge'>
  /** Groups of Flink jobs are consumers of their own without it. */
  readonly links?: Pick<LinkKeeper, 'adopt' | 'isKept'>
  /** Told what each cycle has read, before anything is made of it. */
  readonly onRead?: (read: CycleRead) => void
  readonly clock: Clock
  readonly observer: CollectObserver
}

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

/** Reads one Kafka cluster, cycle after cycle. */
export interface ClusterCollector {
  /** The result of the last cycle; undefined before the first. */
  current(): Snapshot | undefined
  /**
   * One cycle; replaces the current snapshot. Not to be called while another is under way.
   *
   * @throws UnavailableError when the cluster has never been reached; later a cycle that reads nothing holds what it had
   */
  cycle(signal: AbortSignal): Promise<Snapshot>
}

/** Larger clusters read their metadata only this often, or when something hints at a change. */
const LARGE_ROWS = 50_000
const LARGE_EVERY = 20
/** Rows are held this long after a failed read (I2). */
const HOLD_INTERVALS = 3
const HOLD_AT_LEAST_MS = 90_000

/** How long a row is shown whole after it could not be read. */
export function holdMs(intervalMs: number): number {
  return Math.max(HOLD_INTERVALS * intervalMs, HOLD_AT_LEAST_MS)
}

const none: ReadonlySet<string> = new Set()

interface Found {
  readonly batches: readonly PositionBatch[]
  readonly problems: readonly Problem[]
}

/** What all sources found together. */
interface AllFound extends Found {
  readonly results: readonly Found[]
  /** Names of the consumers in the batches. */
  readonly seen: ReadonlySet<string>
  /** Names of groups that are shown as jobs there: they are not gone. */
  readonly adopted: ReadonlySet<string>
}

/** The log offsets of a cycle, aligned to one catalog. */
interface Logs {
  readonly catalog: Catalog
  readonly starts: LogOffsetColumn
  readonly ends: LogOffsetColumn
  /** Topics of which an end is lower than it was, by catalog index. */
  readonly fallen: Uint8Array
  readonly problems: readonly Problem[]
}

/** What is published of a cycle, beside what was found and read. */
interface Summed extends Viewed {
  readonly objectives: readonly Objective[]
}

interface History {
  readonly previous: Previous | undefined
  /** By catalog topic, from `recreatedTopics`. */
  readonly recreated: Uint8Array
}

export function createClusterCollector(options: ClusterCollectorOptions): ClusterCollector {
  const { cluster, clock, observer, kafkaCluster } = options
  const metadata = createMetadata(cluster, options.keepTopic)
  const vanished = createVanished(clock)
  const views = options.views && createViews(cluster, options.views, options.noPosition)
  /** What each source found when it could be read last: it can be missed by no other consumers. */
  const lastFound = new Map<PositionSource, Found>()
  let stores = noStoresBefore
  let logMemory = noLogMemory
  let current: Snapshot | undefined
  let count = 0

  return {
    current: () => current,
    cycle: async (signal) => {
      count++
      const startedAt = clock.monotonic()
      // Starts before positions, positions before ends: every lag was true at some moment of the cycle (I1).
      const starts = await readStarts(signal)
      const found = await readPositions(starts.catalog, signal)
      const logs = await readEnds(starts, found, signal)
      const { catalog, ends, fallen } = logs
      const denied = metadata.denied()
      options.onRead?.({ startedAt, sources: found.results, catalog, starts: logs.starts, ends, fallen, denied })
      logMemory = await runInTurns(rememberLogs(logMemory, logs.catalog, logs.ends))
      const history = historyOf(logs)
      const joined = await joinFound(found, logs, history, startedAt, signal)
      const viewed = (await views?.look(joined, { ...logs, ...history, latest: metadata.latest }, signal)) ?? {
        parts: joined,
      }
      const lost = await options.lost?.count({ ...logs, ...history, parts: viewed.parts })
      const objectives = await objectivesOf(viewed.parts, options.objectives)
      const parts = await options.judge?.judge({
        ...logs,
        recreated: history.recreated,
        parts: viewed.parts,
        noPosition: options.noPosition,
        objectives: await runInTurns(objectivesBy(objectives)),
      })
      current = await summarise({ ...viewed, parts: parts ?? viewed.parts, objectives }, found, logs, lost)
      const { problems } = current
      const isUp = logs.ends.evidence.length > 0 || (logs.catalog.rows === 0 && problems.length === 0)
      observer.source('kafka', kafkaCluster, { up: isUp, reasons: problems.map((problem) => problem.reason) })
      observer.cycle(kafkaCluster, clock.monotonic() - startedAt)
      return current
    },
  }

  async function readStarts(signal: AbortSignal): Promise<Omit<Logs, 'ends' | 'fallen'>> {
    if (current === undefined) await metadata.tryRefresh(signal)
    const catalog = metadata.latest()
    const before =
      current === undefined ? logOffsetColumn(catalog.rows, 0, []) : realign(current.starts, current.catalog, catalog)
    if (current !== undefined && !areStartsDue(catalog, before)) return { catalog, starts: before, problems: [] }
    const { column, problems } = await readLogOffsets(
      cluster,
      catalog,
      'earliest',
      () => metadata.refresh(signal),
      signal,
    )
    return { catalog, starts: current === undefined ? column : fillFrom(column, before), problems }
  }

  async function readPositions(catalog: Catalog, signal: AbortSignal): Promise<AllFound> {
    const results = await Promise.all(options.sources.map((source) => readSource(source, catalog, signal)))
    const preferred = await runInTurns(prefer(results, stores))
    stores = preferred.stores
    const found = { batches: preferred.batches, problems: results.flatMap((result) => result.problems) }
    const adopted = await options.links?.adopt(found)
    const { batches, problems } = adopted ?? found
    const seen = new Set<string>()
    for (const { consumers } of batches) for (const { name } of consumers) seen.add(name)
    return { batches, seen, adopted: adopted?.groups ?? none, problems, results }
  }

  async function readSource(source: PositionSource, catalog: Catalog, signal: AbortSignal): Promise<Found> {
    try {
      const found = await withDeadline(`Positions from ${source.name}`, options.intervalMs / 2, signal, (inner) =>
        source.collect(catalog, inner),
      )
      const reasons = found.problems.map((problem) => problem.reason)
      // Brokers of 0.8.2 list no groups, and need not where ZooKeeper has the positions.
      const mayBeSilent = options.sources.some(({ name }) => name === 'zookeeper-offsets')
      const isDown =
        found.batches.length === 0 &&
        found.problems.some(({ broker, reason }) => broker !== undefined && !(mayBeSilent && reason === 'unsupported'))
      observer.source(source.name, kafkaCluster, { up: !isDown, reasons })
      lastFound.set(source, found)
      return found
    } catch (error) {
      if (signal.aborted || !(error instanceof UnavailableError)) throw error
      observer.source(source.name, kafkaCluster, { up: false, reasons: ['timeout'] })
      const message = describeError(error)
      return {
        batches: [],
        problems: consumersOf(lastFound.get(source)).map((consumer) => ({ reason: 'timeout', consumer, message })),
      }
    }
  }

  /** Log ends; afterwards the metadata says whether the topics were the same all the while. */
  async function readEnds(before: Omit<Logs, 'ends' | 'fallen'>, found: AllFound, signal: AbortSignal): Promise<Logs> {
    const refresh = (): Promise<Catalog> => metadata.refresh(signal)
    const breathe = breather()
    let { catalog, starts, problems } = before
    if (namesUnknown(found.batches, metadata.latest())) await metadata.tryRefresh(signal)
    if (metadata.latest() !== catalog) {
      const fresh = metadata.latest()
      starts = realign(starts, catalog, fresh)
      catalog = fresh
      const more = await readLogOffsets(cluster, catalog, 'earliest', refresh, signal)
      problems = more.problems
      starts = fillFrom(more.column, starts)
    }
    const askedAt = clock.monotonic()
    const { column, problems: endProblems } = await readLogOffsets(cluster, catalog, 'latest', refresh, signal)
    await breathe()
    const fallen =
      current === undefined
        ? new Uint8Array(catalog.topics.length)
        : fallenTopics(catalog, column, current.catalog, current.ends)
    await breathe()
    const impossible = await runInTurns(impossibleEnds(catalog, starts, column, fallen))
    problems = [...problems, ...endProblems, ...impossible]
    if (metadata.latest().askedAt < askedAt && (isMetadataDue(catalog) || fallen.includes(1)))
      await metadata.tryRefresh(signal)
    const isVerified = metadata.latest().askedAt >= askedAt
    const sameLife = catalog === before.catalog ? column : withoutRecreated(column, catalog, before.catalog)
    const ends = isVerified ? withoutChanged(sameLife, catalog, metadata.latest()) : sameLife
    return { catalog, starts, ends, fallen, problems }
  }

  /** One request of metadata a cycle tells recreated topics at once; large clusters are spared most of them. */
  function isMetadataDue(catalog: Catalog): boolean {
    return catalog.rows <= LARGE_ROWS || count % LARGE_EVERY === 1
  }

  /**
   * Log starts are read in every cycle, but from a lone broker in every second one: groups are described in the others,
   * and it shall not get more than five requests. A start only grows; a topic that is new or another one now has it read
   * at once.
   */
  function areStartsDue(catalog: Catalog, before: LogOffsetColumn): boolean {
    return catalog.brokers.length > 1 || count % 2 === 0 || before.reason.some((reason) => reason !== KNOWN)
  }

  /** What the last cycle knew, as far as this one needs it. */
  function historyOf({ catalog, fallen }: Logs): History {
    return {
      previous: current === undefined ? undefined : indexPrevious(current),
      recreated: recreatedTopics(catalog, current?.catalog ?? emptyCatalog, fallen),
    }
  }

  async function joinFound(
    found: AllFound,
    logs: Logs,
    history: History,
    startedAt: number,
    signal: AbortSignal,
  ): Promise<readonly SnapshotPart[]> {
    const { previous } = history
    const holdSince = startedAt - holdMs(options.intervalMs)
    const { former } = logMemory
    const { catalog, starts, ends } = logs
    const { recreated } = history
    const { noPosition } = options
    // Spelled out: code that was compiled for objects of one shape is lost with the last of them, and this one is made in
    // every cycle by spreading others.
    const input: JoinInput = { catalog, starts, ends, recreated, former, previous, holdSince, noPosition }
    // Made one by one, as they are joined.
    function* batches(): Generator<PositionBatch> {
      yield* found.batches
      if (previous === undefined) return
      yield* carryOver(previous, found.problems, found.seen, startedAt)
      yield* carryDenied(previous, metadata.denied(), found.batches, found.seen, startedAt)
    }
    return joinAll(cluster, batches(), input, signal)
  }

  async function summarise(
    { parts, views: logViews, problems = [], objectives }: Summed,
    found: AllFound,
    logs: Logs,
    lost: RecordsLost | undefined,
  ): Promise<Snapshot> {
    const { catalog, starts, ends } = logs
    const breathe = breather()
    const isSeen = (name: string): boolean => found.seen.has(name) || found.adopted.has(name)
    const isMissed = ({ kind, name }: Consumer): boolean => kind !== 'flink' || options.links?.isKept(name) !== false
    const gone = vanished.update(current, isSeen, isMissed, found.problems)
    const listed = found.batches.flatMap((batch) => batch.consumers)
    await breathe()
    const consumers = consumerTotals(parts, listed, gone)
    await breathe()
    return {
      kafkaCluster,
      cycle: count,
      takenAt: clock.monotonic(),
      takenAtWall: clock.wall(),
      catalog,
      starts,
      ends,
      parts,
      consumers,
      objectives,
      problems: [...metadata.takeProblems(), ...logs.problems, ...found.problems, ...problems],
      ...(logViews === undefined ? {} : { views: logViews }),
      ...(lost === undefined ? {} : { lost }),
    }
  }
}

/** Names of the consumers that a source knew, read or not. */
function consumersOf(found: Found | undefined): readonly string[] {
  const names = new Set<string>()
  for (const { consumers } of found?.batches ?? []) for (const { name } of consumers) names.add(name)
  for (const { consumer } of found?.problems ?? []) if (consumer !== undefined) names.add(consumer)
  return [...names]
}

/** A topic or partition that the catalog does not have: younger than the metadata, or deleted. */
function namesUnknown(batches: readonly PositionBatch[], catalog: Catalog): boolean {
  return batches.some((batch) => {
    const partitions = batch.topics.map(
      ({ name }) => catalog.topics[catalog.topicIndex.get(name) ?? -1]?.partitions ?? 0,
    )
    for (let block = 0; block < batch.blockTopic.length; block++) {
      const last = batch.partition[batch.blockFirst[block + 1]! - 1]
      if (last !== undefined && last >= partitions[batch.blockTopic[block]!]!) return true
    }
    return false
  })
}
