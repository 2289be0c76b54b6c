import type { Catalog, CatalogTopic } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import { difference } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'
import { clearRows, copyBases, type EndRows, endRows, takeEnd, UNKNOWN } from './end-rows.ts'
import { addMoment, type EndMoment, type EndSlots, emptySlots, shrinkSlots } from './end-slots.ts'

/** The log ends of the cycles before, thinned with age: what says when a log end passed an offset. */
export interface EndHistory {
  /** Takes the log ends of a cycle. Yields now and then. */
  take(input: EndInput): Generator<void>
  /** Where the ends of a topic are, by its place in a catalog; undefined for one that was never seen. */
  topicIn(catalog: Catalog, index: number): TopicEnds | undefined
  readonly slots: EndSlots
  readonly rows: EndRows
  entries(): ReadonlyMap<string, TopicEnds>
}

interface EndInput {
  readonly catalog: Catalog
  readonly ends: LogOffsetColumn
  /** By catalog topic, from `recreatedTopics`. */
  readonly recreated: Uint8Array
}

/** The place of one topic in the rows of a history. */
export interface TopicEnds {
  readonly id: string | undefined
  /** Row of the first partition; the others follow. */
  readonly first: number
  readonly partitions: number
}

/** What an earlier process knew: the moments belong to the columns in their order. */
export interface SavedEnds {
  readonly moments: readonly EndMoment[]
  readonly rows: EndRows
  readonly topics: ReadonlyMap<string, TopicEnds>
}

export interface HistoryLimits {
  /** What all cells may take. */
  readonly bytes: number
  /** Moments that are kept when there is room. */
  readonly mostMoments: number
}

/** 45 moments for a million partitions; 125,000 and fewer have an hour and a half of every cycle at 15 s. */
const LIMITS: HistoryLimits = { bytes: 180e6, mostMoments: 360 }
const LEAST_MOMENTS = 24
const CELL_BYTES = 4
/** Room for partitions that will come, so that not every new topic moves all of them. */
const SPARE = 1 / 32
const LEAST_SPARE = 64
const TOPICS_PER_STEP = 512
const CELLS_PER_STEP = 1 << 20

