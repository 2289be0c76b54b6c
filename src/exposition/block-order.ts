import type { Snapshot } from '../model/snapshot.ts'
import { byName, sortInSteps } from './sort-in-steps.ts'

/** The blocks of all parts of a snapshot in the order in which people and pages see them: by consumer, then by topic. */
export interface BlockOrder {
  /** For each place in the order, the index of the part and of the block in it. */
  readonly part: Uint32Array
  readonly block: Uint32Array
}

const STEP = 8192

/**
 * Sorts the blocks of a snapshot, which lie as the brokers answered. It yields between steps of a few milliseconds, so
 * that whoever drives it can let others run.
 */
export function* orderBlocks(snapshot: Snapshot): Generator<void, BlockOrder, void> {
  const rankOf = yield* consumerRanks(snapshot)
  const first = new Uint32Array(rankOf.size + 1)
  const ranks: Uint32Array[] = []
  for (const { batch } of snapshot.parts) {
    const ofConsumer = new Uint32Array(batch.consumers.length)
    for (let index = 0; index < ofConsumer.length; index++) {
      ofConsumer[index] = rankOf.get(batch.consumers[index]!.name)!
      if (index % STEP === STEP - 1) yield
    }
    ranks.push(ofConsumer)
    for (const consumer of batch.blockConsumer) first[ofConsumer[consumer]! + 1]!++
    yield
  }
  for (let rank = 1; rank < first.length; rank++) first[rank]! += first[rank - 1]!

  const order = { part: new Uint32Array(first.at(-1)!), block: new Uint32Array(first.at(-1)!) }
  const next = first.slice()
  for (const [part, { batch }] of snapshot.parts.entries()) {
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      const place = next[ranks[part]![batch.blockConsumer[block]!]!]!++
      order.part[place] = part
      order.block[place] = block
      if (block % STEP === STEP - 1) yield
    }
    yield
  }
  for (let rank = 0, done = 0; rank + 1 < first.length; rank++) {
    yield* sortByTopic(snapshot, order, first[rank]!, first[rank + 1]!)
    if (first[rank]! - done < STEP && rank % STEP < STEP - 1) continue
    done = first[rank]!
    yield
  }
  return order
}

/** The name of the consumer at a place of the order. */
export function consumerAt(snapshot: Snapshot, order: BlockOrder, place: number): string {
  const { batch } = snapshot.parts[order.part[place]!]!
  return batch.consumers[batch.blockConsumer[order.block[place]!]!]!.name
}

/** The name of the topic at a place of the order. */
export function topicAt(snapshot: Snapshot, order: BlockOrder, place: number): string {
  const { batch } = snapshot.parts[order.part[place]!]!
  return batch.topics[batch.blockTopic[order.block[place]!]!]!.name
}

/** The place after the last block of the same consumer and topic: more than one only when two sources share a topic. */
export function topicEnd(snapshot: Snapshot, order: BlockOrder, place: number): number {
  const consumer = consumerAt(snapshot, order, place)
  const topic = topicAt(snapshot, order, place)
  let end = place + 1
  while (
    end < order.block.length &&
    topicAt(snapshot, order, end) === topic &&
    consumerAt(snapshot, order, end) === consumer
  )
    end++
  return end
}

function* consumerRanks(snapshot: Snapshot): Generator<void, ReadonlyMap<string, number>, void> {
  const ranks = new Map<string, number>()
  for (const { consumer } of snapshot.consumers) {
    ranks.set(consumer.name, ranks.size)
    if (ranks.size % STEP === 0) yield
  }
  const listed = ranks.size
  for (const { batch } of snapshot.parts) {
    for (const [index, { name }] of batch.consumers.entries()) {
      if (!ranks.has(name)) ranks.set(name, ranks.size)
      if (index % STEP === STEP - 1) yield
    }
  }
  if (ranks.size === listed) return ranks
  // A consumer with rows but without a total would be a bug elsewhere; its rows are printed all the same.
  const names = yield* sortInSteps([...ranks.keys()], byName)
  return new Map(names.map((name, rank) => [name, rank]))
}

/** The blocks of one batch come sorted by topic, so only a consumer with blocks in several parts has anything to do. */
function* sortByTopic(snapshot: Snapshot, order: BlockOrder, from: number, to: number): Generator<void, void, void> {
  let isSorted = true
  for (let place = from + 1; place < to && isSorted; place++)
    isSorted = topicAt(snapshot, order, place - 1) <= topicAt(snapshot, order, place)
  if (isSorted) return
  const entries = Array.from({ length: to - from }, (_, index) => ({
    part: order.part[from + index]!,
    block: order.block[from + index]!,
    topic: topicAt(snapshot, order, from + index),
  }))
  const sorted = yield* sortInSteps(entries, (a, b) => byName(a.topic, b.topic))
  for (const [index, { part, block }] of sorted.entries()) {
    order.part[from + index] = part
    order.block[from + index] = block
  }
}
