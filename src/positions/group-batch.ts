import type { Catalog } from '../model/catalog.ts'
import type { Evidence } from '../model/evidence.ts'
import { batchColumns, type PositionBatch } from '../model/position-batch.ts'
import { KNOWN, reasonCode } from '../model/reason.ts'
import { asConsumer, type KnownGroup } from './group-memory.ts'
import type { GroupRows } from './group-rows.ts'

/**
 * One answer as a batch: blocks sorted by topic, rows by partition. Partitions that a member was assigned but that have
 * no row get one without a position; when their topic is not even in the metadata, the answer was cut by ACLs
 * (OffsetFetch hides in silence what may not be described) and the row says `incomplete`.
 *
 * @param groups the groups of the answer that were read, with the index of their entry
 */
export function groupBatch(
  answer: GroupRows,
  evidence: Evidence,
  groups: readonly { readonly group: KnownGroup; readonly entry: number }[],
  catalog: Catalog,
  keepTopic: (name: string) => boolean,
): PositionBatch {
  const kept = answer.topics.map((name) => keepTopic(name))
  const rank = ranksOf(answer.topics)
  const most = mostOf(answer, groups)
  const writer = createBlockWriter(answer, most)
  for (const [consumer, { group, entry }] of groups.entries()) {
    const blocks = blocksOf(answer, entry, kept, rank)
    const assigned = assignedTo(group, keepTopic)
    if (assigned.size === 0) for (const block of blocks) writer.write(consumer, nameOf(answer, block), block)
    else writeWithAssigned(writer, consumer, answer, blocks, assigned, catalog)
  }
  const { blockConsumer, blockTopic, blockFirst, partition, value, epoch, reason, topics } = writer.finish()
  return {
    evidence: [evidence],
    takenAt: evidence.receivedAt,
    holds: answer.holds,
    consumers: groups.map(({ group }) => asConsumer(group)),
    topics,
    blockConsumer,
    blockTopic,
    blockFirst,
    partition,
    value,
    epoch,
    reason,
  }
}

/** Groups of which there is nothing to read, as consumers without a row. */
export function batchWithoutRows(groups: readonly KnownGroup[], now: number): PositionBatch {
  return {
    ...batchColumns(0, 0),
    evidence: [],
    takenAt: now,
    holds: 'position',
    consumers: groups.map(asConsumer),
    topics: [],
  }
}

/** How many blocks and rows there can be at most. */
function mostOf(answer: GroupRows, groups: readonly { readonly group: KnownGroup }[]) {
  let blocks = answer.blockTopic.length
  let rows = answer.partition.length
  for (const { group } of groups)
    for (const { partitions } of group.assigned ?? []) {
      blocks++
      rows += partitions.length
    }
  return { blocks, rows }
}

/** The place of each name among all of them in their order. */
function ranksOf(names: readonly string[]): Uint32Array {
  const sorted = names.map((_, index) => index).sort((a, b) => (names[a]! < names[b]! ? -1 : 1))
  const rank = new Uint32Array(names.length)
  for (const [place, index] of sorted.entries()) rank[index] = place
  return rank
}

/** The blocks of a group whose topics are kept, by topic; of two of one topic the later one. */
function blocksOf(answer: GroupRows, entry: number, kept: readonly boolean[], rank: Uint32Array): readonly number[] {
  const { firstBlock, blocks } = answer.groups[entry]!
  const found: number[] = []
  let isSorted = true
  let last = -1
  for (let block = firstBlock; block < firstBlock + blocks; block++) {
    const topic = answer.blockTopic[block]!
    if (!kept[topic]) continue
    isSorted &&= rank[topic]! > last
    last = rank[topic]!
    found.push(block)
  }
  if (isSorted) return found
  const byTopic = new Map<number, number>()
  for (const block of found) byTopic.set(rank[answer.blockTopic[block]!]!, block)
  return [...byTopic].sort(([a], [b]) => a - b).map(([, block]) => block)
}

function assignedTo(group: KnownGroup, keepTopic: (name: string) => boolean): Map<string, Int32Array> {
  const assigned = new Map<string, Int32Array>()
  for (const { name, partitions } of group.assigned ?? []) if (keepTopic(name)) assigned.set(name, partitions)
  return assigned
}

