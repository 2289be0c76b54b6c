import type { Catalog, CatalogTopic } from '../../src/model/catalog.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { Evidence } from '../../src/model/evidence.ts'
import { type LogOffsetColumn, logOffsetColumn } from '../../src/model/log-offsets.ts'
import { type OffsetColumn, offsetColumn, setOffset } from '../../src/model/offsets.ts'
import { KNOWN, type Reason, reasonCode } from '../../src/model/reason.ts'
import type { ConsumerTotal, HeldRows, Snapshot, SnapshotPart } from '../../src/model/snapshot.ts'

/** One expected partition of a consumer, as a test says it. */
export interface FakeRow {
  readonly consumer: Consumer
  readonly topic: string
  readonly partition: number
  /** Absent when it has none, or could not be read. */
  readonly position?: bigint
  /** Absent when the log offset is unknown. */
  readonly start?: bigint
  readonly end?: bigint
  /** Why the lag is missing, or `control_records_suspected`; known when absent. */
  readonly reason?: Reason
  /** The row of an earlier cycle that is shown in its place. */
  readonly held?: { readonly position?: bigint; readonly start: bigint; readonly end: bigint; readonly agoMs: number }
}

/** Wall and monotonic clock of every fake snapshot: 2025-01-01T00:01:40Z, 100 s after the start of the process. */
export const TAKEN_AT_WALL = Date.UTC(2025, 0, 1, 0, 1, 40)
export const TAKEN_AT = 100_000

export function fakeEvidence(api: string, correlation: number, version = 1): Evidence {
  return { from: '1@broker1:9092', api, version, correlation, sentAt: 99_000, receivedAt: 99_005, code: 0 }
}

/** A snapshot of the rows, all of them in one part, whose blocks come as the rows do. */
export function fakeSnapshot(rows: readonly FakeRow[], more: Partial<Snapshot> = {}): Snapshot {
  const catalog = fakeCatalog(rows)
  const [starts, ends] = [fakeLog(rows, catalog, 'start'), fakeLog(rows, catalog, 'end')]
  const part = fakePart(rows, catalog)
  return {
    kafkaCluster: 'main',
    cycle: 1,
    takenAt: TAKEN_AT,
    takenAtWall: TAKEN_AT_WALL,
    catalog,
    starts,
    ends,
    parts: [part],
    consumers: fakeTotals([part]),
    objectives: [],
    problems: [],
    ...more,
  }
}

/** The same rows split over several parts, as when several brokers answered. */
export function fakeParts(snapshot: Snapshot, groups: readonly (readonly FakeRow[])[]): Snapshot {
  const parts = groups.map((rows) => fakePart(rows, snapshot.catalog))
  return { ...snapshot, parts, consumers: fakeTotals(parts) }
}

function fakeCatalog(rows: readonly FakeRow[]): Catalog {
  const sizes = new Map<string, number>()
  for (const { topic, partition } of rows) sizes.set(topic, Math.max(sizes.get(topic) ?? 0, partition + 1))
  const topics: CatalogTopic[] = []
  let firstRow = 0
  for (const name of [...sizes.keys()].sort()) {
    const partitions = sizes.get(name)!
    topics.push({ name, internal: false, partitions, firstRow })
    firstRow += partitions
  }
  return {
    brokers: [{ id: 1, host: 'broker1', port: 9092 }],
    topics,
    topicIndex: new Map(topics.map(({ name }, index) => [name, index])),
    rows: firstRow,
    leader: new Int32Array(firstRow).fill(1),
    askedAt: 90_000,
  }
}

function fakeLog(rows: readonly FakeRow[], catalog: Catalog, side: 'start' | 'end'): LogOffsetColumn {
  const column = logOffsetColumn(catalog.rows, reasonCode('end_unknown'), [
    fakeEvidence('ListOffsets', side === 'start' ? 7 : 9, 5),
  ])
  for (const row of rows) {
    const offset = row[side]
    if (offset === undefined) continue
    const at = catalog.topics[catalog.topicIndex.get(row.topic)!]!.firstRow + row.partition
    setOffset(column.offset, at, offset)
    column.reason[at] = KNOWN
    column.answer[at] = 0
  }
  return column
}

