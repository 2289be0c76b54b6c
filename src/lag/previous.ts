import { offsetAt } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'
import { heldIndex, type Snapshot, type SnapshotPart } from '../model/snapshot.ts'
import { sortedIndex } from '../model/sorted.ts'

/** A block of an earlier snapshot, found by consumer and topic. */
export interface PreviousBlock {
  readonly part: SnapshotPart
  readonly block: number
}

/** The earlier snapshot of the same cluster, indexed when first asked: a cycle without trouble never pays for it. */
export interface Previous {
  readonly snapshot: Snapshot
  block(consumer: string, topic: string): PreviousBlock | undefined
  blocks(consumer: string): readonly PreviousBlock[]
}

export function indexPrevious(snapshot: Snapshot): Previous {
  const build = (): Map<string, Map<string, PreviousBlock>> => {
    const made = new Map<string, Map<string, PreviousBlock>>()
    for (const part of snapshot.parts) {
      for (let block = 0; block < part.batch.blockConsumer.length; block++) {
        const consumer = part.batch.consumers[part.batch.blockConsumer[block]!]!.name
        const topics = made.get(consumer) ?? new Map<string, PreviousBlock>()
        made.set(consumer, topics)
        topics.set(part.batch.topics[part.batch.blockTopic[block]!]!.name, { part, block })
      }
    }
    return made
  }
  let built: Map<string, Map<string, PreviousBlock>> | undefined
  const index = (): Map<string, Map<string, PreviousBlock>> => {
    built ??= build()
    return built
  }
  return {
    snapshot,
    block: (consumer, topic) => index().get(consumer)?.get(topic),
    blocks: (consumer) => [...(index().get(consumer)?.values() ?? [])],
  }
}

/**
 * The row of a partition in an earlier block, or −1. Rows of a block are sorted by partition.
 *
 * @param place where it stands in its block now, where it most often stood before
 */
export function previousRow(found: PreviousBlock, partition: number, place = 0): number {
  const { batch } = found.part
  const first = batch.blockFirst[found.block]!
  const end = batch.blockFirst[found.block + 1]!
  const guess = first + place
  if (guess < end && batch.partition[guess] === partition) return guess
  return sortedIndex(batch.partition, partition, first, end)
}

/** The committed position that the earlier snapshot saw itself, held rows included. */
export function previousPosition(found: PreviousBlock, row: number): bigint | undefined {
  const held = heldIndex(found.part, row)
  if (held >= 0) return found.part.held.positioned[held] === 1 ? offsetAt(found.part.held.position, held) : undefined
  return found.part.batch.reason[row] === KNOWN ? offsetAt(found.part.batch.value, row) : undefined
}
