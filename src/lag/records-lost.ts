import { type Catalog, type CatalogTopic, isSameTopic } from '../model/catalog.ts'
import type { Consumer } from '../model/consumer.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import { difference, type OffsetColumn } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'
import { isFresh, type RecordsLost, type SnapshotPart } from '../model/snapshot.ts'
import { type CountedStarts, createStartWriter, noStarts, type StartWriter, startIndex } from './counted-starts.ts'
import { type Previous, type PreviousBlock, previousRow } from './previous.ts'

/** What was counted of one consumer on one topic. */
export interface LostEntry {
  readonly lost: number
  /**
   * By partition, the log start up to which losses are counted: for positions below it, and for those that could not be
   * read. Of all others the last snapshot tells it.
   */
  readonly counted: CountedStarts
  readonly topicId?: string | undefined
}

/** What an earlier process counted, with the log starts of all positions that it saw; each block until it is taken. */
export interface SavedLost {
  readonly clusterId?: string
  /** Consumers that have had members. */
  readonly readers: ReadonlySet<string>
  take(consumer: string, topic: string): LostEntry | undefined
  rest(): Iterable<{ readonly consumer: string; readonly topics: ReadonlyMap<string, LostEntry> }>
  isEmpty(): boolean
}

export interface LostInput {
  readonly parts: readonly SnapshotPart[]
  readonly catalog: Catalog
  readonly starts: LogOffsetColumn
  readonly previous: Previous | undefined
  /** By catalog topic, from `recreatedTopics`. */
  readonly recreated: Uint8Array
}

/** The count over all cycles of a process. */
export interface LostCounter {
  /**
   * Takes one cycle, and tells what has been lost so far. A position below the log start adds what the start has passed
   * since it was counted last: start − max(position, start counted last). The first sight of a position adds nothing,
   * and so does one of a topic that was created anew. While nobody is in a group that has had members nothing is added
   * either, now or later: whoever left a group for good would lose for ever. Yields now and then, for others to run.
   */
  update(input: LostInput): Generator<void, RecordsLost>
  /** What would be needed to go on: by consumer, then topic. */
  entries(): ReadonlyMap<string, ReadonlyMap<string, LostEntry>>
  readers(): ReadonlySet<string>
}

/** So many blocks take a few milliseconds when all of them have something to count. */
const BLOCKS_PER_STEP = 64

type Entries = Map<string, Map<string, LostEntry>>

export function createLostCounter(saved?: SavedLost): LostCounter {
  let entries: Entries = new Map()
  let readers: ReadonlySet<string> = new Set()

  function* update(input: LostInput): Generator<void, RecordsLost> {
    const left = saved?.isEmpty() === false ? saved : undefined
    readers = readersNow(input.parts, (name) => readers.has(name) || left?.readers.has(name) === true)
    const next: Entries = new Map()
    const lost = new Map<string, Map<string, number>>()
    const starts = createStartWriter()
    for (const part of input.parts) {
      if (part.batch.holds !== 'position') continue
      const marked = markedBlocks(part)
      for (let block = 0; block < part.batch.blockConsumer.length; block++) {
        if (block % BLOCKS_PER_STEP === 0) yield
        const { consumer, topic } = namesOf(part, block)
        const known = left?.take(consumer.name, topic) ?? entries.get(consumer.name)?.get(topic)
        if (known === undefined && marked[block] === 0) continue
        const entry = countBlock(part, block, { input, known, readers, starts })
        if (entry.lost > 0 || entry.counted !== noStarts) put(next, consumer.name, topic, entry)
        if (entry.lost > 0) put(lost, consumer.name, topic, entry.lost)
      }
    }
    entries = next
    return lost
  }

  return { update, entries: () => entries, readers: () => readers }
}

/** Consumers that have or had members; those that are gone are forgotten. */
function readersNow(parts: readonly SnapshotPart[], hadMembers: (consumer: string) => boolean): ReadonlySet<string> {
  const now = new Set<string>()
  for (const { batch } of parts)
    for (const { name, members = 0 } of batch.consumers) if (members > 0 || hadMembers(name)) now.add(name)
  return now
}

/** 1 for the blocks that have a position below the start, or a row that could not be read. */
function markedBlocks({ batch, belowStart, blockComplete, held }: SnapshotPart): Uint8Array {
  const marked = new Uint8Array(blockComplete.length)
  for (let block = 0; block < marked.length; block++) if (blockComplete[block] === 0) marked[block] = 1
  for (const block of belowStart) marked[block] = 1
  let block = 0
  for (const row of held.row) {
    while (batch.blockFirst[block + 1]! <= row) block++
    marked[block] = 1
  }
  return marked
}

