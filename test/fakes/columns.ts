import { type Catalog, emptyCatalog } from '../../src/model/catalog.ts'
import type { Evidence } from '../../src/model/evidence.ts'
import { type LogOffsetColumn, logOffsetColumn } from '../../src/model/log-offsets.ts'
import { offsetColumn, setOffset } from '../../src/model/offsets.ts'
import type { PositionBatch } from '../../src/model/position-batch.ts'
import { type Reason, reasonCode } from '../../src/model/reason.ts'
import type { Snapshot, SnapshotPart } from '../../src/model/snapshot.ts'

/** A topic as a test writes it: one entry a partition. */
export interface FakeTopic {
  readonly name: string
  readonly id?: string
  readonly start: readonly (bigint | Reason)[]
  readonly end: readonly (bigint | Reason)[]
}

function evidence(sentAt: number, receivedAt = sentAt + 1): Evidence {
  return { from: 'fake:9092', api: 'Fake', version: 0, correlation: 1, sentAt, receivedAt, code: 0 }
}

/** A catalog with its log offsets; ends are asked for at `endsAskedAt`. */
export function fakeLogs(
  topics: readonly FakeTopic[],
  endsAskedAt = 100,
): { readonly catalog: Catalog; readonly starts: LogOffsetColumn; readonly ends: LogOffsetColumn } {
  const sorted = [...topics].sort((a, b) => (a.name < b.name ? -1 : 1))
  let row = 0
  const placed = sorted.map((topic) => {
    const firstRow = row
    row += topic.end.length
    return {
      name: topic.name,
      internal: false,
      partitions: topic.end.length,
      firstRow,
      ...(topic.id === undefined ? {} : { id: topic.id }),
    }
  })
  const catalog: Catalog = {
    ...emptyCatalog,
    topics: placed,
    topicIndex: new Map(placed.map((topic, index) => [topic.name, index])),
    rows: row,
    leader: new Int32Array(row),
  }
  const column = (values: readonly (bigint | Reason)[], askedAt: number): LogOffsetColumn => {
    const made = logOffsetColumn(values.length, 0, [evidence(askedAt)])
    made.answer.fill(0)
    for (const [index, value] of values.entries()) {
      if (typeof value === 'bigint') setOffset(made.offset, index, value)
      else made.reason[index] = reasonCode(value)
    }
    return made
  }
  return {
    catalog,
    starts: column(
      sorted.flatMap((topic) => topic.start),
      0,
    ),
    ends: column(
      sorted.flatMap((topic) => topic.end),
      endsAskedAt,
    ),
  }
}

/** Positions by consumer, topic and partition, taken at `takenAt`. */
export function fakeBatch(
  positions: Readonly<Record<string, Readonly<Record<string, Readonly<Record<number, bigint | Reason>>>>>>,
  takenAt = 50,
): PositionBatch {
  const consumers = Object.keys(positions)
  const topics = [...new Set(Object.values(positions).flatMap((of) => Object.keys(of)))]
  const blocks = consumers.flatMap((consumer, index) =>
    Object.entries(positions[consumer] ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([topic, rows]) => ({
        consumer: index,
        topic: topics.indexOf(topic),
        rows: Object.entries(rows).sort(([a], [b]) => Number(a) - Number(b)),
      })),
  )
  const rows = blocks.flatMap((block) => block.rows)
  const value = offsetColumn(rows.length)
  const reason = new Uint8Array(rows.length)
  for (const [index, [, position]] of rows.entries()) {
    if (typeof position === 'bigint') setOffset(value, index, position)
    else reason[index] = reasonCode(position)
  }
  const blockFirst = [0]
  for (const block of blocks) blockFirst.push(blockFirst.at(-1)! + block.rows.length)
  return {
    evidence: [evidence(takenAt - 1, takenAt)],
    takenAt,
    holds: 'position',
    consumers: consumers.map((name) => ({ name, kind: 'classic', group: name })),
    topics: topics.map((name) => ({ name, exact: true })),
    blockConsumer: Uint32Array.from(blocks, (block) => block.consumer),
    blockTopic: Uint32Array.from(blocks, (block) => block.topic),
    blockFirst: Uint32Array.from(blockFirst),
    partition: Int32Array.from(rows, ([partition]) => Number(partition)),
    value,
    epoch: new Int32Array(rows.length).fill(-1),
    reason,
  }
}

/** A published snapshot of the given parts. */
export function fakeSnapshot(
  logs: { readonly catalog: Catalog; readonly starts: LogOffsetColumn; readonly ends: LogOffsetColumn },
  parts: readonly SnapshotPart[],
  takenAt = 120,
): Snapshot {
  return {
    kafkaCluster: 'fake',
    cycle: 1,
    takenAt,
    takenAtWall: 1_700_000_000_000,
    ...logs,
    parts,
    consumers: [],
    objectives: [],
    problems: [],
  }
}
