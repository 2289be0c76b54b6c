import { type Catalog, type CatalogTopic, emptyCatalog } from '../model/catalog.ts'
import type { Evidence } from '../model/evidence.ts'
import { type LogOffsetColumn, NO_ANSWER } from '../model/log-offsets.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import { createByteWriter } from './bytes.ts'
import { createDeltaWriter, newTrend, type Trend } from './deltas.ts'
import { emptyLogState, type LogState, realignState } from './log-state.ts'
import { answerNames, type RecordedCycle } from './recorded-cycle.ts'

/** Writes cycle after cycle as differences to the one before. */
export interface CycleEncoder {
  /** The frame of a cycle. Yields now and then. */
  encode(cycle: RecordedCycle): Generator<void, Buffer>
}

/** A (consumer, topic) of a source with these partitions, and its rows as they were when it was last met. */
interface KnownBlock {
  readonly id: number
  readonly partition: Int32Array
  readonly value: Uint32Array
  readonly trend: Trend
  readonly epoch: Int32Array
  readonly reason: Uint8Array
}

interface KnownSource {
  readonly blocks: Map<string, Map<string, KnownBlock[]>>
  count: number
  /** By place in the list of batches: what it consisted of. */
  readonly shapes: Shape[]
}

interface Shape {
  readonly consumers: readonly number[]
  readonly blocks: readonly number[]
  readonly owners: readonly number[]
}

const noShape: Shape = { consumers: [], blocks: [], owners: [] }
const TOPICS_PER_STEP = 256
const BLOCKS_PER_STEP = 64

/**
 * The format is that of `cycle-decoder.ts`; docs/decisions/0038 describes it.
 *
 * @param zero when the recording began, by the clock of the cycles: whole milliseconds since then are written, rounded
 *   down, which keeps every order
 */
