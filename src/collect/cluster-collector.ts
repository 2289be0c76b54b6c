import type { KafkaCluster } from '../kafka/cluster.ts'
import { questionKey, readEpochEnds } from '../kafka/epoch-ends.ts'
import { failureReason } from '../kafka/failure-reason.ts'
import { readCatalog } from '../kafka/read-catalog.ts'
import { readLogOffsets } from '../kafka/read-log-offsets.ts'
import { fallenTopics, fillFrom, realign, recreatedTopics, withoutChanged } from '../lag/align.ts'
import { carryOver } from '../lag/carry.ts'
import { join, type NoPositionPolicy } from '../lag/join.ts'
import { prefer } from '../lag/prefer.ts'
import { indexPrevious } from '../lag/previous.ts'
import { consumerTotals } from '../lag/totals.ts'
import { beyondEnd, markTruncated } from '../lag/truncation.ts'
import { type Catalog, emptyCatalog } from '../model/catalog.ts'
import { type LogOffsetColumn, logOffsetColumn } from '../model/log-offsets.ts'
import type { Objective } from '../model/objective.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { reasonCode } from '../model/reason.ts'
import type { Snapshot, SnapshotPart } from '../model/snapshot.ts'
import type { PositionSource } from '../positions/position-source.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { CollectObserver } from './observer.ts'
import { createVanished } from './vanished.ts'

export interface ClusterCollectorOptions {
  /** The label of the cluster. */
  readonly kafkaCluster: string
  readonly cluster: KafkaCluster
  readonly sources: readonly PositionSource[]
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
   * One cycle: log starts, positions, log ends, in this order (I1), then the join; replaces the current snapshot.
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

export function createClusterCollector(options: ClusterCollectorOptions): ClusterCollector {
  const { cluster, clock, observer, kafkaCluster } = options
  const vanished = createVanished(clock)
  let catalog: Catalog = emptyCatalog
  let starts: LogOffsetColumn = logOffsetColumn(0, 0, [])
  let current: Snapshot | undefined
  let count = 0

  async function positions(signal: AbortSignal): Promise<{ batches: PositionBatch[]; problems: Problem[] }> {
    const results = await Promise.all(
      options.sources.map(async (source) => {
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
          return { batches: [], problems: everyConsumer(describeError(error)) }
        }
      }),
    )
    return {
      batches: prefer(results.map((result) => result.batches)),
      problems: results.flatMap((result) => result.problems),
    }
  }

  function everyConsumer(message: string): Problem[] {
    return (current?.consumers ?? [])
      .filter(({ present }) => present)
      .map(({ consumer }) => ({ reason: 'timeout', consumer: consumer.name, message }))
  }

