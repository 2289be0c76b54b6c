import { describe, expect, it } from 'vitest'
import { toCatalog } from '../../src/kafka/read-catalog.ts'
import type { MetadataResponse, MetadataTopic } from '../../src/kafka-wire/metadata.ts'
import { emptyCatalog } from '../../src/model/catalog.ts'

const UNKNOWN_TOPIC = 3
const LEADER_NOT_AVAILABLE = 5

function topic(name: string, partitions: readonly number[], more: Partial<MetadataTopic> = {}): MetadataTopic {
  const column = Int32Array.from(partitions)
  return {
    error: 0,
    name,
    internal: false,
    partitions: column,
    leaders: column.map((partition) => partition + 10),
    leaderEpochs: column,
    partitionErrors: new Int16Array(column.length),
    ...more,
  }
}

function catalogOf(topics: readonly MetadataTopic[], before = emptyCatalog) {
  const response: MetadataResponse = {
    throttleMs: 0,
    brokers: [{ id: 1, host: 'h', port: 9092 }],
    clusterId: 'c',
    topics,
  }
  return toCatalog(response, before, (name) => name !== 'left-out', 5)
}

describe('toCatalog()', () => {
  it('sorts topics and gives each partition a dense row, in whatever order the broker answers', () => {
    const { catalog, problems } = catalogOf([topic('b', [1, 0]), topic('a', [0, 2, 1]), topic('left-out', [0])])

    expect(catalog.topics.map(({ name, firstRow, partitions }) => [name, firstRow, partitions])).toEqual([
      ['a', 0, 3],
      ['b', 3, 2],
    ])
    expect([...catalog.leader]).toEqual([10, 11, 12, 10, 11])
    expect([catalog.rows, catalog.topicIndex.get('b'), problems]).toEqual([5, 1, []])
  })

  it('names the topics that are left out, but for those that do not exist', () => {
    const gone = topic('left-out', [], { error: UNKNOWN_TOPIC })

    expect(catalogOf([topic('a', [0]), topic('left-out', [0])]).catalog.leftOut).toEqual(['left-out'])
    expect(catalogOf([topic('a', [0]), gone]).catalog).not.toHaveProperty('leftOut')
  })

  it('leaves out a topic that is gone, and keeps the shape of one with a passing error', () => {
    const before = catalogOf([topic('a', [0, 1], { id: 'f'.repeat(32) }), topic('b', [0])]).catalog
    const { catalog, problems } = catalogOf(
      [
        topic('a', [], { error: LEADER_NOT_AVAILABLE }),
        topic('b', [], { error: UNKNOWN_TOPIC }),
        topic('new', [], { error: LEADER_NOT_AVAILABLE }),
      ],
      before,
    )

    expect(catalog.topics).toEqual([{ name: 'a', id: 'f'.repeat(32), internal: false, partitions: 2, firstRow: 0 }])
    expect([...catalog.leader]).toEqual([-1, -1])
    expect(problems.map(({ reason, topic: name }) => [reason, name])).toEqual([['read_failed', 'new']])
  })

  it('takes no memory for a partition number that cannot be', () => {
    const { catalog, problems } = catalogOf([topic('a', [2_147_483_647]), topic('b', [0, 2]), topic('c', [-1, 0])])

    expect(catalog.rows).toBe(0)
    expect(problems).toHaveLength(3)
  })
})