interface BlockInput {
  readonly input: LostInput
  readonly known: LostEntry | undefined
  readonly readers: ReadonlySet<string>
  /** Takes the starts that must be remembered. */
  readonly starts: StartWriter
}

function countBlock(part: SnapshotPart, block: number, { input, known, readers, starts }: BlockInput): LostEntry {
  const { batch } = part
  const { consumer, topic: name } = namesOf(part, block)
  const index = part.catalogTopic[batch.blockTopic[block]!]!
  const topic = input.catalog.topics[index]
  let lost = known?.lost ?? 0
  if (topic === undefined) return { lost, counted: noStarts }
  const first = starts.size()
  const isOther = input.recreated[index] === 1 || isOtherId(known?.topicId, topic.id)
  const isStopped = consumer.members === 0 && readers.has(consumer.name)
  const base = isOther ? undefined : createBase(known?.counted ?? noStarts, input.previous, consumer.name, name, topic)
  const { offset } = input.starts
  const firstRow = batch.blockFirst[block]!
  for (let row = firstRow; row < batch.blockFirst[block + 1]!; row++) {
    const partition = batch.partition[row]!
    const log = topic.firstRow + partition
    if (!isFresh(part, row) || batch.reason[row] !== KNOWN) {
      const found = partition < topic.partitions ? base?.(partition, row - firstRow) : undefined
      if (found !== undefined) starts.add(partition, found.column[found.row * 2]!, found.column[found.row * 2 + 1]!)
    } else if (difference(batch.value, row, offset, log) < 0) {
      const found = base?.(partition, row - firstRow)
      if (found !== undefined && !isStopped) {
        const since = difference(offset, log, found.column, found.row)
        // A start only grows: one that is lower than before is of another log, where there are no ids to tell.
        if (since > 0) lost += Math.min(since, difference(offset, log, batch.value, row))
      }
      starts.add(partition, offset[log * 2]!, offset[log * 2 + 1]!)
    }
  }
  return { lost, counted: starts.since(first), topicId: topic.id }
}

/** A place of an offset column. */
interface Place {
  column: OffsetColumn
  row: number
}

/**
 * Where the start up to which a partition was counted stands: among those that were remembered, or else in the last
 * snapshot, if that had a position for it on the same topic. The answer is good until the next question.
 */
function createBase(
  counted: CountedStarts,
  previous: Previous | undefined,
  consumer: string,
  topicName: string,
  topic: CatalogTopic,
): (partition: number, placeNow: number) => Place | undefined {
  const place: Place = { column: counted.store.start, row: 0 }
  let before: PreviousBlock | undefined
  let logFirst = -1
  let isFound = false
  const find = (): void => {
    isFound = true
    before = previous?.block(consumer, topicName)
    if (previous === undefined || before?.part.batch.holds !== 'position') return
    const was = previous.snapshot.catalog.topics[before.part.catalogTopic[before.part.batch.blockTopic[before.block]!]!]
    if (was !== undefined && isSameTopic(was, topic)) logFirst = was.firstRow
  }
  return (partition, placeNow) => {
    const remembered = startIndex(counted, partition)
    if (remembered >= 0) {
      place.column = counted.store.start
      place.row = remembered
      return place
    }
    if (!isFound) find()
    if (previous === undefined || before === undefined || logFirst < 0) return undefined
    const row = previousRow(before, partition, placeNow)
    if (row < 0 || !isFresh(before.part, row) || before.part.batch.reason[row] !== KNOWN) return undefined
    place.column = previous.snapshot.starts.offset
    place.row = logFirst + partition
    return place
  }
}

function namesOf({ batch }: SnapshotPart, block: number): { readonly consumer: Consumer; readonly topic: string } {
  return {
    consumer: batch.consumers[batch.blockConsumer[block]!]!,
    topic: batch.topics[batch.blockTopic[block]!]!.name,
  }
}

function put<T>(all: Map<string, Map<string, T>>, consumer: string, topic: string, value: T): void {
  const topics = all.get(consumer) ?? new Map<string, T>()
  all.set(consumer, topics)
  topics.set(topic, value)
}

function isOtherId(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other
}
