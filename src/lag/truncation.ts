import type { Catalog } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import { offsetAt } from '../model/offsets.ts'
import { reasonCode } from '../model/reason.ts'
import type { SnapshotPart } from '../model/snapshot.ts'

/** A position past the log end whose leader epoch is known: the broker can say where that epoch ended. */
export interface BeyondEnd {
  readonly part: number
  readonly row: number
  readonly topic: string
  readonly partition: number
  readonly position: bigint
  readonly epoch: number
}

const BEYOND = reasonCode('position_beyond_end')

/**
 * At most `limit` rows for which asking the leader (OffsetForLeaderEpoch, KIP-320) can tell truncation from a commit past
 * the end: a log only loses its tail when its leader changes, so the epoch must have risen since.
 */
export function beyondEnd(
  parts: readonly SnapshotPart[],
  catalog: Catalog,
  ends: LogOffsetColumn,
  limit: number,
): readonly BeyondEnd[] {
  const found: BeyondEnd[] = []
  for (const [index, { batch, reason, catalogTopic }] of parts.entries()) {
    if (!reason.includes(BEYOND)) continue
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      const topic = catalog.topics[catalogTopic[batch.blockTopic[block]!]!]
      if (topic === undefined) continue
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
        const epoch = batch.epoch[row]!
        if (reason[row] !== BEYOND || epoch < 0) continue
        const partition = batch.partition[row]!
        if (ends.epoch[topic.firstRow + partition]! <= epoch) continue
        found.push({ part: index, row, topic: topic.name, partition, position: offsetAt(batch.value, row), epoch })
        if (found.length === limit) return found
      }
    }
  }
  return found
}

/** The parts with the given rows marked as truncated: the epoch of their last record ended before their position. */
export function markTruncated(parts: readonly SnapshotPart[], rows: readonly BeyondEnd[]): readonly SnapshotPart[] {
  return parts.map((part, index) => {
    const mine = rows.filter((row) => row.part === index)
    if (mine.length === 0) return part
    const reason = part.reason.slice()
    for (const { row } of mine) reason[row] = reasonCode('truncated')
    return { ...part, reason }
  })
}