  return {
    current: () => current,
    cycle: async (signal) => {
      const startedAt = clock.monotonic()
      const problems: Problem[] = []
      const breathe = breather()
      let freshAt = Number.NEGATIVE_INFINITY
      let reached = false

      /** Fresh metadata, or the old one and a problem. */
      async function refresh(): Promise<Catalog> {
        const read = await readCatalog(cluster, latest, signal)
        problems.push(...read.problems)
        latest = read.catalog
        freshAt = clock.monotonic()
        reached = true
        return latest
      }
      let latest = catalog
      async function tryRefresh(): Promise<void> {
        try {
          await refresh()
        } catch (error) {
          if (signal.aborted || current === undefined) throw error
          problems.push({ reason: failureReason(error), message: `Metadata: ${describeError(error)}` })
        }
      }
      const adopt = (): void => {
        starts = realign(starts, catalog, latest)
        catalog = latest
      }

      count++
      if (current === undefined) await tryRefresh()
      adopt()
      const earliest = await readLogOffsets(cluster, catalog, 'earliest', refresh, signal)
      problems.push(...earliest.problems)
      starts = fillFrom(earliest.column, starts)

      const found = await positions(signal)
      problems.push(...found.problems)
      if (namesUnknown(found.batches, latest)) await tryRefresh()
      if (latest !== catalog) adopt()
      await readNewStarts()

      const askedEndsAt = clock.monotonic()
      const end = await readLogOffsets(cluster, catalog, 'latest', refresh, signal)
      problems.push(...end.problems)
      reached ||= end.column.evidence.length > 0
      const fallen =
        current === undefined ? undefined : fallenTopics(catalog, end.column, current.catalog, current.ends)
      if (freshAt < askedEndsAt && (isMetadataDue() || fallen?.includes(1) === true)) await tryRefresh()
      const ends = freshAt < askedEndsAt ? end.column : withoutChanged(end.column, catalog, latest)

      const previous = current === undefined ? undefined : indexPrevious(current)
      const input = {
        catalog,
        starts,
        ends,
        recreated:
          current === undefined || fallen === undefined
            ? new Uint8Array(catalog.topics.length)
            : recreatedTopics(catalog, current.catalog, fallen),
        previous,
        holdSince: startedAt - Math.max(HOLD_INTERVALS * options.intervalMs, HOLD_AT_LEAST_MS),
        noPosition: options.noPosition,
      }
      const seen = new Set(found.batches.flatMap((batch) => batch.consumers.map((consumer) => consumer.name)))
      const carried = previous === undefined ? undefined : carryOver(previous, problems, seen, startedAt)
      const parts: SnapshotPart[] = []
      for (const batch of carried === undefined ? found.batches : [...found.batches, carried]) {
        parts.push(join(batch, input))
        await breathe()
      }
      const settled = await findTruncated(parts, signal)
      await breathe()
      const listed = found.batches.flatMap((batch) => batch.consumers)
      const gone = vanished.update(current, seen, problems)
      const objectives = await objectivesOf(settled)
      current = {
        kafkaCluster,
        cycle: count,
        takenAt: clock.monotonic(),
        takenAtWall: clock.wall(),
        catalog,
        starts,
        ends,
        parts: settled,
        consumers: consumerTotals(settled, listed, gone),
        objectives,
        problems,
      }
      observer.source('kafka', kafkaCluster, { up: reached, reasons: problems.map((problem) => problem.reason) })
      observer.cycle(kafkaCluster, clock.monotonic() - startedAt)
      return current

      /** Topics that came with fresher metadata have no log start yet. */
      async function readNewStarts(): Promise<void> {
        if (!starts.reason.includes(reasonCode('end_unknown')) || earliest.column.reason.length === catalog.rows) return
        const more = await readLogOffsets(cluster, catalog, 'earliest', refresh, signal)
        starts = fillFrom(more.column, starts)
      }
    },
  }

  /** One request of metadata a cycle tells recreated topics at once; large clusters and lone brokers are spared some. */
  function isMetadataDue(): boolean {
    if (catalog.rows > LARGE_ROWS) return count % LARGE_EVERY === 1
    return catalog.brokers.length > 1 || count % 2 === 1
  }

  async function findTruncated(parts: readonly SnapshotPart[], signal: AbortSignal): Promise<readonly SnapshotPart[]> {
    const rows = beyondEnd(parts, EPOCH_QUESTIONS)
    if (rows.length === 0) return parts
    const ends = await readEpochEnds(cluster, catalog, rows, signal)
    return markTruncated(
      parts,
      rows.filter((row) => {
        const end = ends.get(questionKey(row))
        return end !== undefined && end < row.position
      }),
    )
  }

  async function objectivesOf(parts: readonly SnapshotPart[]): Promise<Objective[]> {
    const breathe = breather()
    const objectives: Objective[] = []
    for (const { batch } of parts) {
      for (let block = 0; block < batch.blockConsumer.length; block++) {
        const consumer = batch.consumers[batch.blockConsumer[block]!]!.name
        const topic = batch.topics[batch.blockTopic[block]!]!.name
        objectives.push(...options.objectives(consumer, topic))
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
