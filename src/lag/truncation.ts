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

/** At most `limit` rows for which asking the leader (OffsetForLeaderEpoch, KIP-320) can tell truncation from a commit past the end. */
export function beyondEnd(parts: readonly SnapshotPart[], limit: number): readonly BeyondEnd[] {
  const found: BeyondEnd[] = []
  for (const [index, { batch, reason }] of parts.entries()) {
    for (let block = 0; block < batch.blockConsumer.length; block++)
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
        if (reason[row] !== BEYOND || batch.epoch[row]! < 0) continue
        found.push({
          part: index,
          row,
          topic: batch.topics[batch.blockTopic[block]!]!.name,
          partition: batch.partition[row]!,
          position: offsetAt(batch.value, row),
          epoch: batch.epoch[row]!,
        })
        if (found.length === limit) return found
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