export function createEndHistory(limits: HistoryLimits = LIMITS, saved?: SavedEnds): EndHistory {
  let slots: EndSlots = emptySlots(saved?.moments.length ?? 0)
  if (saved !== undefined) slots = { ...slots, moments: saved.moments, column: saved.moments.map((_, index) => index) }
  let rows = saved?.rows ?? endRows(0, 0)
  let topics = new Map(saved?.topics ?? [])
  /** Rows from here on have never been given away. */
  let used = rows.size
  let placedFor: Catalog | undefined
  /** By topic of the catalog that they were placed for. */
  let entries: TopicEnds[] = []

  return {
    get slots() {
      return slots
    },
    get rows() {
      return rows
    },
    topicIn: (catalog, index) => (catalog === placedFor ? entries[index] : entryOf(catalog.topics[index])),
    entries: () => topics,
    take: function* ({ catalog, ends, recreated }) {
      const moment = momentOf(ends)
      if (moment === undefined) return
      yield* fit(catalog, moment.readAt)
      if (placedFor !== catalog || recreated.includes(1)) yield* place(catalog, recreated)
      placedFor = catalog
      slots = addMoment(slots, moment)
      yield* takeColumn(catalog, ends)
    },
  }

  /** Undefined for one that has more partitions than it had: the rows behind are those of another topic. */
  function entryOf(topic: CatalogTopic | undefined): TopicEnds | undefined {
    if (topic === undefined) return undefined
    const entry = topics.get(topic.name)
    return entry !== undefined && entry.partitions >= topic.partitions ? entry : undefined
  }

  function* takeColumn({ topics: all }: Catalog, ends: LogOffsetColumn): Generator<void> {
    const column = slots.column.at(-1)!
    const before = slots.column.slice(0, -1)
    const cells = rows.columns[column]!
    const last = rows.columns[before.at(-1) ?? column]!
    const { base, seen } = rows
    for (const [index, { firstRow, partitions }] of all.entries()) {
      const { first } = entries[index]!
      for (let partition = 0; partition < partitions; partition++) {
        const row = first + partition
        const log = firstRow + partition
        if (ends.reason[log] !== KNOWN) {
          cells[row] = UNKNOWN
          continue
        }
        // Nearly every end is a plain one: not below the last, and within the numbers.
        const above = difference(ends.offset, log, base, row)
        if (seen[row] === 1 && above >= last[row]! && above < UNKNOWN) cells[row] = above
        else takeEnd(rows, row, column, before, ends.offset, log)
      }
      if (index % TOPICS_PER_STEP === 0) yield
    }
  }

  /**
   * As many moments as there is room for, and room for all partitions. Moments become more only when there is room for
   * twice of what there are: each time costs a copy.
   */
  function* fit(catalog: Catalog, now: number): Generator<void> {
    const room = Math.floor(limits.bytes / (CELL_BYTES * Math.max(catalog.rows, 1)))
    const wanted = Math.min(limits.mostMoments, Math.max(LEAST_MOMENTS, room))
    const isWorthIt = wanted < slots.capacity || wanted >= 2 * slots.capacity
    const capacity = isWorthIt ? wanted : slots.capacity
    const missing = missingRows(catalog)
    if (capacity === slots.capacity && used + missing <= rows.size) return
    yield* rebuild(catalog, capacity, now)
  }

  /** Rows that have to be given away for the catalog. */
  function missingRows(catalog: Catalog): number {
    if (catalog === placedFor) return 0
    let missing = 0
    for (const topic of catalog.topics)
      if (topics.get(topic.name)?.partitions !== topic.partitions) missing += topic.partitions
    return missing
  }

  /** All topics that are still there, one behind the other, with room for those of the catalog. */
  function* rebuild(catalog: Catalog, capacity: number, now: number): Generator<void> {
    const kept = shrinkSlots(slots, Math.min(capacity, slots.moments.length), now)
    const size = Math.ceil(catalog.rows * (1 + SPARE)) + LEAST_SPARE
    const next = endRows(size, 0)
    const moved: { readonly from: number; readonly to: number; readonly count: number }[] = []
    const placed = new Map<string, TopicEnds>()
    let end = 0
    for (const { name, partitions } of catalog.topics) {
      const known = topics.get(name)
      if (known !== undefined) {
        const count = Math.min(known.partitions, partitions)
        moved.push({ from: known.first, to: end, count })
        copyBases(rows, known.first, next, end, count)
        placed.set(name, { ...known, first: end, partitions })
      }
      end += partitions
      if (placed.size % TOPICS_PER_STEP === 0) yield
    }
    const columns: Uint32Array[] = []
    for (let index = 0; index < capacity; index++) {
      const cells = new Uint32Array(size).fill(UNKNOWN)
      const from = kept.column[index]
      if (from !== undefined)
        for (const [place, { from: first, to, count }] of moved.entries()) {
          cells.set(rows.columns[from]!.subarray(first, first + count), to)
          if (place % TOPICS_PER_STEP === 0) yield
        }
      columns.push(cells)
      if ((index * size) % CELLS_PER_STEP < size) yield
    }
    rows = { ...next, columns }
    slots = { capacity, moments: kept.moments, column: kept.moments.map((_, index) => index) }
    topics = placed
    used = end
    placedFor = undefined
  }

  /** Finds or gives the rows of each topic of the catalog. */
  function* place(catalog: Catalog, recreated: Uint8Array): Generator<void> {
    entries = []
    for (const [index, topic] of catalog.topics.entries()) {
      const known = topics.get(topic.name)
      const entry = known === undefined ? begin(topic) : goOn(known, topic, recreated[index] === 1)
      if (entry !== known) topics.set(topic.name, entry)
      entries.push(entry)
      if (index % TOPICS_PER_STEP === 0) yield
    }
    if (topics.size > catalog.topics.length)
      for (const name of topics.keys()) if (!catalog.topicIndex.has(name)) topics.delete(name)
  }

  function begin({ id, partitions }: CatalogTopic): TopicEnds {
    const first = used
    used += partitions
    clearRows(rows, first, partitions)
    return { id, first, partitions }
  }

  function goOn(known: TopicEnds, topic: CatalogTopic, isRecreated: boolean): TopicEnds {
    const id = topic.id ?? known.id
    const isAnother = isRecreated || (known.id !== undefined && known.id !== id)
    const entry = known.partitions === topic.partitions ? known : begin(topic)
    if (isAnother) clearRows(rows, entry.first, entry.partitions)
    else if (entry !== known) {
      const count = Math.min(known.partitions, entry.partitions)
      copyBases(rows, known.first, rows, entry.first, count)
      for (const cells of rows.columns) cells.copyWithin(entry.first, known.first, known.first + count)
    }
    return entry.id === id ? entry : { ...entry, id }
  }
}

/** When the log ends of a cycle were read; undefined when none was. */
export function momentOf({ evidence }: LogOffsetColumn): EndMoment | undefined {
  if (evidence.length === 0) return undefined
  let askedAt = Number.POSITIVE_INFINITY
  let readAt = Number.NEGATIVE_INFINITY
  for (const { sentAt, receivedAt } of evidence) {
    askedAt = Math.min(askedAt, sentAt)
    readAt = Math.max(readAt, receivedAt)
  }
  return { askedAt, readAt }
}