function fakePart(rows: readonly FakeRow[], catalog: Catalog): SnapshotPart {
  const consumers = [...new Set(rows.map((row) => row.consumer))]
  const topics = [...new Set(rows.map((row) => row.topic))]
  const isFirst = rows.map((row, at) => row.consumer !== rows[at - 1]?.consumer || row.topic !== rows[at - 1]?.topic)
  const heads = rows.filter((_, at) => isFirst[at])
  const blockFirst = Uint32Array.from([...isFirst.flatMap((first, at) => (first ? [at] : [])), rows.length])
  const reason = Uint8Array.from(rows, (row) => (row.reason === undefined ? KNOWN : reasonCode(row.reason)))
  const lag = Float64Array.from(rows, (row) => Number(lagOf(row)))
  const held = fakeHeld(rows)
  const blockLag = new Float64Array(heads.length)
  const blockComplete = new Uint8Array(heads.length).fill(1)
  for (let block = 0; block < heads.length; block++) {
    for (let row = blockFirst[block]!; row < blockFirst[block + 1]!; row++) {
      const index = held.row.indexOf(row)
      const isKnown = rows[row]!.reason === undefined || rows[row]!.reason === 'control_records_suspected'
      if (isKnown || index >= 0) blockLag[block]! += isKnown ? lag[row]! : held.lag[index]!
      else if (rows[row]!.reason !== 'no_position') blockComplete[block] = 0
    }
  }
  return {
    batch: {
      evidence: [fakeEvidence('OffsetFetch', 8, 8)],
      takenAt: 99_005,
      holds: 'position',
      consumers,
      topics: topics.map((name) => ({ name, exact: true })),
      blockConsumer: Uint32Array.from(heads, (row) => consumers.indexOf(row.consumer)),
      blockTopic: Uint32Array.from(heads, (row) => topics.indexOf(row.topic)),
      blockFirst,
      partition: Int32Array.from(rows, (row) => row.partition),
      value: offsets(rows.map((row) => row.position)),
      epoch: new Int32Array(rows.length).fill(-1),
      reason: Uint8Array.from(rows, (row) =>
        row.position === undefined ? reasonCode(row.reason ?? 'no_position') : 0,
      ),
    },
    catalogTopic: Int32Array.from(topics, (name) => catalog.topicIndex.get(name) ?? -1),
    lag,
    reason,
    held,
    blockLag,
    blockComplete,
  }
}

function fakeHeld(rows: readonly FakeRow[]): HeldRows {
  const found = rows.flatMap(({ held }, row) => (held === undefined ? [] : [{ ...held, row }]))
  return {
    row: Uint32Array.from(found, ({ row }) => row),
    position: offsets(found.map(({ position }) => position)),
    start: offsets(found.map(({ start }) => start)),
    end: offsets(found.map(({ end }) => end)),
    lag: Float64Array.from(found, (one) => Number(lagOf(one))),
    positioned: Uint8Array.from(found, ({ position }) => (position === undefined ? 0 : 1)),
    takenAt: Float64Array.from(found, ({ agoMs }) => TAKEN_AT - agoMs),
  }
}

function lagOf({ position, start, end }: { position?: bigint; start?: bigint; end?: bigint }): bigint {
  if (end === undefined || start === undefined || position === undefined) return 0n
  return end - (position > start ? position : start)
}

function offsets(values: readonly (bigint | undefined)[]): OffsetColumn {
  const column = offsetColumn(values.length)
  for (const [row, value] of values.entries()) setOffset(column, row, value ?? 0n)
  return column
}

function fakeTotals(parts: readonly SnapshotPart[]): ConsumerTotal[] {
  const totals = new Map<string, { consumer: Consumer; lag: number; complete: boolean }>()
  for (const { batch, blockLag, blockComplete } of parts) {
    for (const [block, index] of batch.blockConsumer.entries()) {
      const consumer = batch.consumers[index]!
      const total = totals.get(consumer.name) ?? { consumer, lag: 0, complete: true }
      total.lag += blockLag[block]!
      total.complete &&= blockComplete[block] === 1
      totals.set(consumer.name, total)
    }
  }
  return [...totals.values()]
    .map(({ consumer, lag, complete }) => ({ consumer, present: true, ...(complete ? { lag } : {}) }))
    .sort((a, b) => (a.consumer.name < b.consumer.name ? -1 : 1))
}

