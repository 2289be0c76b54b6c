import type { Consumer } from '../model/consumer.ts'
import { batchColumns, type PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { reasonCode } from '../model/reason.ts'
import type { Previous, PreviousBlock } from './previous.ts'

/** Rows of one batch, or those of one consumer if it has more: a few milliseconds to make it and to join it. */
const ROWS_PER_BATCH = 20_000

/**
 * The rows of consumers that could not be read at all in this cycle, as batches without a single known position: the
 * join then shows their earlier rows while they may be shown, or the reason. Nothing that was expected disappears
 * because a coordinator did not answer (I3, I10). Positions and the broker's own lag (share groups) stay apart.
 *
 * @param now monotonic milliseconds
 */
export function* carryOver(
  previous: Previous,
  problems: readonly Problem[],
  seen: ReadonlySet<string>,
  now: number,
): Generator<PositionBatch, void> {
  const carried = { position: createCarried('position'), lag: createCarried('lag') }
  const lost = new Map<string, number>()
  for (const problem of problems)
    if (problem.consumer !== undefined && !seen.has(problem.consumer))
      lost.set(problem.consumer, reasonCode(problem.reason))
  for (const [name, reason] of [...lost].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const from of previous.blocks(name)) {
      const { holds, consumers, blockConsumer } = from.part.batch
      const { consumers: mine, blocks } = carried[holds]
      const was = consumers[blockConsumer[from.block]!]!
      const consumer = mine.at(-1)?.name === name ? mine.length - 1 : mine.push(was) - 1
      blocks.push({ consumer, from, reason })
      carried[holds].rows += rowsOf(from)
    }
    for (const holds of ['position', 'lag'] as const) {
      if (carried[holds].rows < ROWS_PER_BATCH) continue
      yield asBatch(carried[holds], now)
      carried[holds] = createCarried(holds)
    }
  }
  for (const one of [carried.position, carried.lag]) if (one.blocks.length > 0) yield asBatch(one, now)
}

interface Carried {
  readonly holds: PositionBatch['holds']
  rows: number
  readonly consumers: Consumer[]
  readonly blocks: { readonly consumer: number; readonly from: PreviousBlock; readonly reason: number }[]
}

function createCarried(holds: PositionBatch['holds']): Carried {
  return { holds, rows: 0, consumers: [], blocks: [] }
}

function asBatch({ holds, rows, consumers, blocks }: Carried, now: number): PositionBatch {
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
    holds,
    consumers,
    topics: [...topics.keys()].map((name) => ({ name, exact: true })),
  }
}

function rowsOf({ part, block }: PreviousBlock): number {
  return part.batch.blockFirst[block + 1]! - part.batch.blockFirst[block]!
}