function nameOf(answer: GroupRows, block: number): string {
  return answer.topics[answer.blockTopic[block]!]!
}

/** The blocks of a group whose members were assigned partitions, some of which may have no row. */
function writeWithAssigned(
  writer: BlockWriter,
  consumer: number,
  answer: GroupRows,
  blocks: readonly number[],
  assigned: ReadonlyMap<string, Int32Array>,
  catalog: Catalog,
): void {
  const blockOf = new Map(blocks.map((block) => [nameOf(answer, block), block]))
  for (const topic of [...new Set([...blockOf.keys(), ...assigned.keys()])].sort(byText)) {
    const reason = reasonCode(catalog.topicIndex.has(topic) ? 'no_position' : 'incomplete')
    writer.write(consumer, topic, blockOf.get(topic), { partitions: assigned.get(topic) ?? nothing, reason })
  }
}

const nothing = new Int32Array(0)

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

interface BlockWriter {
  /**
   * The rows of a block of the answer that say something, by partition, and one for each assigned partition that has
   * none; nothing at all when there is neither. Assigned partitions are sorted.
   */
  write(
    consumer: number,
    topic: string,
    block: number | undefined,
    assigned?: { readonly partitions: Int32Array; readonly reason: number },
  ): void
  finish(): ReturnType<typeof batchColumns> & Pick<PositionBatch, 'topics'>
}

function createBlockWriter(answer: GroupRows, most: { readonly blocks: number; readonly rows: number }): BlockWriter {
  const columns = batchColumns(most.blocks, most.rows)
  const topics = new Map<string, number>()
  let blocks = 0
  let row = 0

  function writeRow(source: number): void {
    columns.partition[row] = answer.partition[source]!
    columns.value[row * 2] = answer.value[source * 2]!
    columns.value[row * 2 + 1] = answer.value[source * 2 + 1]!
    if (answer.epoch !== undefined) columns.epoch[row] = answer.epoch[source]!
    columns.reason[row++] = answer.reasonOf(source) ?? KNOWN
  }

  return {
    write: (consumer, topic, block, assigned) => {
      const from = row
      const extra = assigned?.partitions ?? nothing
      let next = 0
      const fillUpTo = (partition: number): void => {
        for (; next < extra.length && extra[next]! <= partition; next++) {
          if (extra[next] === partition) continue
          columns.partition[row] = extra[next]!
          columns.reason[row++] = assigned!.reason
        }
      }
      for (const source of block === undefined ? [] : sortedRows(answer, block)) {
        if (next < extra.length) fillUpTo(answer.partition[source]!)
        writeRow(source)
      }
      if (next < extra.length) fillUpTo(Number.POSITIVE_INFINITY)
      if (row === from) return
      const index = topics.get(topic) ?? topics.size
      topics.set(topic, index)
      columns.blockConsumer[blocks] = consumer
      columns.blockTopic[blocks] = index
      columns.blockFirst[blocks++] = from
    },
    finish: () => {
      columns.blockFirst[blocks] = row
      return {
        blockConsumer: columns.blockConsumer.subarray(0, blocks),
        blockTopic: columns.blockTopic.subarray(0, blocks),
        blockFirst: columns.blockFirst.subarray(0, blocks + 1),
        partition: columns.partition.subarray(0, row),
        value: columns.value.subarray(0, row * 2),
        epoch: columns.epoch.subarray(0, row),
        reason: columns.reason.subarray(0, row),
        topics: [...topics.keys()].map((name) => ({ name, exact: true })),
      }
    },
  }
}

/** The rows of a block that say something, by partition. */
function sortedRows(answer: GroupRows, block: number): number[] {
  const rows: number[] = []
  let isSorted = true
  let last = -1
  for (let row = answer.blockFirst[block]!; row < answer.blockFirst[block + 1]!; row++) {
    if (answer.reasonOf(row) === undefined) continue
    const partition = answer.partition[row]!
    isSorted &&= partition > last
    last = partition
    rows.push(row)
  }
  return isSorted ? rows : rows.sort((a, b) => answer.partition[a]! - answer.partition[b]!)
}
