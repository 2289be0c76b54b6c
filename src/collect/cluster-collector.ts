import type { KafkaCluster } from '../kafka/cluster.ts'
import { readLogOffsets } from '../kafka/read-log-offsets.ts'
import { fallenTopics, fillFrom, realign, withoutChanged, withoutRecreated } from '../lag/align.ts'
import { impossibleEnds } from '../lag/impossible-ends.ts'
import { type Catalog, topicNamed } from '../model/catalog.ts'
import { type LogOffsetColumn, logOffsetColumn } from '../model/log-offsets.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { KNOWN } from '../model/reason.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { PositionSource } from '../positions/position-source.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { createMetadata } from './metadata.ts'
import type { CollectObserver } from './observer.ts'
import { type CycleRead, createSnapshotMaker, type SnapshotMakerOptions } from './snapshot-maker.ts'
import { withTruncated } from './truncated.ts'
import { createViews, type ViewOptions } from './views.ts'

export interface ClusterCollectorOptions extends Omit<SnapshotMakerOptions, 'inquiry'> {
  readonly cluster: KafkaCluster
  /** Where several know a position of a consumer, `lag/prefer.ts` says which one counts. */
  readonly sources: readonly PositionSource[]
  /** Topics to read at all. */
  readonly keepTopic: (name: string) => boolean
  /** None when absent. */
  readonly views?: ViewOptions
  /** Told what each cycle has read, before anything is made of it. */
  readonly onRead?: (read: CycleRead) => void
  readonly observer: CollectObserver
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

interface Found {
  readonly batches: readonly PositionBatch[]
  readonly problems: readonly Problem[]
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

export function createClusterCollector(options: ClusterCollectorOptions): ClusterCollector {
  const { cluster, clock, observer, kafkaCluster } = options
  const metadata = createMetadata(cluster, options.keepTopic)
  const views = options.views && createViews(cluster, options.views, options.noPosition)
  const maker = createSnapshotMaker({
    ...options,
    inquiry: {
      truncated: (parts, input, signal) => withTruncated(cluster, parts, input, signal),
      ...(views === undefined
        ? {}
        : { look: (parts, logs, signal) => views.look(parts, { ...logs, latest: metadata.latest }, signal) }),
    },
  })
  /** What each source found when it could be read last: it can be missed by no other consumers. */
  const lastFound = new Map<PositionSource, Found>()
  let count = 0

  return {
    current: maker.current,
    cycle: async (signal) => {
      count++
      const startedAt = clock.monotonic()
      // Starts before positions, positions before ends: every lag was true at some moment of the cycle (I1).
      const starts = await readStarts(signal)
      const sources = await Promise.all(options.sources.map((source) => readSource(source, starts.catalog, signal)))
      const { problems, ...logs } = await readEnds(starts, sources, signal)
      const read: CycleRead = { startedAt, sources, ...logs, denied: metadata.denied() }
      options.onRead?.(read)
      const all = (): readonly Problem[] => [...metadata.takeProblems(), ...problems]
      const snapshot = await maker.make(count, read, all, signal)
      const isUp = logs.ends.evidence.length > 0 || (logs.catalog.rows === 0 && snapshot.problems.length === 0)
      observer.source('kafka', kafkaCluster, { up: isUp, reasons: snapshot.problems.map(({ reason }) => reason) })
      observer.cycle(kafkaCluster, clock.monotonic() - startedAt, options.intervalMs)
      return snapshot
    },
  }

  async function readStarts(signal: AbortSignal): Promise<Omit<Logs, 'ends' | 'fallen'>> {
    const current = maker.current()
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
  async function readEnds(
    before: Omit<Logs, 'ends' | 'fallen'>,
    sources: readonly Found[],
    signal: AbortSignal,
  ): Promise<Logs> {
    const current = maker.current()
    const refresh = (): Promise<Catalog> => metadata.refresh(signal)
    const breathe = breather()
    let { catalog, starts, problems } = before
    if (sources.some(({ batches }) => namesUnknown(batches, metadata.latest()))) await metadata.tryRefresh(signal)
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
    const partitions = batch.topics.map(({ name }) => topicNamed(catalog, name)?.partitions ?? 0)
    for (let block = 0; block < batch.blockTopic.length; block++) {
      const last = batch.partition[batch.blockFirst[block + 1]! - 1]
      if (last !== undefined && last >= partitions[batch.blockTopic[block]!]!) return true
    }
    return false
  })
}
