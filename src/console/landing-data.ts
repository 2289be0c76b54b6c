import { type Reason, reasonOf } from '../model/reason.ts'
import { heldIndex, isFresh, type Snapshot, type SnapshotPart } from '../model/snapshot.ts'

/** One consumer on the landing page. */
export interface ConsumerRow {
  readonly kafkaCluster: string
  readonly consumer: string
  readonly topics: number
  /** All records it has not read; absent when a partition is unknown. */
  readonly lag?: number
  /** Why the lag is absent: the most frequent reason among its partitions. */
  readonly reason?: Reason
}

export interface TopConsumers {
  /** By lag, the largest first; those without a lag come last. */
  readonly rows: readonly ConsumerRow[]
  readonly all: number
  readonly unknown: number
}

/** The consumers that are furthest behind, at most `limit`, over all clusters. Consumers that are gone do not count. */
export function topConsumers(snapshots: readonly Snapshot[], limit: number): TopConsumers {
  const present = snapshots.flatMap((snapshot) =>
    snapshot.consumers
      .filter((total) => total.present)
      .map(({ consumer, lag }) => ({ snapshot, consumer: consumer.name, lag })),
  )
  const first = present.toSorted((a, b) => (b.lag ?? -1) - (a.lag ?? -1)).slice(0, limit)
  const details = new Map(
    [...new Set(first.map(({ snapshot }) => snapshot))].map((snapshot) => {
      const names = first.filter((one) => one.snapshot === snapshot).map(({ consumer }) => consumer)
      return [snapshot, detailsOf(snapshot, names)]
    }),
  )
  const rows = first.map(({ snapshot, consumer, lag }): ConsumerRow => {
    const { topics, reasons } = details.get(snapshot)?.get(consumer) ?? noDetails()
    const [most] = [...reasons].toSorted((a, b) => b[1] - a[1])
    return {
      kafkaCluster: snapshot.kafkaCluster,
      consumer,
      topics: topics.size,
      ...(lag === undefined ? {} : { lag }),
      ...(lag !== undefined || most === undefined ? {} : { reason: most[0] }),
    }
  })
  return { rows, all: present.length, unknown: present.filter(({ lag }) => lag === undefined).length }
}

interface Details {
  readonly topics: Set<string>
  /** Partitions without a lag, by reason. */
  readonly reasons: Map<Reason, number>
}

function noDetails(): Details {
  return { topics: new Set(), reasons: new Map() }
}

/** What the blocks and problems of a snapshot say about some consumers, in one pass over them. */
function detailsOf(snapshot: Snapshot, names: readonly string[]): ReadonlyMap<string, Details> {
  const details = new Map(names.map((name) => [name, noDetails()]))
  for (const part of snapshot.parts) {
    const { batch } = part
    const wanted = batch.consumers.map(({ name }) => details.get(name))
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      const found = wanted[batch.blockConsumer[block]!]
      if (found === undefined) continue
      found.topics.add(batch.topics[batch.blockTopic[block]!]!.name)
      if (part.blockComplete[block] === 0) countReasons(part, block, found.reasons)
    }
  }
  for (const { consumer = '', reason } of snapshot.problems) add(details.get(consumer)?.reasons, reason)
  return details
}

function countReasons(part: SnapshotPart, block: number, reasons: Map<Reason, number>): void {
  for (let row = part.batch.blockFirst[block]!; row < part.batch.blockFirst[block + 1]!; row++) {
    if (isFresh(part, row) || heldIndex(part, row) >= 0) continue
    const reason = reasonOf(part.reason[row]!)
    if (reason !== undefined) add(reasons, reason)
  }
}

function add(reasons: Map<Reason, number> | undefined, reason: Reason): void {
  reasons?.set(reason, (reasons.get(reason) ?? 0) + 1)
}
