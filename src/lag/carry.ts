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
  const lost = new Map<string, number>()
  for (const problem of problems)
    if (problem.consumer !== undefined && !seen.has(problem.consumer))
      lost.set(problem.consumer, reasonCode(problem.reason))
  yield* carried(
    inOrder(lost),
    (name) => previous.blocks(name),
    (name) => lost.get(name)!,
    now,
  )
}

/**
 * The rows of topics that may not be described any more: brokers leave them out of what a group has committed without a
 * word, and its sum would look whole. They are unknown as long as the group is there (I3).
 *
 * @param denied names of these topics
 * @param found the batches of this cycle; what they have of such a topic counts
 */
export function* carryDenied(
  previous: Previous,
  denied: ReadonlySet<string>,
  found: readonly PositionBatch[],
  seen: ReadonlySet<string>,
  now: number,
): Generator<PositionBatch, void> {
  if (denied.size === 0) return
  const isKnown = new Set<string>()
  for (const { consumer, topic } of blocksOf(found, denied)) isKnown.add(`${consumer}\n${topic}`)
  const lost = new Map<string, PreviousBlock[]>()
  for (const part of previous.snapshot.parts)
    for (const { consumer, topic, block } of blocksOf([part.batch], denied)) {
      if (!seen.has(consumer) || isKnown.has(`${consumer}\n${topic}`)) continue
      const some = lost.get(consumer)
      if (some === undefined) lost.set(consumer, [{ part, block }])
      else some.push({ part, block })
    }
  const reason = reasonCode('unauthorized')
  yield* carried(
    inOrder(lost),
    (name) => lost.get(name)!,
    () => reason,
    now,
  )
}

function inOrder(names: ReadonlyMap<string, unknown>): readonly string[] {
  return [...names.keys()].sort((a, b) => (a < b ? -1 : 1))
}

function* carried(
  names: readonly string[],
  blocks: (name: string) => readonly PreviousBlock[],
  reasonOf: (name: string) => number,
  now: number,
): Generator<PositionBatch, void> {
  const parts = { position: createCarried('position'), lag: createCarried('lag') }
  for (const name of names) {
    const reason = reasonOf(name)
    for (const from of blocks(name)) {
      const { holds, consumers, blockConsumer } = from.part.batch
      const { consumers: mine } = parts[holds]
      const was = consumers[blockConsumer[from.block]!]!
      const consumer = mine.at(-1)?.name === name ? mine.length - 1 : mine.push(was) - 1
      parts[holds].blocks.push({ consumer, from, reason })
      parts[holds].rows += rowsOf(from)
    }
    for (const holds of ['position', 'lag'] as const) {
      if (parts[holds].rows < ROWS_PER_BATCH) continue
      yield asBatch(parts[holds], now)
      parts[holds] = createCarried(holds)
    }
  }
  for (const one of [parts.position, parts.lag]) if (one.blocks.length > 0) yield asBatch(one, now)
}

/** The blocks that are about one of these topics. */
function* blocksOf(
  batches: readonly PositionBatch[],
  only: ReadonlySet<string>,
): Generator<{ readonly consumer: string; readonly topic: string; readonly block: number }, void> {
  for (const { consumers, topics, blockConsumer, blockTopic } of batches) {
    if (!topics.some(({ name }) => only.has(name))) continue
    for (let block = 0; block < blockTopic.length; block++) {
      const topic = topics[blockTopic[block]!]!.name
      if (only.has(topic)) yield { consumer: consumers[blockConsumer[block]!]!.name, topic, block }
    }
  }
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
