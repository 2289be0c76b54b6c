import { describe, expect, it } from 'vitest'
import { unsaidPositions } from '../../src/app/unsaid-positions.ts'
import type { FlinkPage, PartitionReading } from '../../src/flink/flink-page.ts'

const operator = {
  jobId: 'job',
  jobName: 'etl',
  taskId: 'vertex',
  operatorId: 'source',
  operatorName: 'orders',
  subtask: 0,
  attempt: 0,
}

function pageOf(...partitions: readonly Partial<PartitionReading>[]): FlinkPage {
  const all = partitions.map(
    (one, partition): PartitionReading => ({ operator, generation: 'source', topic: 'orders', partition, ...one }),
  )
  return { partitions: all, operators: [], topicNames: new Map(), bytes: 1, badLines: 0 }
}

describe('unsaidPositions()', () => {
  it('is empty when every source says where it is, by either gauge', () => {
    expect(unsaidPositions(pageOf({ current: 0 }, { current: -1, committed: 7 }))).toBe('')
    expect(unsaidPositions(pageOf({ generation: 'legacy', current: -1 }))).toBe('')
  })

  it('names a source once, however many of its partitions say nothing', () => {
    const one = unsaidPositions(pageOf({ current: -1 }, { current: -1, committed: -1 }, { current: 5 }))

    expect(one).not.toBe('')
    expect(unsaidPositions(pageOf({ current: -1 }))).toBe(one)
  })

  it('is another one for the next attempt of the same subtask', () => {
    const next = { ...operator, attempt: 1 }

    expect(unsaidPositions(pageOf({ operator: next, current: -1 }))).not.toBe(unsaidPositions(pageOf({ current: -1 })))
  })

  it('waits for sources where there are none', () => {
    expect(unsaidPositions(pageOf())).not.toBe('')
  })
})
