import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Catalog, emptyCatalog } from '../../src/model/catalog.ts'
import type { Evidence } from '../../src/model/evidence.ts'
import { offsetAt, offsetColumn, setOffset } from '../../src/model/offsets.ts'
import { reasonCode, reasonOf } from '../../src/model/reason.ts'
import { groupBatch } from '../../src/positions/group-batch.ts'
import type { KnownGroup } from '../../src/positions/group-memory.ts'
import type { GroupRows } from '../../src/positions/group-rows.ts'

const evidence: Evidence = {
  ...{ from: 'b:9092', api: 'OffsetFetch', version: 8, correlation: 1, code: 0 },
  sentAt: 1,
  receivedAt: 2,
}

type Told = Readonly<Record<string, readonly (readonly [partition: number, offset: number])[]>>

/** One group's rows as an answer, in the order given. */
function rowsOf(told: Told): GroupRows {
  const topics = Object.keys(told)
  const rows = Object.values(told).flat()
  const first = [0]
  for (const list of Object.values(told)) first.push((first.at(-1) ?? 0) + list.length)
  const value = offsetColumn(rows.length)
  for (const [row, [, offset]] of rows.entries()) setOffset(value, row, BigInt(Math.max(0, offset)))
  return {
    holds: 'position',
    groups: [{ id: 'g', error: 0, firstBlock: 0, blocks: topics.length }],
    topics,
    blockTopic: Uint32Array.from(topics, (_, index) => index),
    blockFirst: Uint32Array.from(first),
    partition: Int32Array.from(rows, ([partition]) => partition),
    value,
    reasonOf: (row) => (rows[row]![1] < 0 ? undefined : 0),
  }
}

function group(assigned: Readonly<Record<string, readonly number[]>>): KnownGroup {
  return {
    ...{ id: 'g', coordinator: 1, kind: 'classic', kindIsListed: true, stateIsListed: true, missed: 0 },
    assigned: Object.entries(assigned).map(([name, partitions]) => ({ name, partitions: Int32Array.from(partitions) })),
  }
}

const catalog: Catalog = { ...emptyCatalog, topicIndex: new Map(['a', 'b', 'c'].map((name, index) => [name, index])) }

/** `topic/partition` to the value or the reason, in the order of the batch. */
function shown(told: Told, assigned: Readonly<Record<string, readonly number[]>>, keep = (_: string) => true) {
  const batch = groupBatch(rowsOf(told), evidence, [{ group: group(assigned), entry: 0 }], catalog, keep)
  return [...batch.blockTopic].flatMap((topic, block) =>
    Array.from({ length: batch.blockFirst[block + 1]! - batch.blockFirst[block]! }, (_, index) => {
      const row = batch.blockFirst[block]! + index
      const reason = reasonOf(batch.reason[row]!)
      return `${batch.topics[topic]!.name}/${batch.partition[row]} ${reason ?? offsetAt(batch.value, row)}`
    }),
  )
}

describe('groupBatch()', () => {
  it('sorts topics and partitions, and leaves out rows that say nothing', () => {
    const told: Told = {
      b: [
        [2, 20],
        [0, 10],
        [1, -1],
      ],
      a: [[0, 5]],
    }

    expect(shown(told, {})).toEqual(['a/0 5', 'b/0 10', 'b/2 20'])
  })

  it('has a row for each assigned partition: without a position, or incomplete where the topic is hidden', () => {
    expect(shown({ b: [[1, 20]] }, { b: [0, 1, 2], c: [0], hidden: [3] })).toEqual([
      'b/0 no_position',
      'b/1 20',
      'b/2 no_position',
      'c/0 no_position',
      'hidden/3 incomplete',
    ])
  })

  it('leaves out topics that are not kept, committed or assigned', () => {
    expect(shown({ a: [[0, 1]], b: [[0, 1]] }, { a: [0, 1], b: [0, 1] }, (name) => name === 'a')).toEqual([
      'a/0 1',
      'a/1 no_position',
    ])
  })

  it('has every committed and every assigned partition once, in order, whatever they are', () => {
    const partitions = fc.uniqueArray(fc.nat({ max: 12 }), { maxLength: 8 })
    const byTopic = fc.record({ a: partitions, b: partitions, c: partitions }, { requiredKeys: [] })
    fc.assert(
      fc.property(byTopic, byTopic, (committed, assigned) => {
        const told = Object.fromEntries(
          Object.entries(committed).map(([name, list]) => [name, list.map((partition) => [partition, 7] as const)]),
        )
        const sorted = Object.fromEntries(
          Object.entries(assigned).map(([name, list]) => [name, list.toSorted((a, b) => a - b)]),
        )
        const expected = ['a', 'b', 'c'].flatMap((name) => {
          const mine = new Set(Object.entries(committed).find(([key]) => key === name)?.[1] ?? [])
          const all = new Set([...mine, ...(Object.entries(assigned).find(([key]) => key === name)?.[1] ?? [])])
          return [...all]
            .toSorted((a, b) => a - b)
            .map((partition) => `${name}/${partition} ${mine.has(partition) ? 7 : 'no_position'}`)
        })

        expect(shown(told, sorted)).toEqual(expected)
      }),
    )
  })

  it('names the consumer of a group without any row', () => {
    const batch = groupBatch(rowsOf({}), evidence, [{ group: group({}), entry: 0 }], catalog, () => true)

    expect([batch.consumers.length, batch.blockConsumer.length, batch.partition.length]).toEqual([1, 0, 0])
    expect(batch.reason).not.toContain(reasonCode('no_position'))
  })
})
