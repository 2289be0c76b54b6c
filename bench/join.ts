import { join } from '../src/lag/join.ts'
import { emptyCatalog } from '../src/model/catalog.ts'
import { logOffsetColumn } from '../src/model/log-offsets.ts'
import { offsetColumn } from '../src/model/offsets.ts'
import type { PositionBatch } from '../src/model/position-batch.ts'
import { medianMs, report } from './report.ts'

const ROWS = 1_000_000
const PER_BLOCK = 20

/** The join of 1 M positions with as many log ends, in one go. */
export function run(): boolean {
  const topics = ROWS / PER_BLOCK
  const catalogTopics = Array.from({ length: topics }, (_, index) => ({
    name: `topic-${index}`,
    internal: false,
    partitions: PER_BLOCK,
    firstRow: index * PER_BLOCK,
  }))
  const catalog = {
    ...emptyCatalog,
    topics: catalogTopics,
    topicIndex: new Map(catalogTopics.map((topic, index) => [topic.name, index])),
    rows: ROWS,
    leader: new Int32Array(ROWS),
  }
  const evidence = {
    from: 'bench:0',
    api: 'ListOffsets',
    version: 7,
    correlation: 1,
    sentAt: 10,
    receivedAt: 11,
    code: 0,
  }
  const starts = logOffsetColumn(ROWS, 0, [evidence])
  const ends = logOffsetColumn(ROWS, 0, [evidence])
  starts.answer.fill(0)
  ends.answer.fill(0)
  const value = offsetColumn(ROWS)
  for (let row = 0; row < ROWS; row++) {
    value[row * 2] = 1_000 + (row % 977)
    ends.offset[row * 2] = 5_000
  }
  const batch: PositionBatch = {
    evidence: [evidence],
    takenAt: 5,
    holds: 'position',
    consumers: Array.from({ length: topics / 10 }, (_, index) => ({
      name: `group-${index}`,
      kind: 'classic',
      group: `group-${index}`,
    })),
    topics: catalogTopics.map(({ name }) => ({ name, exact: true })),
    blockConsumer: Uint32Array.from({ length: topics }, (_, block) => Math.floor(block / 10)),
    blockTopic: Uint32Array.from({ length: topics }, (_, block) => block),
    blockFirst: Uint32Array.from({ length: topics + 1 }, (_, block) => block * PER_BLOCK),
    partition: Int32Array.from({ length: ROWS }, (_, row) => row % PER_BLOCK),
    value,
    epoch: new Int32Array(ROWS),
    reason: new Uint8Array(ROWS),
  }
  const input = {
    catalog,
    starts,
    ends,
    recreated: new Uint8Array(topics),
    previous: undefined,
    holdSince: 0,
    noPosition: () => 'ignore' as const,
  }
  const part = join(batch, input)
  const expected = ROWS * 5_000 - value.reduce((sum, word) => sum + word, 0)
  const sum = part.blockLag.reduce((total, lag) => total + lag, 0)
  if (sum !== expected) throw new Error(`the join is wrong: sum ${sum}, expected ${expected}`)
  return report('Join', [
    {
      what: '1,000,000 positions with 1,000,000 log ends, median of 9',
      measured: medianMs(9, () => join(batch, input)),
      unit: 'ms',
      limit: 40,
    },
  ])
}
