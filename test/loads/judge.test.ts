import { describe, expect, it } from 'vitest'
import type { GroupRow } from '../rigs/kafka-tool.ts'
import {
  addVerdicts,
  type JudgedRow,
  judgeLogs,
  judgeMoving,
  judgeResting,
  judgeTool,
  judgeToolMoving,
  type Truth,
} from './judge.ts'

const truth: Truth = {
  committed: [
    { group: 'a', topic: 't', partition: 0, offset: 4n },
    { group: 'a', topic: 't', partition: 1, offset: 0n },
    { group: 'a', topic: 't', partition: 2, offset: 90n },
    { group: '', topic: 't', partition: 0, offset: 10n },
    { group: 'a', topic: 'gone', partition: 0, offset: 3n },
  ],
  ends: [
    { topic: 't', partition: 0, beginning: 0n, end: 10n, stableEnd: 10n },
    { topic: 't', partition: 1, beginning: 5n, end: 7n, stableEnd: 7n },
    { topic: 't', partition: 2, beginning: 0n, end: 60n, stableEnd: 60n },
    { topic: 't', partition: 3, beginning: 2n, end: 2n, stableEnd: 2n },
  ],
}
const assigned = [
  { group: 'live', topic: 't', partition: 0 },
  { group: 'live', topic: 't', partition: 3 },
]
const log = (start: bigint, end: bigint) => ({ logStartOffset: start, logEndOffset: end })
const right: readonly JudgedRow[] = [
  { consumer: 'a', topic: 't', partition: 0, position: 4n, ...log(0n, 10n), recordsLag: 6n },
  { consumer: 'a', topic: 't', partition: 1, position: 0n, ...log(5n, 7n), recordsLag: 2n },
  { consumer: 'a', topic: 't', partition: 2, position: 90n, ...log(0n, 60n), reason: 'position_beyond_end' },
  { consumer: '(empty)', topic: 't', partition: 0, position: 10n, ...log(0n, 10n), recordsLag: 0n },
  { consumer: 'a', topic: 'gone', partition: 0, position: 3n, reason: 'topic_deleted' },
  { consumer: 'live', topic: 't', partition: 0, ...log(0n, 10n), reason: 'no_position' },
  { consumer: 'live', topic: 't', partition: 3, ...log(2n, 2n), recordsLag: 0n },
]
const tool: readonly GroupRow[] = [
  { group: 'a', topic: 't', partition: 0, current: 4n, end: 10n, lag: 6n },
  { group: 'a', topic: 't', partition: 1, current: 0n, end: 7n, lag: 7n },
  { group: 'a', topic: 't', partition: 2, current: 90n, end: 60n, lag: -30n },
  { group: 'live', topic: 't', partition: 0, current: undefined, end: 10n, lag: undefined },
]

/** The right rows with one changed. */
function planted(index: number, change: Partial<JudgedRow>): readonly JudgedRow[] {
  return right.map((row, at) => (at === index ? { ...row, ...change } : row))
}

/** The right rows with one that says nothing but why. */
function silent(index: number, reason: NonNullable<JudgedRow['reason']>): readonly JudgedRow[] {
  return right.map((row, at) =>
    at === index ? { consumer: row.consumer, topic: row.topic, partition: row.partition, reason } : row,
  )
}

describe('A judge of what rests', () => {
  it('finds nothing wrong with what is right, and counts what nobody can know', () => {
    expect(judgeResting(right, truth, assigned)).toEqual({
      compared: 7,
      wrong: [],
      wrongCount: 0,
      unknown: { no_position: 1, position_beyond_end: 1, topic_deleted: 1 },
      missing: {},
    })
  })

  it.each<[string, readonly JudgedRow[]]>([
    ['a lag one too high', planted(0, { recordsLag: 7n })],
    ['a position that is not the committed one', planted(0, { position: 5n, recordsLag: 5n })],
    ['a log start that is not the one', planted(1, { logStartOffset: 4n, recordsLag: 3n })],
    ['a log end that is not the one', planted(0, { logEndOffset: 11n, recordsLag: 7n })],
    ['the lag of Kafka’s own tool below the start', planted(1, { recordsLag: 7n })],
    ['a negative lag past the end', planted(2, { recordsLag: -30n })],
    ['a lag of 0 past the end', planted(2, { recordsLag: 0n })],
    ['a made-up lag of a deleted topic', planted(4, { recordsLag: 0n })],
    ['a made-up lag without a position', planted(5, { recordsLag: 10n })],
    ['a position that nobody committed', planted(5, { position: 0n, recordsLag: 10n })],
    ['a row of a group that is not there', [...right, { ...right[0]!, consumer: 'b' }]],
    ['another reason than the right one', planted(2, { reason: 'no_position' })],
    ['neither a lag nor a reason', right.map((row, at) => (at === 0 ? { ...row, recordsLag: undefined! } : row))],
  ])('finds %s', (_, rows) => {
    expect(judgeResting(rows, truth, assigned)).toMatchObject({ wrongCount: 1, missing: {} })
  })

  it('counts what is left out apart from what is wrong', () => {
    expect(judgeResting(silent(0, 'timeout'), truth, assigned)).toMatchObject({
      wrongCount: 0,
      missing: { timeout: 1 },
    })
    expect(judgeResting(right.slice(1), truth, assigned)).toMatchObject({ wrongCount: 0, missing: { absent: 1 } })
    expect(judgeResting(right.slice(0, -1), truth, assigned)).toMatchObject({ wrongCount: 0, missing: { absent: 1 } })
  })

  it('does not take a row twice', () => {
    expect(() => judgeResting([...right, right[0]!], truth, assigned)).toThrow('two rows')
  })

  it('names at most 20 wrong rows and counts all', () => {
    const many = Array.from({ length: 50 }, (_, partition) => ({ ...right[0]!, consumer: 'x', partition }))

    const { wrong, wrongCount } = judgeResting([...right, ...many], truth, assigned)

    expect(wrong).toHaveLength(20)
    expect(wrongCount).toBe(50)
    expect(wrong[0]).toBe('"x" t/0: position 4, log 0 to 10, lag 6, no reason; expected no such row')
  })
})

