import { offsetAt, offsetColumn, setOffset } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'
import { type HeldRows, heldIndex, isFresh, type Snapshot, type SnapshotPart } from '../model/snapshot.ts'

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

/** The row of a partition in an earlier block, or −1. Rows of a block are sorted by partition. */
export function previousRow(found: PreviousBlock, partition: number): number {
  const { batch } = found.part
  let low = batch.blockFirst[found.block]!
  let high = batch.blockFirst[found.block + 1]! - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const at = batch.partition[middle]!
    if (at === partition) return middle
    if (at < partition) low = middle + 1
    else high = middle - 1
  }
  return -1
}

/** The committed position that the earlier snapshot saw itself, held rows included. */
export function previousPosition(found: PreviousBlock, row: number): bigint | undefined {
  const held = heldIndex(found.part, row)
  if (held >= 0) return found.part.held.positioned[held] === 1 ? offsetAt(found.part.held.position, held) : undefined
  return found.part.batch.reason[row] === KNOWN ? offsetAt(found.part.batch.value, row) : undefined
}

/** One row of an earlier cycle, whole. */
export interface WholeRow {
  readonly position: bigint
  readonly positioned: boolean
  readonly start: bigint
  readonly end: bigint
  readonly lag: number
  readonly takenAt: number
}

/** The earlier row whole, when it had a lag (its own, or one that it held itself). */
export function wholeRow(previous: Snapshot, found: PreviousBlock, row: number): WholeRow | undefined {
  const { part } = found
  const held = heldIndex(part, row)
  if (held >= 0)
    return {
      position: offsetAt(part.held.position, held),
      positioned: part.held.positioned[held] === 1,
      start: offsetAt(part.held.start, held),
      end: offsetAt(part.held.end, held),
      lag: part.held.lag[held]!,
      takenAt: part.held.takenAt[held]!,
    }
  if (!isFresh(part, row)) return undefined
  const topic = previous.catalog.topics[part.catalogTopic[part.batch.blockTopic[found.block]!]!]
  if (topic === undefined) return undefined
  const log = topic.firstRow + part.batch.partition[row]!
  const positioned = part.batch.reason[row] === KNOWN
  return {
    position: positioned ? offsetAt(part.batch.value, row) : 0n,
    positioned,
    start: offsetAt(previous.starts.offset, log),
    end: offsetAt(previous.ends.offset, log),
    lag: part.lag[row]!,
    takenAt: part.batch.takenAt,
  }
}

export const nothingHeld: HeldRows = heldRows([])

/** Held rows as columns; `rows` ascending by row. */
export function heldRows(rows: readonly { readonly row: number; readonly whole: WholeRow }[]): HeldRows {
  const held = {
    row: new Uint32Array(rows.length),
    position: offsetColumn(rows.length),
    start: offsetColumn(rows.length),
    end: offsetColumn(rows.length),
    lag: new Float64Array(rows.length),
    positioned: new Uint8Array(rows.length),
    takenAt: new Float64Array(rows.length),
  }
  for (const [index, { row, whole }] of rows.entries()) {
    held.row[index] = row
    setOffset(held.position, index, whole.position)
    setOffset(held.start, index, whole.start)
    setOffset(held.end, index, whole.end)
    held.lag[index] = whole.lag
    held.positioned[index] = whole.positioned ? 1 : 0
    held.takenAt[index] = whole.takenAt
  }
  return held
}