export interface LoadSize {
  readonly consumers: number
  readonly topicsPerConsumer: number
  readonly partitions: number
  /** Topics of the cluster; each consumer reads a run of them. */
  readonly topics?: number
  readonly kafkaCluster?: string
}

/** A big snapshot without objects a row: `consumers × topicsPerConsumer × partitions` rows, all known, one part. */
export function syntheticSnapshot(size: LoadSize): Snapshot {
  const topicCount = size.topics ?? size.topicsPerConsumer
  const topics = Array.from({ length: topicCount }, (_, at) => `orders.v${pad(at, 5)}.events`)
  const catalogTopics = topics.map((name, at) => ({
    name,
    internal: false,
    partitions: size.partitions,
    firstRow: at * size.partitions,
  }))
  const catalogRows = topicCount * size.partitions
  const starts = logOffsetColumn(catalogRows, KNOWN, [fakeEvidence('ListOffsets', 7, 5)])
  const ends = logOffsetColumn(catalogRows, KNOWN, [fakeEvidence('ListOffsets', 9, 5)])
  for (let row = 0; row < catalogRows; row++) ends.offset[row * 2] = 3_000_000_000 + ((row * 7919) % 1_000_000)
  starts.answer.fill(0)
  ends.answer.fill(0)

  const blocks = size.consumers * size.topicsPerConsumer
  const rows = blocks * size.partitions
  const consumers = Array.from(
    { length: size.consumers },
    (_, at): Consumer => ({
      name: `team-${pad(at, 6)}-aggregator`,
      kind: 'classic',
      group: `team-${pad(at, 6)}-aggregator`,
      state: 'Stable',
      members: 3,
    }),
  )
  const value = offsetColumn(rows)
  const lag = new Float64Array(rows)
  const blockLag = new Float64Array(blocks)
  for (let row = 0; row < rows; row++) {
    lag[row] = (row * 104_729) % 1_000_003
    const block = Math.floor(row / size.partitions)
    blockLag[block]! += lag[row]!
    const log = topicOf(block) * size.partitions + (row % size.partitions)
    value[row * 2] = ends.offset[log * 2]! - lag[row]!
  }
  function topicOf(block: number): number {
    const consumer = Math.floor(block / size.topicsPerConsumer)
    const first = (consumer * size.topicsPerConsumer) % (topicCount - size.topicsPerConsumer + 1)
    return first + (block % size.topicsPerConsumer)
  }
  const part: SnapshotPart = {
    batch: {
      evidence: [fakeEvidence('OffsetFetch', 8, 8)],
      takenAt: 99_005,
      holds: 'position',
      consumers,
      topics: topics.map((name) => ({ name, exact: true })),
      blockConsumer: Uint32Array.from({ length: blocks }, (_, block) => Math.floor(block / size.topicsPerConsumer)),
      blockTopic: Uint32Array.from({ length: blocks }, (_, block) => topicOf(block)),
      blockFirst: Uint32Array.from({ length: blocks + 1 }, (_, block) => block * size.partitions),
      partition: Int32Array.from({ length: rows }, (_, row) => row % size.partitions),
      value,
      epoch: new Int32Array(rows).fill(-1),
      reason: new Uint8Array(rows),
    },
    catalogTopic: Int32Array.from(topics, (_, at) => at),
    lag,
    reason: new Uint8Array(rows),
    held: fakeHeld([]),
    blockLag,
    blockComplete: new Uint8Array(blocks).fill(1),
  }
  const catalog: Catalog = {
    brokers: [{ id: 1, host: 'broker1', port: 9092 }],
    topics: catalogTopics,
    topicIndex: new Map(topics.map((name, at) => [name, at])),
    rows: catalogRows,
    leader: new Int32Array(catalogRows).fill(1),
    askedAt: 90_000,
  }
  return {
    kafkaCluster: size.kafkaCluster ?? 'production-eu',
    cycle: 1,
    takenAt: TAKEN_AT,
    takenAtWall: TAKEN_AT_WALL,
    catalog,
    starts,
    ends,
    parts: [part],
    consumers: fakeTotals([part]),
    objectives: [],
    problems: [],
  }
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
