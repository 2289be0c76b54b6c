import { type Catalog, type CatalogTopic, emptyCatalog } from '../model/catalog.ts'
import type { Consumer } from '../model/consumer.ts'
import type { Evidence } from '../model/evidence.ts'
import { type LogOffsetColumn, NO_ANSWER } from '../model/log-offsets.ts'
import { batchColumns, type PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { DecodeError } from '../runtime/errors.ts'
import { createByteReader } from './bytes.ts'
import { CODE_SHIFT, EXACT_BLOCK, FILTERED_BLOCK, NO_MORE_BLOCKS } from './cycle-encoder.ts'
import { createDeltaReader, newTrend, type Trend } from './deltas.ts'
import { emptyLogState, type LogState, realignState } from './log-state.ts'
import { answerNames, most, type RecordedCycle } from './recorded-cycle.ts'
import { readConsumer, readProblem } from './recorded-words.ts'

export interface CycleDecoder {
  /**
   * The cycle of the next frame. Yields now and then.
   *
   * @throws DecodeError when it is none; nothing can be read after that
   */
  decode(frame: Buffer): Generator<void, RecordedCycle>
}

interface KnownBlock {
  readonly topic: string
  readonly exact: boolean
  readonly partition: Int32Array
  readonly value: Uint32Array
  readonly trend: Trend
  readonly epoch: Int32Array
  readonly reason: Uint8Array
}

interface KnownSource {
  readonly blocks: KnownBlock[]
  readonly shapes: { consumers: readonly number[]; blocks: readonly number[]; owners: readonly number[] }[]
}

const ROWS_PER_STEP = 4_096
const ITEMS_PER_STEP = 64
const MOST_REASON = 255
const none: readonly number[] = []

/** Reads what a cycle encoder wrote, frame after frame. */
export function createCycleDecoder(): CycleDecoder {
  const texts: string[] = []
  const consumers = new Map<number, Consumer>()
  const problems = new Map<number, Problem>()
  const sources: KnownSource[] = []
  let catalog: Catalog = emptyCatalog
  let starts: { column: LogOffsetColumn; state: LogState } | undefined
  let startState = emptyLogState(0)
  let endState = emptyLogState(0)

  function* decode(frame: Buffer): Generator<void, RecordedCycle> {
    const from = createByteReader(frame)
    const deltas = createDeltaReader(from)
    const fresh = from.count(most.texts - texts.length, 'number of texts')
    for (let index = 0; index < fresh; index++) {
      if (index % ITEMS_PER_STEP === 0) yield
      texts.push(from.text())
    }
    const times = [from.varint(), from.varint(), from.varint(), from.count(most.wall, 'wall clock')]
    const [cycle = 0, startedAt = 0, takenAt = 0, wall = 0] = times
    if (takenAt < startedAt) throw new DecodeError(`Read a cycle: over at ${takenAt}, expected ${startedAt} or later`)
    yield* takeCatalog()
    const isRead = from.count(1, 'flag of log starts') === 1
    if (!isRead && starts === undefined) throw new DecodeError('Read a cycle: log starts of no cycle before')
    if (isRead || starts === undefined) starts = yield* takeLogs(startState)
    startState = starts.state
    const ends = yield* takeLogs(endState)
    endState = ends.state
    if (starts.column.reason.length !== catalog.rows) throw new DecodeError('Read a cycle: log starts of other topics')
    const found = []
    const count = from.count(most.batches, 'number of sources')
    for (let index = 0; index < count; index++) {
      const source = sources[index] ?? { blocks: [], shapes: [] }
      sources[index] = source
      const own = takeProblems()
      const batches: PositionBatch[] = []
      const many = from.count(most.batches, 'number of batches')
      for (let place = 0; place < many; place++) batches.push(yield* takeBatch(source, place))
      found.push({ batches, problems: own })
    }
    const others = takeProblems()
    const denied = new Set(takeTexts())
    const fallen = new Uint8Array(catalog.topics.length)
    for (const name of takeTexts()) fallen[topicAt(name)] = 1
    from.end()
    const { column } = starts
    const logs = { catalog, starts: column, ends: ends.column, fallen, denied }
    return { cycle, startedAt, takenAt, wall, ...logs, sources: found, problems: others }

    function textOf(id: number): string {
      const text = texts[id]
      if (text === undefined) throw new DecodeError(`Read a text: number ${id}, expected less than ${texts.length}`)
      return text
    }

    function takeTexts(): readonly string[] {
      const many = from.count(most.problems, 'number of names')
      return Array.from({ length: many }, () => textOf(from.varint()))
    }

    function takeProblems(): readonly Problem[] {
      const many = from.count(most.problems, 'number of problems')
      return Array.from({ length: many }, () => once(problems, from.varint(), readProblem))
    }

    function once<T>(known: Map<number, T>, id: number, read: (text: string) => T): T {
      const value = known.get(id) ?? read(textOf(id))
      known.set(id, value)
      return value
    }

    function takeOptional(): string | undefined {
      const id = from.varint()
      return id === 0 ? undefined : textOf(id - 1)
    }

    function topicAt(name: string): number {
      const index = catalog.topicIndex.get(name)
      if (index === undefined) throw new DecodeError(`Read a topic: "${name}" is not in the catalog`)
      return index
    }

    function* takeCatalog(): Generator<void> {
      if (from.count(1, 'flag of the catalog') === 0) return
      const clusterId = takeOptional()
      const topics = new Map(catalog.topics.map((topic) => [topic.name, topic]))
      for (const name of takeTexts()) topics.delete(name)
      const changed = from.count(most.topics, 'number of topics')
      for (let index = 0; index < changed; index++) {
        if (index % ITEMS_PER_STEP === 0) yield
        const name = textOf(from.varint())
        const id = takeOptional()
        const internal = from.count(1, 'flag of a topic') === 1
        const partitions = from.count(most.partitions, 'number of partitions')
        topics.set(name, { name, ...(id === undefined ? {} : { id }), internal, partitions, firstRow: 0 })
      }
      const before = catalog
      catalog = catalogOf([...topics.values()], clusterId)
      yield
      startState = realignState(startState, before, catalog)
      yield
      endState = realignState(endState, before, catalog)
    }

    function takeEvidence(): readonly Evidence[] {
      const many = from.count(most.answers, 'number of answers')
      return Array.from({ length: many }, () => {
        const [sender, api] = [textOf(from.varint()), textOf(from.varint())]
        const [version, correlation, sentAt, took] = [from.varint(), from.varint(), from.varint(), from.varint()]
        const code = from.count(0xffff, 'error code') - CODE_SHIFT
        return { from: sender, api, version, correlation, sentAt, receivedAt: sentAt + took, code }
      })
    }

    function* takeLogs(before: LogState): Generator<void, { column: LogOffsetColumn; state: LogState }> {
      const evidence = takeEvidence()
      const state = { ...emptyLogState(catalog.rows), trend: before.trend }
      const columns = [
        (row: number) => deltas.offset(state.offset, row, before.offset, row, before.trend),
        (row: number) => {
          state.epoch[row] = deltas.number(before.epoch[row]!)
        },
        (row: number) => {
          state.reason[row] = within(deltas.number(before.reason[row]!), MOST_REASON, 'reason')
        },
        (row: number) => {
          state.answer[row] = deltas.number(before.answer[row]!)
        },
      ]
      for (const take of columns) {
        for (let row = 0; row < catalog.rows; row++) {
          if (row % ROWS_PER_STEP === 0) yield
          take(row)
        }
        deltas.flush()
      }
      const places = new Map(answerNames(evidence).map((name, index) => [name, index]))
      const answer = new Uint16Array(catalog.rows)
      for (let row = 0; row < catalog.rows; row++) {
        if (row % ROWS_PER_STEP === 0) yield
        const name = state.answer[row]!
        answer[row] = name === 0 ? NO_ANSWER : (places.get(textOf(name - 1)) ?? NO_ANSWER)
      }
      const { offset, epoch, reason } = state
      return { column: { offset, epoch, reason, answer, evidence }, state }
    }

    function* takeBatch(source: KnownSource, place: number): Generator<void, PositionBatch> {
      const evidence = takeEvidence()
      const at = from.varint()
      const holds = from.count(1, 'what a batch holds') === 1 ? 'lag' : 'position'
      for (let kind = from.varint(); kind !== NO_MORE_BLOCKS; kind = from.varint()) {
        if (kind !== EXACT_BLOCK && kind !== FILTERED_BLOCK)
          throw new DecodeError(`Read a block: kind ${kind}, expected 0 to 2`)
        if (source.blocks.length >= most.blocks) throw new DecodeError(`Read a block: more than ${most.blocks}`)
        source.blocks.push(yield* takeBlock(kind === EXACT_BLOCK))
      }
      const before = source.shapes[place]
      const names = takeList(before?.consumers ?? none)
      yield
      const ids = takeList(before?.blocks ?? none)
      yield
      const owners = takeList(before?.owners ?? none)
      source.shapes[place] = { consumers: names, blocks: ids, owners }
      if (owners.length !== ids.length) throw new DecodeError('Read a batch: as many consumers as blocks expected')
      yield
      const blocks = ids.map((id) => {
        const block = source.blocks[id]
        if (block === undefined) throw new DecodeError(`Read a batch: block ${id} is not known`)
        return block
      })
      const of = names.map((id) => once(consumers, id, readConsumer))
      const columns = yield* columnsOf(blocks, owners, of.length)
      yield* takeRows(columns, blocks)
      return { ...columns, evidence, takenAt: at, holds, consumers: of }
    }

    function* takeBlock(exact: boolean): Generator<void, KnownBlock> {
      const topic = textOf(from.varint())
      const rows = from.count(most.partitions, 'number of rows')
      const partition = new Int32Array(rows)
      let expected = 0
      for (let row = 0; row < rows; row++) {
        if (row % ROWS_PER_STEP === 0) yield
        partition[row] = within(deltas.number(expected), most.partitions, 'partition')
        expected = partition[row]! + 1
      }
      deltas.flush()
      const columns = { value: new Uint32Array(rows * 2), epoch: new Int32Array(rows), reason: new Uint8Array(rows) }
      return { topic, exact, partition, ...columns, trend: newTrend(rows) }
    }

    function takeList(before: readonly number[]): readonly number[] {
      const many = from.count(most.blocks, 'length of a list')
      const list = Array.from({ length: many }, (_, index) => deltas.number(before[index] ?? 0))
      deltas.flush()
      return list
    }

    /** Into the columns of the batch, and from there into what is remembered of its blocks. */
    function* takeRows(columns: ReturnType<typeof batchColumns>, blocks: readonly KnownBlock[]): Generator<void> {
      const { value, epoch, reason, blockFirst } = columns
      const takes = [
        (known: KnownBlock, row: number, at: number) => deltas.offset(value, row, known.value, at, known.trend),
        (known: KnownBlock, row: number, at: number) => {
          epoch[row] = deltas.number(known.epoch[at]!)
        },
        (known: KnownBlock, row: number, at: number) => {
          reason[row] = within(deltas.number(known.reason[at]!), MOST_REASON, 'reason')
        },
      ]
      for (const take of takes) {
        for (const [block, known] of blocks.entries()) {
          if (block % ITEMS_PER_STEP === 0) yield
          const first = blockFirst[block]!
          for (let at = 0; at < known.partition.length; at++) take(known, first + at, at)
        }
        deltas.flush()
      }
      for (const [block, known] of blocks.entries()) {
        if (block % ITEMS_PER_STEP === 0) yield
        const [first, end] = [blockFirst[block]!, blockFirst[block + 1]!]
        known.value.set(value.subarray(first * 2, end * 2))
        known.epoch.set(epoch.subarray(first, end))
        known.reason.set(reason.subarray(first, end))
      }
    }
  }

  return { decode }
}

function catalogOf(topics: readonly CatalogTopic[], clusterId: string | undefined): Catalog {
  let rows = 0
  const placed: CatalogTopic[] = []
  for (const topic of topics.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    placed.push({ ...topic, firstRow: rows })
    rows += topic.partitions
    if (rows > most.rows) throw new DecodeError(`Read a catalog: more than ${most.rows} partitions`)
  }
  return {
    ...emptyCatalog,
    ...(clusterId === undefined ? {} : { clusterId }),
    topics: placed,
    topicIndex: new Map(placed.map(({ name }, index) => [name, index])),
    rows,
    leader: new Int32Array(rows).fill(-1),
  }
}

/** The columns of a batch with all but its numbers. */
function* columnsOf(blocks: readonly KnownBlock[], owners: readonly number[], consumers: number) {
  const rows = blocks.reduce((sum, { partition }) => sum + partition.length, 0)
  if (rows > most.rows) throw new DecodeError(`Read a batch: ${rows} rows, expected at most ${most.rows}`)
  const columns = batchColumns(blocks.length, rows)
  const topics = new Map<string, { readonly index: number; readonly name: string; readonly exact: boolean }>()
  let at = 0
  for (const [index, { topic, exact, partition }] of blocks.entries()) {
    if (index % ITEMS_PER_STEP === 0) yield
    const key = exact ? topic : `${topic}\0`
    const known = topics.get(key) ?? { index: topics.size, name: topic, exact }
    topics.set(key, known)
    columns.blockConsumer[index] = within(owners[index]!, consumers - 1, 'consumer of a block')
    columns.blockTopic[index] = known.index
    columns.blockFirst[index] = at
    columns.partition.set(partition, at)
    at += partition.length
  }
  columns.blockFirst[blocks.length] = at
  return { ...columns, topics: [...topics.values()].map(({ name, exact }) => ({ name, exact })) }
}

function within(value: number, largest: number, what: string): number {
  if (value < 0 || value > largest) throw new DecodeError(`Read a ${what}: ${value}, expected 0 to ${largest}`)
  return value
}
