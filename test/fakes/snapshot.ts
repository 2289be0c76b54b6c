import type { Catalog, CatalogTopic } from '../../src/model/catalog.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import { type LogOffsetColumn, logOffsetColumn } from '../../src/model/log-offsets.ts'
import { type OffsetColumn, offsetColumn, setOffset } from '../../src/model/offsets.ts'
import { KNOWN, type Reason, reasonCode } from '../../src/model/reason.ts'
import type { ConsumerTotal, HeldRows, Snapshot, SnapshotPart } from '../../src/model/snapshot.ts'
import { fakeEvidence, TAKEN_AT, TAKEN_AT_WALL } from './evidence.ts'

export { TAKEN_AT } from './evidence.ts'
export { syntheticSnapshot } from './synthetic-snapshot.ts'

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
    belowStart: [],
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
