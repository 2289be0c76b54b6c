import { copyJudgement, type JudgementColumns, type Judgements, judgementColumns } from '../model/judgements.ts'
import { KNOWN } from '../model/reason.ts'
import type { SnapshotPart } from '../model/snapshot.ts'
import { sortedIndex } from '../model/sorted.ts'
import { type ConsumerMemory, rememberedConsumer, takeMembers } from './judge-memory.ts'
import { type Movement, takeRest } from './movement.ts'

/**
 * The blocks of a part, and what is remembered of each: found by their names once, for as long as the part has the same
 * blocks cycle after cycle. Written by the judge only.
 */
export interface Seats {
  /** Of the last cycle. */
  part: SnapshotPart
  /** What was thought of each block; nothing that says anything of one that is new. */
  judgements: Judgements
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
  /** By block: a number that it keeps wherever it comes to lie, for when it is looked at all the same. */
  readonly turn: Uint8Array
}

const BLOCKS_PER_STEP = 4_096

/**
 * The seats of parts, in their order: those of the last cycle for a part with the same blocks. Parts are not in the same
 * place in each cycle, so they are met by their first consumer. To new seats come the blocks that were in others, as they
 * are: with each group that comes or goes a broker has another part, and the rest of it rests on.
 *
 * Others are left before anything is judged, since a consumer may come to a part that is judged earlier.
 */
export function* seatsOf(
  before: readonly Seats[],
  parts: readonly SnapshotPart[],
  consumers: Map<string, ConsumerMemory>,
): Generator<void, readonly Seats[]> {
  const others = new Map<string, Seats[]>()
  for (const seats of before) {
    const first = firstOf(seats.part)
    const some = others.get(first)
    if (some === undefined) others.set(first, [seats])
    else some.push(seats)
  }
  const kept: (Seats | undefined)[] = []
  for (const part of parts) {
    yield
    const some = others.get(firstOf(part)) ?? []
    const its = some.findIndex((one) => haveSameBlocks(one.part, part))
    kept.push(its < 0 ? undefined : some.splice(its, 1)[0])
  }
  const left = [...others.values()].flat()
  const places = yield* placesOf(kept.includes(undefined) ? left : [])
  const seats: Seats[] = []
  for (const [index, part] of parts.entries()) seats.push(kept[index] ?? (yield* newSeats(part, consumers, places)))
  for (const one of left) yield* leave(one)
  return seats
}

function firstOf({ batch }: SnapshotPart): string {
  return batch.consumers[0]?.name ?? ''
}

/** Where blocks were in the last cycle. */
interface Places {
  readonly seats: readonly Seats[]
  /** By movement, index into `seats` and block of each. */
  readonly at: ReadonlyMap<Movement, number>
  readonly seat: readonly number[]
  readonly block: readonly number[]
}

function* placesOf(seats: readonly Seats[]): Generator<void, Places> {
  const at = new Map<Movement, number>()
  const places = { seats, at, seat: [] as number[], block: [] as number[] }
  for (const [seat, { movements }] of seats.entries())
    for (const [block, movement] of movements.entries()) {
      if (block % BLOCKS_PER_STEP === 0) yield
      if (movement === undefined) continue
      at.set(movement, places.block.length)
      places.seat.push(seat)
      places.block.push(block)
    }
  return places
}

/** Of a part that has other blocks than any of the last cycle had. */
function* newSeats(part: SnapshotPart, consumers: Map<string, ConsumerMemory>, places: Places): Generator<void, Seats> {
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
  const judgements = judgementColumns(blocks)
  const [restsUntil, turn] = [new Float64Array(blocks), new Uint8Array(blocks)]
  const seats: Seats = { part, judgements, consumers: memories, movements, restsUntil, turn }
  for (let block = 0; block < blocks; block++) {
    if (block % BLOCKS_PER_STEP === 0) yield
    const name = batch.topics[batch.blockTopic[block]!]!.name
    const movement = memories[batch.blockConsumer[block]!]!.topics.get(name)
    movements.push(movement)
    turn[block] = block
    const place = movement && places.at.get(movement)
    if (place === undefined) continue
    const was = places.seats[places.seat[place]!]!
    takeOver(was, places.block[place]!, seats, judgements, block)
  }
  return seats
}

/** A block that rests goes on to rest when it says the same; what was thought of it is known in any case. */
function takeOver(was: Seats, from: number, is: Seats, judgements: JudgementColumns, to: number): void {
  copyJudgement(was.judgements, from, judgements, to)
  is.turn[to] = was.turn[from]!
  const until = was.restsUntil[from]!
  if (until === 0 || !haveSamePartitions(was.part, from, is.part, to) || !saysTheSame(was.part, from, is.part, to))
    return
  is.restsUntil[to] = until
  was.restsUntil[from] = 0
}

function haveSamePartitions({ batch: was }: SnapshotPart, from: number, { batch: is }: SnapshotPart, to: number) {
  const [first, other] = [is.blockFirst[to]!, was.blockFirst[from]!]
  const rows = is.blockFirst[to + 1]! - first
  if (was.holds !== is.holds || was.blockFirst[from + 1]! - other !== rows) return false
  for (let row = 0; row < rows; row++) if (was.partition[other + row] !== is.partition[first + row]) return false
  return true
}

/** What rested until now is remembered to have done so. */
function* leave({ movements, restsUntil }: Seats): Generator<void> {
  for (const [block, until] of restsUntil.entries()) {
    if (block % BLOCKS_PER_STEP === 0) yield
    if (until === 0) continue
    takeRest(movements[block]!, until)
    restsUntil[block] = 0
  }
}

/** Whether a block that had nothing to read says the same as in the cycle before, and its log too. */
export function saysTheSame(before: SnapshotPart, from: number, part: SnapshotPart, block: number): boolean {
  if (part.blockLag[block] !== 0 || part.blockComplete[block] !== 1) return false
  // There the log end is not the position.
  if (sortedIndex(part.belowStart, block) >= 0) return false
  const [was, is] = [before.batch, part.batch]
  const end = is.blockFirst[block + 1]!
  // A lag of 0 and the same position: the log end is the same.
  for (let row = is.blockFirst[block]!, past = was.blockFirst[from]!; row < end; row++, past++)
    if (
      part.reason[row] !== KNOWN ||
      is.value[row * 2] !== was.value[past * 2] ||
      is.value[row * 2 + 1] !== was.value[past * 2 + 1] ||
      is.reason[row] !== was.reason[past]
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
