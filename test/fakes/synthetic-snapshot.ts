import { nothingHeld } from '../../src/lag/held-rows.ts'
import { consumerTotals } from '../../src/lag/totals.ts'
import type { Catalog } from '../../src/model/catalog.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import { logOffsetColumn } from '../../src/model/log-offsets.ts'
import { offsetColumn } from '../../src/model/offsets.ts'
import { KNOWN } from '../../src/model/reason.ts'
import type { Snapshot, SnapshotPart } from '../../src/model/snapshot.ts'
import { fakeEvidence, TAKEN_AT, TAKEN_AT_WALL } from './evidence.ts'

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
    held: nothingHeld,
    blockLag,
    blockComplete: new Uint8Array(blocks).fill(1),
    belowStart: [],
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
    consumers: consumerTotals([part], [], []),
    objectives: [],
    problems: [],
  }
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
