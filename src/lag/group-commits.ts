import type { Consumer } from '../model/consumer.ts'
import { offsetNumber } from '../model/offsets.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import { KNOWN } from '../model/reason.ts'
import { sortedIndex } from '../model/sorted.ts'

/** What a group has committed, where it stands in the batches. */
export interface GroupCommits {
  readonly consumer: Consumer
  readonly blocks: readonly GroupBlock[]
  /** Monotonic milliseconds: the commits were read after the first and before the second. */
  readonly sentAt: number
  readonly receivedAt: number
}

export interface GroupBlock {
  readonly batch: PositionBatch
  readonly block: number
}

/**
 * Groups that may be of a job: those that have committed on one of the topics, and those that are named. Yields after
 * each batch.
 */
export function* groupsIn(
  batches: readonly PositionBatch[],
  topics: ReadonlySet<string>,
  named: (group: string) => boolean,
): Generator<void, ReadonlyMap<string, GroupCommits>, void> {
  const found = new Map<string, { consumer: Consumer; blocks: GroupBlock[]; sentAt: number; receivedAt: number }>()
  for (const batch of batches) {
    const { consumers, blockConsumer, blockTopic, evidence, takenAt } = batch
    if (batch.holds !== 'position') continue
    const sentAt = evidence.length === 0 ? takenAt : Math.min(...evidence.map((one) => one.sentAt))
    const wanted = batch.topics.map(({ name }) => topics.has(name))
    const isWanted = consumers.map(({ name, kind }) => kind !== 'flink' && named(name))
    for (let block = 0; block < blockConsumer.length; block++) {
      const at = blockConsumer[block]!
      if (consumers[at]!.kind !== 'flink' && wanted[blockTopic[block]!]) isWanted[at] = true
    }
    if (isWanted.includes(true)) {
      for (const [at, consumer] of consumers.entries())
        if (isWanted[at]) {
          const known = found.get(consumer.name)
          if (known === undefined) found.set(consumer.name, { consumer, blocks: [], sentAt, receivedAt: takenAt })
          else {
            known.sentAt = Math.min(known.sentAt, sentAt)
            known.receivedAt = Math.max(known.receivedAt, takenAt)
          }
        }
      for (let block = 0; block < blockConsumer.length; block++) {
        const at = blockConsumer[block]!
        if (isWanted[at]) found.get(consumers[at]!.name)!.blocks.push({ batch, block })
      }
    }
    yield
  }
  return found
}

/** The row of a partition, wherever the group has it; −1 and the like never. */
export function rowIn({ batch, block }: GroupBlock, topic: string, partition: number): number | undefined {
  if (batch.topics[batch.blockTopic[block]!]!.name !== topic) return undefined
  const row = sortedIndex(batch.partition, partition, batch.blockFirst[block]!, batch.blockFirst[block + 1]!)
  return row < 0 ? undefined : row
}

/** Next offset that the group has committed; undefined when there is none, or it could not be read. */
export function committedIn(
  { blocks }: Pick<GroupCommits, 'blocks'>,
  topic: string,
  partition: number,
): number | undefined {
  for (const one of blocks) {
    const row = rowIn(one, topic, partition)
    if (row !== undefined && one.batch.reason[row] === KNOWN) return offsetNumber(one.batch.value, row)
  }
  return undefined
}
