import type { Judgements } from '../model/judgements.ts'
import { KNOWN } from '../model/reason.ts'
import type { SnapshotPart } from '../model/snapshot.ts'
import { type ConsumerMemory, rememberedConsumer, takeMembers } from './judge-memory.ts'
import { type Movement, takeRest } from './movement.ts'

/**
 * The blocks of a part, and what is remembered of each: found by their names once, for as long as the part has the same
 * blocks cycle after cycle. Written by the judge only.
 */
export interface Seats {
  /** Of the last cycle. */
  part: SnapshotPart
  /** What was thought of each block; absent at first sight. */
  judgements: Judgements | undefined
  /** By consumer of the batch. */
  readonly consumers: readonly ConsumerMemory[]
  /** By block; undefined at first sight. */
  readonly movements: (Movement | undefined)[]
  /**
   * By block: the last moment at which a block that rests was seen to; 0 for one that does not. A block rests when it has
   * had nothing to read for so long that its judgement stays the same until something changes. Most do, and what
   * is remembered of them is not touched: in memory it lies scattered.
   */
  readonly restsUntil: Float64Array
}

const BLOCKS_PER_STEP = 4_096

/** @param before seats of the last cycle that may be those of the same part */
export function* seatsOf(
  part: SnapshotPart,
  before: Seats | undefined,
  consumers: Map<string, ConsumerMemory>,
): Generator<void, Seats> {
  if (before !== undefined && haveSameBlocks(before.part, part)) return before
  if (before !== undefined) yield* leaveSeats(before)
  const { batch } = part
  const memories: ConsumerMemory[] = []
  for (const [index, consumer] of batch.consumers.entries()) {
    if (index % BLOCKS_PER_STEP === 0) yield
    const memory = rememberedConsumer(consumers, consumer.name)
    takeMembers(memory, consumer)
    memories.push(memory)
  }
  const blocks = batch.blockConsumer.length
  const movements: (Movement | undefined)[] = []
  for (let block = 0; block < blocks; block++) {
    if (block % BLOCKS_PER_STEP === 0) yield
    const name = batch.topics[batch.blockTopic[block]!]!.name
    movements.push(memories[batch.blockConsumer[block]!]!.topics.get(name))
  }
  return { part, judgements: undefined, consumers: memories, movements, restsUntil: new Float64Array(blocks) }
}

/** What rested until now is remembered to have done so. */
export function* leaveSeats({ movements, restsUntil }: Seats): Generator<void> {
  for (const [block, until] of restsUntil.entries()) {
    if (block % BLOCKS_PER_STEP === 0) yield
    if (until > 0) takeRest(movements[block]!, until)
  }
}

/** Whether a block that had nothing to read says the same as in the cycle before, and its log too. */
export function saysTheSame(before: SnapshotPart, part: SnapshotPart, block: number): boolean {
  if (part.blockLag[block] !== 0 || part.blockComplete[block] !== 1) return false
  const [was, is] = [before.batch, part.batch]
  const end = is.blockFirst[block + 1]!
  // A lag of 0 and the same position: the log end is the same.
  for (let row = is.blockFirst[block]!; row < end; row++)
    if (
      part.reason[row] !== KNOWN ||
      is.value[row * 2] !== was.value[row * 2] ||
      is.value[row * 2 + 1] !== was.value[row * 2 + 1] ||
      is.reason[row] !== was.reason[row]
    )
      return false
  return true
}

function haveSameBlocks(before: SnapshotPart, part: SnapshotPart): boolean {
  const [was, is] = [before.batch, part.batch]
  return (
    was.holds === is.holds &&
    areSame(was.blockConsumer, is.blockConsumer) &&
    areSame(was.blockTopic, is.blockTopic) &&
    areSame(was.blockFirst, is.blockFirst) &&
    areSame(was.partition, is.partition) &&
    areNamedTheSame(was.topics, is.topics) &&
    areNamedTheSame(was.consumers, is.consumers)
  )
}

function areSame(one: Uint32Array | Int32Array, other: Uint32Array | Int32Array): boolean {
  if (one === other) return true
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}

interface Named {
  readonly name: string
}

function areNamedTheSame(some: readonly Named[], others: readonly Named[]): boolean {
  if (some === others) return true
  if (some.length !== others.length) return false
  for (let index = 0; index < some.length; index++) if (some[index]!.name !== others[index]!.name) return false
  return true
}
