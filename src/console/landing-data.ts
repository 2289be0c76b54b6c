import { type ConsumerJudgement, consumerJudgement, type Status, statuses, worseOff } from '../model/judgement.ts'
import { judgementAt } from '../model/judgements.ts'
import { type Reason, reasonOf } from '../model/reason.ts'
import { heldIndex, isFresh, type Snapshot, type SnapshotPart } from '../model/snapshot.ts'

/** One consumer on the landing page. */
export interface ConsumerRow {
  readonly kafkaCluster: string
  readonly consumer: string
  readonly topics: number
  /** All records it has not read; absent when a partition is unknown. */
  readonly lag?: number
  /** Of its worst topic; absent when nobody judges. */
  readonly status?: Status
  /** Why it is not ok. */
  readonly why?: string
  /** Milliseconds, the largest of its topics; absent when one of them is not known. */
  readonly timeLag?: number
  /** Why the lag is absent: the most frequent reason among its partitions. */
  readonly reason?: Reason
}

export interface TopConsumers {
  /** The worst status first; of one status by lag, the largest first, and those without a lag last. */
  readonly rows: readonly ConsumerRow[]
  readonly all: number
  readonly unknown: number
}

/** The consumers that are worst off, at most `limit`, over all clusters. Consumers that are gone do not count. */
export function topConsumers(snapshots: readonly Snapshot[], limit: number): TopConsumers {
  const present = snapshots.flatMap((snapshot) =>
    snapshot.consumers
      .filter((total) => total.present)
      .map(({ consumer, lag, status }) => ({
        snapshot,
        consumer: consumer.name,
        lag,
        status,
        badness: status === undefined ? 0 : statuses.indexOf(status),
      })),
  )
  const first = present.toSorted((a, b) => b.badness - a.badness || (b.lag ?? -1) - (a.lag ?? -1)).slice(0, limit)
  const details = new Map(
    [...new Set(first.map(({ snapshot }) => snapshot))].map((snapshot) => {
      const names = first.filter((one) => one.snapshot === snapshot).map(({ consumer }) => consumer)
      return [snapshot, detailsOf(snapshot, names)]
    }),
  )
  const rows = first.map(({ snapshot, consumer, lag }): ConsumerRow => {
    const { topics, judged, reasons } = details.get(snapshot)?.get(consumer) ?? noDetails()
    const [most] = [...reasons].toSorted((a, b) => b[1] - a[1])
    return {
      kafkaCluster: snapshot.kafkaCluster,
      consumer,
      topics: topics.size,
      ...(lag === undefined ? {} : { lag }),
      ...(judged === undefined ? {} : { status: judged.status }),
      ...(judged?.why === undefined ? {} : { why: judged.why }),
      ...(judged?.timeLagMs === undefined ? {} : { timeLag: judged.timeLagMs }),
      ...(lag !== undefined || most === undefined ? {} : { reason: most[0] }),
    }
  })
  return { rows, all: present.length, unknown: present.filter(({ lag }) => lag === undefined).length }
}

interface Details {
  readonly topics: Set<string>
  /** Absent when nobody judges. */
  judged?: ConsumerJudgement
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
      if (part.judgements !== undefined) {
        const { name } = batch.consumers[batch.blockConsumer[block]!]!
        const one = consumerJudgement(name, judgementAt(part.judgements, block))
        found.judged = found.judged === undefined ? one : worseOff(found.judged, one)
      }
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
