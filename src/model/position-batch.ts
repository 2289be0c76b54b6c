import type { Consumer } from './consumer.ts'
import type { Evidence } from './evidence.ts'
import { type OffsetColumn, offsetColumn } from './offsets.ts'

/**
 * One decoded answer or page as columns, immutable. A block is the rows of one (consumer, topic); blocks of a consumer
 * follow each other sorted by topic, the rows of a block are sorted by partition, and no (consumer, topic) has two
 * blocks in one batch.
 */
export interface PositionBatch {
  readonly evidence: readonly Evidence[]
  /** Monotonic milliseconds at which the answer had arrived. */
  readonly takenAt: number
  /** `lag`: the values are the broker's own lag (share groups), not positions. */
  readonly holds: 'position' | 'lag'
  readonly consumers: readonly Consumer[]
  /** `exact` is false for a name that Flink has filtered. */
  readonly topics: readonly { readonly name: string; readonly exact: boolean }[]
  /** Index into `consumers` and `topics`, an entry a block. */
  readonly blockConsumer: Uint32Array
  readonly blockTopic: Uint32Array
  /** First row of each block, and the number of rows at the end: blocks + 1 entries. */
  readonly blockFirst: Uint32Array
  readonly partition: Int32Array
  readonly value: OffsetColumn
  /** Leader epoch of the last consumed record; −1 when not known. */
  readonly epoch: Int32Array
  /** 0 = known, else a reason code. */
  readonly reason: Uint8Array
}

/** Empty columns for so many blocks and rows, no epoch known, to be filled before they become part of a batch. */
export function batchColumns(blocks: number, rows: number) {
  return {
    blockConsumer: new Uint32Array(blocks),
    blockTopic: new Uint32Array(blocks),
    blockFirst: new Uint32Array(blocks + 1),
    partition: new Int32Array(rows),
    value: offsetColumn(rows),
    epoch: new Int32Array(rows).fill(-1),
    reason: new Uint8Array(rows),
  }
}

/** What every row has before it becomes part of the columns. */
interface BlockRow {
  readonly partition: number
  /** 0 = known. */
  readonly reason: number
}

/**
 * Columns of blocks, in their order, and the topics of these. Yields after each block.
 *
 * @param place writes what else a row has: its value and its epoch
 */
export function* blockColumns<Row extends BlockRow>(
  blocks: readonly { readonly consumer: number; readonly topic: string; readonly rows: readonly Row[] }[],
  place: (columns: ReturnType<typeof batchColumns>, at: number, row: Row) => void,
): Generator<void, ReturnType<typeof batchColumns> & Pick<PositionBatch, 'topics'>> {
  const columns = batchColumns(
    blocks.length,
    blocks.reduce((sum, { rows }) => sum + rows.length, 0),
  )
  const topics = new Map<string, number>()
  let at = 0
  for (const [index, { consumer, topic, rows }] of blocks.entries()) {
    if (!topics.has(topic)) topics.set(topic, topics.size)
    columns.blockConsumer[index] = consumer
    columns.blockTopic[index] = topics.get(topic)!
    columns.blockFirst[index] = at
    for (const row of rows) {
      columns.partition[at] = row.partition
      columns.reason[at] = row.reason
      place(columns, at++, row)
    }
    yield
  }
  columns.blockFirst[blocks.length] = at
  return { ...columns, topics: [...topics.keys()].map((name) => ({ name, exact: true })) }
}