describe('A judge of what moves', () => {
  const before: Truth = { committed: [truth.committed[0]!], ends: truth.ends }
  const after: Truth = {
    committed: [{ group: 'a', topic: 't', partition: 0, offset: 8n }],
    ends: [{ topic: 't', partition: 0, beginning: 1n, end: 20n, stableEnd: 20n }],
  }
  const row = (position: bigint, start: bigint, end: bigint, lag: bigint): readonly JudgedRow[] => [
    { consumer: 'a', topic: 't', partition: 0, position, ...log(start, end), recordsLag: lag },
  ]

  it.each([
    ['at its lower bounds', row(4n, 0n, 10n, 6n), 0],
    ['between', row(6n, 1n, 12n, 6n), 0],
    ['at its upper bounds', row(8n, 1n, 20n, 12n), 0],
    ['with an older position', row(3n, 0n, 10n, 7n), 1],
    ['with a position to come', row(9n, 0n, 20n, 11n), 1],
    ['with an older end', row(4n, 0n, 9n, 5n), 1],
    ['with an end to come', row(4n, 0n, 21n, 17n), 1],
    ['with a start to come', row(4n, 2n, 12n, 8n), 1],
    ['with a lag that its columns do not give', row(6n, 1n, 12n, 7n), 1],
  ])('takes a row %s', (_, rows, wrongCount) => {
    expect(judgeMoving(rows, before, after)).toMatchObject({ compared: 1, wrongCount, missing: {} })
  })

  it('counts what is left out', () => {
    const silentRow: JudgedRow = { consumer: 'a', topic: 't', partition: 0, reason: 'stale' }

    expect(judgeMoving([silentRow], before, after)).toMatchObject({ wrongCount: 0, missing: { stale: 1 } })
    expect(judgeMoving([], before, after)).toMatchObject({ wrongCount: 0, missing: { absent: 1 } })
  })

  it('does the same with the group tool', () => {
    const then: readonly GroupRow[] = [{ group: 'a', topic: 't', partition: 0, current: 8n, end: 20n, lag: 12n }]

    expect(judgeToolMoving(row(6n, 1n, 12n, 6n), [tool[0]!], then)).toMatchObject({ compared: 1, wrongCount: 0 })
    expect(judgeToolMoving(row(9n, 1n, 20n, 11n), [tool[0]!], then)).toMatchObject({ compared: 1, wrongCount: 1 })
  })
})

describe('A judge with the tools', () => {
  it('lets the LAG of the group tool differ below the start and past the end only', () => {
    expect(judgeTool(right, tool)).toEqual({
      compared: 4,
      wrong: [],
      wrongCount: 0,
      unknown: { no_position: 1, position_beyond_end: 1 },
      missing: {},
    })
    expect(judgeTool(planted(0, { recordsLag: 5n }), tool).wrongCount).toBe(1)
    expect(judgeTool(planted(1, { recordsLag: 7n }), tool).wrongCount).toBe(1)
    expect(judgeTool(planted(0, { position: 5n, recordsLag: 5n }), tool).wrongCount).toBe(1)
    expect(judgeTool(right.slice(1), tool).missing).toEqual({ absent: 1 })
  })

  it('compares log offsets', () => {
    const ours = new Map([['t/0', 10n]])

    expect(judgeLogs(ours, [{ topic: 't', partition: 0, offset: 10n }], 'log end')).toMatchObject({ wrongCount: 0 })
    expect(judgeLogs(ours, [{ topic: 't', partition: 0, offset: 11n }], 'log end').wrong).toEqual([
      't/0: log end 10, expected 11',
    ])
    expect(judgeLogs(ours, [{ topic: 't', partition: 1, offset: 1n }], 'log end').missing).toEqual({ absent: 1 })
  })
})

it('Verdicts add up', () => {
  const one = judgeResting(right, truth, assigned)
  const other = judgeResting(planted(0, { recordsLag: 7n }), truth, assigned)

  expect(addVerdicts([one, other])).toMatchObject({
    compared: 14,
    wrongCount: 1,
    wrong: other.wrong,
    unknown: { no_position: 2, position_beyond_end: 2, topic_deleted: 2 },
  })
})
