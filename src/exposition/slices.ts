import { ALL_NUMBERS, places, sameNumbers } from '../model/judgements.ts'
import type { SnapshotPart } from '../model/snapshot.ts'
import { consumerAt, topicAt, topicEnd } from './block-order.ts'
import type { OrderedSnapshot } from './lines.ts'
import type { TableRow } from './table.ts'

/** A slice of a view, and what of it is as it was in the same slice of the view before. */
export interface Slice {
  readonly view: OrderedSnapshot
  /** All bits or none; of judgements a bit for each of their numbers, by its place. */
  readonly same: number
}

type DependsOn = NonNullable<TableRow[3]>

/** Small enough that one consumer that moves makes little of the page anew; larger ones compress better. */
const SLICE = 256

type Cut = (view: OrderedSnapshot, before: readonly Slice[] | undefined) => Generator<void, readonly Slice[]>

/** How a view is cut, by what the lines of a family are made of; families of one `kind` share the slices. */
export function slicing(dependsOn: DependsOn): { readonly kind: string; readonly cut: Cut; readonly bit: number } {
  if (dependsOn === 'topics') return { kind: dependsOn, cut: topicSlices, bit: ALL_NUMBERS }
  if (dependsOn === 'consumers')
    return { kind: dependsOn, cut: (...of) => consumerSlices(saidOfConsumers, ...of), bit: ALL_NUMBERS }
  return { kind: 'judgements', cut: (...of) => consumerSlices(thoughtOfConsumers, ...of), bit: 1 << places[dependsOn] }
}

/** The consumers of a view in slices of some hundred blocks, as views of their own. Yields between steps. */
function* consumerSlices(
  sameOf: (before: OrderedSnapshot, now: OrderedSnapshot) => number,
  view: OrderedSnapshot,
  before: readonly Slice[] | undefined,
): Generator<void, readonly Slice[]> {
  const { snapshot, order } = view
  const slices: Slice[] = []
  for (let from = 0; from < order.block.length; ) {
    let to = Math.min(from + SLICE, order.block.length)
    // Blocks of one topic of a consumer are added up, and must not come into two slices.
    if (to < order.block.length) to = topicEnd(snapshot, order, to - 1)
    const slice = { snapshot, order: { part: order.part.subarray(from, to), block: order.block.subarray(from, to) } }
    const past = before?.[slices.length]?.view
    slices.push({ view: slice, same: past === undefined ? 0 : sameOf(past, slice) })
    from = to
    yield
  }
  return slices
}

/** The topics of a view in slices. Yields between steps. */
function* topicSlices(view: OrderedSnapshot, before: readonly Slice[] | undefined): Generator<void, readonly Slice[]> {
  const { catalog } = view.snapshot
  const slices: Slice[] = []
  for (let from = 0; from < catalog.topics.length; from += SLICE) {
    const topics = catalog.topics.slice(from, from + SLICE)
    const slice = { ...view, snapshot: { ...view.snapshot, catalog: { ...catalog, topics } } }
    const past = before?.[slices.length]?.view
    slices.push({ view: slice, same: past !== undefined && saysSameOfTopics(past, slice) ? ALL_NUMBERS : 0 })
    yield
  }
  return slices
}

/** Whether everything that a family of rows, topics or losses prints of two views is the same. */
function saysSameOfConsumers(before: OrderedSnapshot, now: OrderedSnapshot): boolean {
  if (before.order.block.length !== now.order.block.length) return false
  if ((before.snapshot.lost === undefined) !== (now.snapshot.lost === undefined)) return false
  for (let place = 0; place < now.order.block.length; place++) {
    const consumer = consumerAt(now.snapshot, now.order, place)
    const topic = topicAt(now.snapshot, now.order, place)
    if (consumerAt(before.snapshot, before.order, place) !== consumer) return false
    if (topicAt(before.snapshot, before.order, place) !== topic) return false
    if (before.snapshot.lost?.get(consumer)?.get(topic) !== now.snapshot.lost?.get(consumer)?.get(topic)) return false
    const past = before.snapshot.parts[before.order.part[place]!]!
    const part = now.snapshot.parts[now.order.part[place]!]!
    if (!isSameBlock(past, before.order.block[place]!, part, now.order.block[place]!)) return false
  }
  return true
}