export function createCycleEncoder(zero: number): CycleEncoder {
  const out = createByteWriter()
  /** The texts come first in a frame, and are known last. */
  const body = createByteWriter()
  const deltas = createDeltaWriter(body)
  const texts = new Map<string, number>()
  let fresh: string[] = []
  let catalog: Catalog = emptyCatalog
  let clusterId: string | undefined
  const logs = { starts: emptyLogState(0), ends: emptyLogState(0) }
  let starts: LogOffsetColumn | undefined
  const sources: KnownSource[] = []

  function idOf(text: string): number {
    const known = texts.get(text)
    if (known !== undefined) return known
    const id = texts.size
    texts.set(text, id)
    fresh.push(text)
    return id
  }

  function* encode(cycle: RecordedCycle): Generator<void, Buffer> {
    fresh = []
    for (const number of [cycle.cycle, since(cycle.startedAt), since(cycle.takenAt), cycle.wall]) body.varint(number)
    yield* putCatalog(cycle.catalog)
    // A cycle that did not read the log starts has those of the one before, aligned to its own catalog.
    const isSame = cycle.starts === starts
    body.varint(isSame ? 0 : 1)
    if (!isSame) logs.starts = yield* putLogs(cycle.starts, logs.starts)
    starts = cycle.starts
    logs.ends = yield* putLogs(cycle.ends, logs.ends)
    body.varint(cycle.sources.length)
    for (const [index, { batches, problems }] of cycle.sources.entries()) {
      putTexts(problems.map((problem) => JSON.stringify(problem)))
      const known = sources[index] ?? { blocks: new Map(), count: 0, shapes: [] }
      sources[index] = known
      body.varint(batches.length)
      for (const [place, batch] of batches.entries()) yield* putBatch(batch, known, place)
    }
    putTexts(cycle.problems.map((problem) => JSON.stringify(problem)))
    putTexts([...cycle.denied])
    const fallen = cycle.catalog.topics.filter((_, index) => cycle.fallen[index] === 1)
    putTexts(fallen.map(({ name }) => name))
    out.varint(fresh.length)
    for (const [index, text] of fresh.entries()) {
      if (index % BLOCKS_PER_STEP === 0) yield
      out.text(text)
    }
    out.raw(body.take())
    return out.take()
  }

  return { encode }

  function since(moment: number): number {
    return Math.max(0, Math.floor(moment - zero))
  }

  function putTexts(some: readonly string[]): void {
    body.varint(some.length)
    for (const text of some) body.varint(idOf(text))
  }

  function putOptional(text: string | undefined): void {
    body.varint(text === undefined ? 0 : idOf(text) + 1)
  }

  /** What changed: topics that are gone, and those that are new or another one. */
  function* putCatalog(now: Catalog): Generator<void> {
    const isSame = now.topics === catalog.topics && now.clusterId === clusterId
    body.varint(isSame ? 0 : 1)
    if (isSame) return
    clusterId = now.clusterId
    putOptional(clusterId)
    putTexts(catalog.topics.filter(({ name }) => !now.topicIndex.has(name)).map(({ name }) => name))
    yield
    const changed = now.topics.filter(
      (topic) => !isSameEntry(topic, catalog.topics[catalog.topicIndex.get(topic.name)!]),
    )
    body.varint(changed.length)
    for (const [index, { name, id, internal, partitions }] of changed.entries()) {
      if (index % TOPICS_PER_STEP === 0) yield
      body.varint(idOf(name))
      putOptional(id)
      body.varint(internal ? 1 : 0)
      body.varint(partitions)
    }
    logs.starts = realignState(logs.starts, catalog, now)
    yield
    logs.ends = realignState(logs.ends, catalog, now)
    catalog = now
  }

  function putEvidence(evidence: readonly Evidence[]): void {
    body.varint(evidence.length)
    for (const one of evidence) {
      body.varint(idOf(one.from))
      body.varint(idOf(one.api))
      const sentAt = since(one.sentAt)
      for (const number of [one.version, one.correlation, sentAt, since(one.receivedAt) - sentAt]) body.varint(number)
      body.varint(one.code + CODE_SHIFT)
    }
  }

  function* putLogs(now: LogOffsetColumn, before: LogState): Generator<void, LogState> {
    putEvidence(now.evidence)
    const names = answerNames(now.evidence).map((name) => idOf(name) + 1)
    const { offset, epoch, reason } = now
    const rows = reason.length
    const answer = new Int32Array(rows)
    const columns = [
      (row: number) => deltas.offset(offset, row, before.offset, row, before.trend),
      (row: number) => deltas.number(epoch[row]!, before.epoch[row]!),
      (row: number) => deltas.number(reason[row]!, before.reason[row]!),
      (row: number) => {
        const index = now.answer[row]!
        answer[row] = index === NO_ANSWER ? 0 : names[index]!
        deltas.number(answer[row]!, before.answer[row]!)
      },
    ]
    for (const put of columns) {
      for (let row = 0; row < rows; row++) {
        if (row % ROWS_PER_STEP === 0) yield
        put(row)
      }
      deltas.flush()
    }
    return { offset, epoch, reason, answer, trend: before.trend }
  }

  function* putBatch(batch: PositionBatch, source: KnownSource, place: number): Generator<void> {
    putEvidence(batch.evidence)
    body.varint(since(batch.takenAt))
    body.varint(batch.holds === 'lag' ? 1 : 0)
    const before = source.shapes[place] ?? noShape
    const consumers = batch.consumers.map((consumer) => idOf(JSON.stringify(consumer)))
    const blocks: KnownBlock[] = []
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      if (block % BLOCKS_PER_STEP === 0) yield
      const { known, isNew } = blockOf(batch, block, source)
      blocks.push(known)
      if (isNew) yield* putBlock(batch, block)
    }
    body.varint(NO_MORE_BLOCKS)
    putList(consumers, before.consumers)
    const ids = blocks.map(({ id }) => id)
    putList(ids, before.blocks)
    const owners = [...batch.blockConsumer]
    putList(owners, before.owners)
    source.shapes[place] = { consumers, blocks: ids, owners }
    yield* putRows(batch, blocks)
  }

  /** A block that was not met before is spelled out once. */
  function* putBlock({ topics, blockTopic, blockFirst, partition }: PositionBatch, block: number): Generator<void> {
    const { name, exact } = topics[blockTopic[block]!]!
    const [first, end] = [blockFirst[block]!, blockFirst[block + 1]!]
    body.varint(exact ? EXACT_BLOCK : FILTERED_BLOCK)
    body.varint(idOf(name))
    body.varint(end - first)
    let expected = 0
    for (let row = first; row < end; row++) {
      if ((row - first) % ROWS_PER_STEP === 0) yield
      deltas.number(partition[row]!, expected)
      expected = partition[row]! + 1
    }
    deltas.flush()
  }

  function putList(now: readonly number[], before: readonly number[]): void {
    body.varint(now.length)
    for (const [index, id] of now.entries()) deltas.number(id, before[index] ?? 0)
    deltas.flush()
  }

  function* putRows(batch: PositionBatch, blocks: readonly KnownBlock[]): Generator<void> {
    const columns = [
      (known: KnownBlock, row: number, first: number) =>
        deltas.offset(batch.value, row, known.value, row - first, known.trend),
      (known: KnownBlock, row: number, first: number) => deltas.number(batch.epoch[row]!, known.epoch[row - first]!),
      (known: KnownBlock, row: number, first: number) => deltas.number(batch.reason[row]!, known.reason[row - first]!),
    ]
    for (const put of columns) {
      for (const [block, known] of blocks.entries()) {
        if (block % BLOCKS_PER_STEP === 0) yield
        const first = batch.blockFirst[block]!
        for (let row = first; row < batch.blockFirst[block + 1]!; row++) put(known, row, first)
      }
      deltas.flush()
    }
    for (const [block, known] of blocks.entries()) {
      if (block % BLOCKS_PER_STEP === 0) yield
      const [first, end] = [batch.blockFirst[block]!, batch.blockFirst[block + 1]!]
      known.value.set(batch.value.subarray(first * 2, end * 2))
      known.epoch.set(batch.epoch.subarray(first, end))
      known.reason.set(batch.reason.subarray(first, end))
    }
  }

  function blockOf(batch: PositionBatch, block: number, source: KnownSource) {
    const consumer = batch.consumers[batch.blockConsumer[block]!]!.name
    const topic = batch.topics[batch.blockTopic[block]!]!
    const key = topic.exact ? topic.name : `${topic.name}\0`
    const topics = source.blocks.get(consumer) ?? new Map<string, KnownBlock[]>()
    source.blocks.set(consumer, topics)
    const some = topics.get(key) ?? []
    topics.set(key, some)
    const partition = batch.partition.subarray(batch.blockFirst[block]!, batch.blockFirst[block + 1]!)
    const known = some.find((one) => isEqual(one.partition, partition))
    if (known !== undefined) return { known, isNew: false }
    const rows = partition.length
    const made: KnownBlock = {
      id: source.count++,
      partition: partition.slice(),
      value: new Uint32Array(rows * 2),
      trend: newTrend(rows),
      epoch: new Int32Array(rows),
      reason: new Uint8Array(rows),
    }
    some.push(made)
    return { known: made, isNew: true }
  }
}

/** Error codes begin at −1. */
export const CODE_SHIFT = 1
/** What stands before a block that is spelled out, and behind the last of them. */
export const NO_MORE_BLOCKS = 0
export const EXACT_BLOCK = 1
export const FILTERED_BLOCK = 2
const ROWS_PER_STEP = 4_096

function isSameEntry(one: CatalogTopic, other: CatalogTopic | undefined): boolean {
  return one.id === other?.id && one.internal === other?.internal && one.partitions === other?.partitions
}

function isEqual(one: Int32Array, other: Int32Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}
