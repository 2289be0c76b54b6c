import type { Catalog } from '../model/catalog.ts'
import type { Evidence } from '../model/evidence.ts'
import { batchColumns, type PositionBatch } from '../model/position-batch.ts'
import { KNOWN, reasonCode } from '../model/reason.ts'
import { asConsumer, type KnownGroup } from './group-memory.ts'
import type { GroupRows } from './group-rows.ts'

/** The rows of one group that come from one block of the answer, and partitions that its members have besides. */
interface Block {
  readonly topic: string
  /** Rows of the answer, sorted by partition. */
  readonly rows: readonly number[]
  /** Assigned partitions without a row, sorted, with the reason. */
  readonly extra: readonly number[]
  readonly extraReason: number
}

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
  const blocks: { consumer: number; block: Block }[] = []
  for (const [consumer, { group, entry }] of groups.entries())
    for (const block of blocksOf(answer, entry, group, catalog, kept, keepTopic)) blocks.push({ consumer, block })
  const rows = blocks.reduce((sum, { block }) => sum + block.rows.length + block.extra.length, 0)
  const topics = new Map<string, number>()
  const batch = batchColumns(blocks.length, rows)
  let row = 0
  for (const [index, { consumer, block }] of blocks.entries()) {
    const topic = topics.get(block.topic) ?? topics.size
    topics.set(block.topic, topic)
    batch.blockConsumer[index] = consumer
    batch.blockTopic[index] = topic
    batch.blockFirst[index] = row
    let extra = 0
    const fill = (partition: number): void => {
      batch.partition[row] = partition
      batch.reason[row++] = block.extraReason
    }
    for (const source of block.rows) {
      const partition = answer.partition[source]!
      while (extra < block.extra.length && block.extra[extra]! < partition) fill(block.extra[extra++]!)
      batch.partition[row] = partition
      batch.value[row * 2] = answer.value[source * 2]!
      batch.value[row * 2 + 1] = answer.value[source * 2 + 1]!
      batch.epoch[row] = answer.epoch?.[source] ?? -1
      batch.reason[row++] = answer.reasonOf(source) ?? KNOWN
    }
    while (extra < block.extra.length) fill(block.extra[extra++]!)
  }
  batch.blockFirst[blocks.length] = row
  return {
    ...batch,
    evidence: [evidence],
    takenAt: evidence.receivedAt,
    holds: answer.holds,
    consumers: groups.map(({ group }) => asConsumer(group)),
    topics: [...topics.keys()].map((name) => ({ name, exact: true })),
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

function blocksOf(
  answer: GroupRows,
  entry: number,
  group: KnownGroup,
  catalog: Catalog,
  kept: readonly boolean[],
  keepTopic: (name: string) => boolean,
): Block[] {
  const assigned = new Map<string, Int32Array>()
  for (const { name, partitions } of group.assigned ?? []) if (keepTopic(name)) assigned.set(name, partitions)
  const found = new Map<string, Block>()
  const { firstBlock, blocks } = answer.groups[entry]!
  for (let block = firstBlock; block < firstBlock + blocks; block++) {
    if (!kept[answer.blockTopic[block]!]) continue
    const topic = answer.topics[answer.blockTopic[block]!]!
    const rows = sortedRows(answer, block)
    const extra = missingPartitions(assigned.get(topic), answer, rows)
    assigned.delete(topic)
    if (rows.length + extra.length > 0)
      found.set(topic, { topic, rows, extra, extraReason: extra.length === 0 ? KNOWN : extraReason(catalog, topic) })
  }
  for (const [topic, extra] of assigned)
    found.set(topic, { topic, rows: [], extra: [...extra], extraReason: extraReason(catalog, topic) })
  return [...found.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1))
}

/** The rows of a block that say something, by partition. */
function sortedRows(answer: GroupRows, block: number): number[] {
  const rows: number[] = []
  let isSorted = true
  for (let row = answer.blockFirst[block]!; row < answer.blockFirst[block + 1]!; row++) {
    if (answer.reasonOf(row) === undefined) continue
    const last = rows.at(-1)
    if (last !== undefined && answer.partition[last]! > answer.partition[row]!) isSorted = false
    rows.push(row)
  }
  return isSorted ? rows : rows.sort((a, b) => answer.partition[a]! - answer.partition[b]!)
}

/** Partitions of an ascending list that have no row; the rows are sorted by partition. */
function missingPartitions(
  assigned: Int32Array | undefined,
  answer: GroupRows,
  rows: readonly number[],
): readonly number[] {
  const missing: number[] = []
  let at = 0
  for (const partition of assigned ?? []) {
    while (at < rows.length && answer.partition[rows[at]!]! < partition) at++
    if (at === rows.length || answer.partition[rows[at]!] !== partition) missing.push(partition)
  }
  return missing
}

function extraReason(catalog: Catalog, topic: string): number {
  return reasonCode(catalog.topicIndex.has(topic) ? 'no_position' : 'incomplete')
}