function saidOfConsumers(before: OrderedSnapshot, now: OrderedSnapshot): number {
  return saysSameOfConsumers(before, now) ? ALL_NUMBERS : 0
}

/** Which numbers of what is thought of the same consumers and topics are the same in all of them. */
function thoughtOfConsumers(before: OrderedSnapshot, now: OrderedSnapshot): number {
  if (before.order.block.length !== now.order.block.length) return 0
  let same = ALL_NUMBERS
  for (let place = 0; place < now.order.block.length && same !== 0; place++) {
    if (consumerAt(before.snapshot, before.order, place) !== consumerAt(now.snapshot, now.order, place)) return 0
    if (topicAt(before.snapshot, before.order, place) !== topicAt(now.snapshot, now.order, place)) return 0
    const past = before.snapshot.parts[before.order.part[place]!]!.judgements
    const judgements = now.snapshot.parts[now.order.part[place]!]!.judgements
    if (past !== undefined && judgements !== undefined)
      same &= sameNumbers(past, before.order.block[place]!, judgements, now.order.block[place]!)
    else if (past !== judgements) return 0
  }
  return same
}

/** False also where nobody has looked: parts with held rows or with views are always printed anew. */
function isSameBlock(past: SnapshotPart, pastBlock: number, part: SnapshotPart, block: number): boolean {
  const [was, is] = [past.batch, part.batch]
  if (past.held.row.length + part.held.row.length > 0 || past.views !== undefined || part.views !== undefined)
    return false
  if (was.holds !== is.holds) return false
  if (past.blockComplete[pastBlock] !== part.blockComplete[block]) return false
  if (past.blockLag[pastBlock] !== part.blockLag[block]) return false
  const from = is.blockFirst[block]!
  const rows = is.blockFirst[block + 1]! - from
  const offset = was.blockFirst[pastBlock]! - from
  if (was.blockFirst[pastBlock + 1]! - was.blockFirst[pastBlock]! !== rows) return false
  for (let row = from; row < from + rows; row++) {
    const other = row + offset
    if (
      was.partition[other] !== is.partition[row] ||
      was.value[other * 2] !== is.value[row * 2] ||
      was.value[other * 2 + 1] !== is.value[row * 2 + 1] ||
      was.reason[other] !== is.reason[row] ||
      past.reason[other] !== part.reason[row] ||
      past.lag[other] !== part.lag[row]
    )
      return false
  }
  return true
}

/** Whether starts and ends of the same topics are the same. */
function saysSameOfTopics(before: OrderedSnapshot, now: OrderedSnapshot): boolean {
  const [past, present] = [before.snapshot, now.snapshot]
  if (past.catalog.topics.length !== present.catalog.topics.length) return false
  for (const [index, topic] of present.catalog.topics.entries()) {
    const other = past.catalog.topics[index]!
    if (other.name !== topic.name || other.partitions !== topic.partitions) return false
    for (let partition = 0; partition < topic.partitions; partition++) {
      const row = topic.firstRow + partition
      const earlier = other.firstRow + partition
      if (!isSameOffset(past.starts, earlier, present.starts, row)) return false
      if (!isSameOffset(past.ends, earlier, present.ends, row)) return false
    }
  }
  return true
}

type Offsets = OrderedSnapshot['snapshot']['ends']

function isSameOffset(was: Offsets, other: number, is: Offsets, row: number): boolean {
  return (
    was.reason[other] === is.reason[row] &&
    was.offset[other * 2] === is.offset[row * 2] &&
    was.offset[other * 2 + 1] === is.offset[row * 2 + 1]
  )
}
