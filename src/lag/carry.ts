import type { Consumer } from '../model/consumer.ts'
import { batchColumns, type PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { reasonCode } from '../model/reason.ts'
import type { Previous, PreviousBlock } from './previous.ts'

/**
 * The rows of consumers that could not be read at all in this cycle, as a batch without a single known position: the
 * join then shows their earlier rows while they may be shown, or the reason. Nothing that was expected disappears
 * because a coordinator did not answer (I3, I10).
 *
 * @param now monotonic milliseconds
 */
export function carryOver(
  previous: Previous,
  problems: readonly Problem[],
  seen: ReadonlySet<string>,
  now: number,
): PositionBatch | undefined {
  const consumers: Consumer[] = []
  const blocks: { consumer: number; from: PreviousBlock; reason: number }[] = []
  const lost = new Map<string, number>()
  for (const problem of problems)
    if (problem.consumer !== undefined && !seen.has(problem.consumer))
      lost.set(problem.consumer, reasonCode(problem.reason))
  for (const [name, reason] of [...lost].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const found = previous.blocks(name)
    const first = found[0]
    if (first === undefined) continue
    const was = first.part.batch.consumers[first.part.batch.blockConsumer[first.block]!]!
    const consumer = consumers.push(was) - 1
    for (const from of found) blocks.push({ consumer, from, reason })
  }
  return blocks.length === 0 ? undefined : asBatch(consumers, blocks, now)
}

function asBatch(
  consumers: readonly Consumer[],
  blocks: readonly { readonly consumer: number; readonly from: PreviousBlock; readonly reason: number }[],
  now: number,
): PositionBatch {
  const rows = blocks.reduce((sum, { from }) => sum + rowsOf(from), 0)
  const topics = new Map<string, number>()
  const batch = batchColumns(blocks.length, rows)
  let row = 0
  for (const [index, { consumer, from, reason }] of blocks.entries()) {
    const source = from.part.batch
    const name = source.topics[source.blockTopic[from.block]!]!.name
    if (!topics.has(name)) topics.set(name, topics.size)
    batch.blockConsumer[index] = consumer
    batch.blockTopic[index] = topics.get(name)!
    batch.blockFirst[index] = row
    for (let old = source.blockFirst[from.block]!; old < source.blockFirst[from.block + 1]!; old++, row++) {
      batch.partition[row] = source.partition[old]!
      batch.reason[row] = reason
    }
  }
  batch.blockFirst[blocks.length] = row
  return {
    ...batch,
    evidence: [],
    takenAt: now,
    holds: 'position',
    consumers,
    topics: [...topics.keys()].map((name) => ({ name, exact: true })),
  }
}

function rowsOf({ part, block }: PreviousBlock): number {
  return part.batch.blockFirst[block + 1]! - part.batch.blockFirst[block]!
}
