import { errorCodes } from '../kafka-wire/error-codes.ts'
import type { OffsetFetchResponse } from '../kafka-wire/offset-fetch.ts'
import type { Catalog } from '../model/catalog.ts'
import type { Evidence } from '../model/evidence.ts'
import { batchColumns, type PositionBatch } from '../model/position-batch.ts'
import { KNOWN, reasonCode } from '../model/reason.ts'
import { asConsumer, type KnownGroup } from './group-memory.ts'

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
 * One OffsetFetch answer as a batch: blocks sorted by topic, rows by partition. Partitions that a member was assigned
 * but that have no commit get a row without a position; when their topic is not even in the metadata, the answer was
 * cut by ACLs (OffsetFetch hides in silence what may not be described) and the row says `incomplete`.
 *
 * @param groups the groups of the answer that were read, with the index of their entry
 */
export function groupBatch(
  answer: OffsetFetchResponse,
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
      batch.value[row * 2] = answer.offset[source * 2]!
      batch.value[row * 2 + 1] = answer.offset[source * 2 + 1]!
      batch.epoch[row] = answer.epoch[source]!
      batch.reason[row++] = rowReason(answer, source)
    }
    while (extra < block.extra.length) fill(block.extra[extra++]!)
  }
  batch.blockFirst[blocks.length] = row
  return {
    ...batch,
    evidence: [evidence],
    takenAt: evidence.receivedAt,
    holds: 'position',
    consumers: groups.map(({ group }) => asConsumer(group)),
    topics: [...topics.keys()].map((name) => ({ name, exact: true })),
  }
}

function blocksOf(
  answer: OffsetFetchResponse,
  entry: number,
  group: KnownGroup,
  catalog: Catalog,
  kept: readonly boolean[],
  keepTopic: (name: string) => boolean,
): Block[] {
  const assigned = assignedPartitions(group, keepTopic)
  const found = new Map<string, Block>()
  const { firstBlock, blocks } = answer.groups[entry]!
  for (let block = firstBlock; block < firstBlock + blocks; block++) {
    if (!kept[answer.blockTopic[block]!]) continue
    const topic = answer.topics[answer.blockTopic[block]!]!
    const rows = sortedRows(answer, block)
    const mine = assigned.get(topic)
    const have = mine === undefined ? undefined : new Set(rows.map((row) => answer.partition[row]!))
    const extra = mine === undefined ? [] : mine.filter((partition) => have?.has(partition) === false)
    assigned.delete(topic)
    if (rows.length + extra.length > 0)
      found.set(topic, { topic, rows, extra, extraReason: extra.length === 0 ? KNOWN : extraReason(catalog, topic) })
  }
  for (const [topic, extra] of assigned)
    found.set(topic, { topic, rows: [], extra, extraReason: extraReason(catalog, topic) })
  return [...found.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1))
}

/** The rows of a block that say something, by partition. */
function sortedRows(answer: OffsetFetchResponse, block: number): number[] {
  const rows: number[] = []
  let isSorted = true
  for (let row = answer.blockFirst[block]!; row < answer.blockFirst[block + 1]!; row++) {
    if (answer.absent[row] === 1 && isNothing(answer.error[row]!)) continue
    const last = rows.at(-1)
    if (last !== undefined && answer.partition[last]! > answer.partition[row]!) isSorted = false
    rows.push(row)
  }
  return isSorted ? rows : rows.sort((a, b) => answer.partition[a]! - answer.partition[b]!)
}

/** "There is no commit": no error, or that of brokers before 0.9 for a partition that the group never had. */
function isNothing(error: number): boolean {
  return error === errorCodes.NONE || error === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
}

function rowReason(answer: OffsetFetchResponse, row: number): number {
  if (answer.absent[row] === 0 && answer.error[row] === errorCodes.NONE) return KNOWN
  if (answer.error[row] === errorCodes.TOPIC_AUTHORIZATION_FAILED) return reasonCode('unauthorized')
  return reasonCode('read_failed')
}

function extraReason(catalog: Catalog, topic: string): number {
  return reasonCode(catalog.topicIndex.has(topic) ? 'no_position' : 'incomplete')
}

/** What the members of a group were assigned, by topic, sorted. */
function assignedPartitions(group: KnownGroup, keepTopic: (name: string) => boolean): Map<string, number[]> {
  const assigned = new Map<string, Set<number>>()
  for (const member of group.members ?? [])
    for (const { name, partitions } of member.assignment) {
      if (!keepTopic(name)) continue
      const of = assigned.get(name) ?? new Set<number>()
      assigned.set(name, of)
      for (const partition of partitions) of.add(partition)
    }
  return new Map([...assigned].map(([name, partitions]) => [name, [...partitions].sort((a, b) => a - b)]))
}
