import type { KafkaCluster } from '../kafka/cluster.ts'
import { questionKey, readEpochEnds } from '../kafka/epoch-ends.ts'
import { readLogOffsets } from '../kafka/read-log-offsets.ts'
import { fallenTopics, fillFrom, realign, recreatedTopics, withoutChanged, withoutRecreated } from '../lag/align.ts'
import { carryOver } from '../lag/carry.ts'
import { type JoinInput, join, type NoPositionPolicy } from '../lag/join.ts'
import { prefer } from '../lag/prefer.ts'
import { indexPrevious } from '../lag/previous.ts'
import { consumerTotals } from '../lag/totals.ts'
import { beyondEnd, markTruncated } from '../lag/truncation.ts'
import { type Catalog, emptyCatalog } from '../model/catalog.ts'
import { type LogOffsetColumn, logOffsetColumn } from '../model/log-offsets.ts'
import type { Objective } from '../model/objective.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { KNOWN } from '../model/reason.ts'
import type { Snapshot, SnapshotPart } from '../model/snapshot.ts'
import type { PositionSource } from '../positions/position-source.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { createMetadata } from './metadata.ts'
import type { CollectObserver } from './observer.ts'
import { createVanished } from './vanished.ts'

export interface ClusterCollectorOptions {
  /** The label of the cluster. */
  readonly kafkaCluster: string
  readonly cluster: KafkaCluster
  /** Best first: where two know a consumer's position on a topic, the first counts. */
  readonly sources: readonly PositionSource[]
  /** Topics to read at all. */
  readonly keepTopic: (name: string) => boolean
  readonly intervalMs: number
  readonly noPosition: (consumer: string) => NoPositionPolicy
  readonly objectives: (consumer: string, topic: string) => readonly Objective[]
  readonly clock: Clock
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
/** Rows are held this long after a failed read (I2). */
const HOLD_INTERVALS = 3
const HOLD_AT_LEAST_MS = 90_000
/** Positions past the log end that the leaders are asked about in one cycle. */
const EPOCH_QUESTIONS = 1_000

interface Found {
  readonly batches: readonly PositionBatch[]
  readonly problems: readonly Problem[]
}

/** What all sources found together. */
interface AllFound extends Found {
  /** Names of the consumers in the batches. */
  readonly seen: ReadonlySet<string>
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
  const vanished = createVanished(clock)
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
      const parts = await joinAll(found, logs, startedAt, signal)
      current = await summarise(parts, found, logs)
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
    const batches = prefer(results.map((result) => result.batches))
    const seen = new Set<string>()
    for (const { consumers } of batches) for (const { name } of consumers) seen.add(name)
    return { batches, seen, problems: results.flatMap((result) => result.problems) }
  }

  async function readSource(source: PositionSource, catalog: Catalog, signal: AbortSignal): Promise<Found> {
    try {
      const found = await withDeadline(`Positions from ${source.name}`, options.intervalMs / 2, signal, (inner) =>
        source.collect(catalog, inner),
      )
      const reasons = found.problems.map((problem) => problem.reason)
      const isDown = found.batches.length === 0 && found.problems.some((problem) => problem.broker !== undefined)
      observer.source(source.name, kafkaCluster, { up: !isDown, reasons })
      return found
    } catch (error) {
      if (signal.aborted || !(error instanceof UnavailableError)) throw error
      observer.source(source.name, kafkaCluster, { up: false, reasons: ['timeout'] })
      const known = (current?.consumers ?? []).filter(({ present }) => present)
      const message = describeError(error)
      return {
        batches: [],
        problems: known.map(({ consumer }) => ({ reason: 'timeout', consumer: consumer.name, message })),
      }
    }
  }

  /** Log ends; afterwards the metadata says whether the topics were the same all the while. */
  async function readEnds(before: Omit<Logs, 'ends' | 'fallen'>, found: AllFound, signal: AbortSignal): Promise<Logs> {
    const refresh = (): Promise<Catalog> => metadata.refresh(signal)
    const breathe = breather()
    let { catalog, starts } = before
    const problems = [...before.problems]
    if (namesUnknown(found.batches, metadata.latest())) await metadata.tryRefresh(signal)
    if (metadata.latest() !== catalog) {
      const fresh = metadata.latest()
      starts = realign(starts, catalog, fresh)
      catalog = fresh
      const more = await readLogOffsets(cluster, catalog, 'earliest', refresh, signal)
      problems.push(...more.problems)
      starts = fillFrom(more.column, starts)
    }
    const askedAt = clock.monotonic()
    const { column, problems: endProblems } = await readLogOffsets(cluster, catalog, 'latest', refresh, signal)
    problems.push(...endProblems)
    await breathe()
    const fallen =
      current === undefined
        ? new Uint8Array(catalog.topics.length)
        : fallenTopics(catalog, column, current.catalog, current.ends)
    await breathe()
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

  async function joinAll(
    found: AllFound,
    logs: Logs,
    startedAt: number,
    signal: AbortSignal,
  ): Promise<readonly SnapshotPart[]> {
    const breathe = breather()
    const previous = current === undefined ? undefined : indexPrevious(current)
    const { catalog, starts, ends } = logs
    const earlier = current?.catalog ?? emptyCatalog
    const input: JoinInput = {
      catalog,
      starts,
      ends,
      recreated: recreatedTopics(catalog, earlier, logs.fallen),
      previous,
      holdSince: startedAt - Math.max(HOLD_INTERVALS * options.intervalMs, HOLD_AT_LEAST_MS),
      noPosition: options.noPosition,
    }
    await breathe()
    const carried = previous === undefined ? undefined : carryOver(previous, found.problems, found.seen, startedAt)
    await breathe()
    const parts: SnapshotPart[] = []
    for (const batch of carried === undefined ? found.batches : [...found.batches, carried]) {
      parts.push(join(batch, input))
      await breathe()
    }
    return withTruncated(parts, catalog, ends, signal)
  }

  /** Positions past the end are the rare case in which one more question tells why. */
  async function withTruncated(
    parts: readonly SnapshotPart[],
    catalog: Catalog,
    ends: LogOffsetColumn,
    signal: AbortSignal,
  ): Promise<readonly SnapshotPart[]> {
    const rows = beyondEnd(parts, catalog, ends, EPOCH_QUESTIONS)
    if (rows.length === 0) return parts
    const epochEnds = await readEpochEnds(cluster, catalog, rows, signal)
    const truncated = rows.filter((row) => (epochEnds.get(questionKey(row)) ?? row.position) < row.position)
    return markTruncated(parts, truncated)
  }

  async function summarise(parts: readonly SnapshotPart[], found: AllFound, logs: Logs): Promise<Snapshot> {
    const { catalog, starts, ends } = logs
    const breathe = breather()
    const gone = vanished.update(current, found.seen, found.problems)
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
      objectives: await objectivesOf(parts),
      problems: [...metadata.takeProblems(), ...logs.problems, ...found.problems],
    }
  }

  async function objectivesOf(parts: readonly SnapshotPart[]): Promise<readonly Objective[]> {
    const breathe = breather()
    const objectives: Objective[] = []
    for (const { batch } of parts) {
      for (let block = 0; block < batch.blockConsumer.length; block++) {
        const consumer = batch.consumers[batch.blockConsumer[block]!]!.name
        objectives.push(...options.objectives(consumer, batch.topics[batch.blockTopic[block]!]!.name))
        if (block % 1_000 === 0) await breathe()
      }
    }
    return objectives
  }
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
