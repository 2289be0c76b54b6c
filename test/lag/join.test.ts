import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fallenTopics, recreatedTopics } from '../../src/lag/align.ts'
import { carryOver } from '../../src/lag/carry.ts'
import { type JoinInput, join } from '../../src/lag/join.ts'
import { indexPrevious } from '../../src/lag/previous.ts'
import { consumerTotals } from '../../src/lag/totals.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import type { NoPositionPolicy } from '../../src/model/no-position-policy.ts'
import type { Reason } from '../../src/model/reason.ts'
import type { Snapshot, SnapshotPart } from '../../src/model/snapshot.ts'
import { type FakeTopic, fakeBatch, fakeLogs, fakeSnapshot } from '../fakes/columns.ts'

const none = new Uint8Array(0)
const zeros = '0'.repeat(32)
const ones = '1'.repeat(32)

function input(topics: readonly FakeTopic[], more: Partial<JoinInput> & { endsAskedAt?: number } = {}): JoinInput {
  const logs = fakeLogs(topics, more.endsAskedAt)
  return { ...logs, recreated: none, previous: undefined, holdSince: 0, noPosition: () => 'ignore', ...more }
}

/** What a part says about its only row. */
function only(part: SnapshotPart, of: JoinInput): { lag?: bigint; reason?: Reason; takenAt?: number } {
  const [row] = [...lagRows(fakeSnapshot(of, [part]))]
  return {
    ...(row?.recordsLag === undefined ? {} : { lag: row.recordsLag }),
    ...(row?.reason === undefined ? {} : { reason: row.reason }),
    ...(row?.takenAt === undefined ? {} : { takenAt: row.takenAt }),
  }
}

describe('join()', () => {
  const cases: readonly [
    string,
    bigint | Reason,
    bigint | Reason,
    bigint | Reason,
    { lag?: bigint; reason?: Reason },
  ][] = [
    ['inside the log', 60n, 10n, 100n, { lag: 40n }],
    ['at the end', 100n, 10n, 100n, { lag: 0n }],
    ['below the start: only what is still there', 2n, 10n, 100n, { lag: 90n }],
    ['past the end', 101n, 10n, 100n, { reason: 'position_beyond_end' }],
    ['no position in an empty partition', 'no_position', 7n, 7n, { lag: 0n }],
    ['no position', 'no_position', 0n, 7n, { reason: 'no_position' }],
    ['position in an empty partition', 7n, 7n, 7n, { lag: 0n }],
    ['end not known', 7n, 0n, 'timeout', { reason: 'timeout' }],
    ['start not known', 7n, 'read_failed', 9n, { reason: 'read_failed' }],
    ['position not readable', 'unauthorized', 0n, 9n, { reason: 'unauthorized' }],
    ['start past the end: two moments', 7n, 10n, 9n, { reason: 'end_unknown' }],
    ['2^53 + 1', 1n, 0n, 2n ** 53n + 2n, { lag: 2n ** 53n + 1n }],
    ['2^63 − 1', 0n, 0n, 2n ** 63n - 1n, { lag: 2n ** 63n - 1n }],
  ]
  it.each(cases)('%s', (_, position, start, end, expected) => {
    const of = input([{ name: 't', start: [start], end: [end] }])

    expect(only(join(fakeBatch({ g: { t: { 0: position } } }), of), of)).toEqual(expected)
  })

  it('says topic_deleted for commits on a topic or partition that is not there', () => {
    const of = input([{ name: 't', start: [0n], end: [5n] }])

    expect(only(join(fakeBatch({ g: { gone: { 0: 3n } } }), of), of)).toEqual({ reason: 'topic_deleted' })
    expect(only(join(fakeBatch({ g: { t: { 1: 3n } } }), of), of)).toEqual({ reason: 'topic_deleted' })
  })

  it('makes no lag of an end that was asked for before the position had arrived', () => {
    const of = input([{ name: 't', start: [0n], end: [5n] }], { endsAskedAt: 10 })

    expect(only(join(fakeBatch({ g: { t: { 0: 3n } } }, 11), of), of)).toEqual({ reason: 'end_unknown' })
    expect(only(join(fakeBatch({ g: { t: { 0: 3n } } }, 10), of), of)).toEqual({ lag: 2n })
  })

  it.each<[NoPositionPolicy, number | undefined]>([
    ['ignore', 40],
    ['end', 40],
    ['start', 47],
    ['void', undefined],
  ])('treats a partition without a position by policy %s in sums', (policy, expected) => {
    const of = input([{ name: 't', start: [0n, 3n], end: [100n, 10n] }], { noPosition: () => policy })
    const part = join(fakeBatch({ g: { t: { 0: 60n, 1: 'no_position' } } }), of)

    expect(consumerTotals([part], [], [])[0]?.lag).toBe(expected)
  })

  it('gives no sum while a partition that should count is unknown', () => {
    const of = input([{ name: 't', start: [0n, 0n], end: [100n, 'timeout'] }])
    const part = join(fakeBatch({ g: { t: { 0: 60n, 1: 5n } } }), of)

    expect(consumerTotals([part], [], [])[0]).toEqual({
      consumer: { name: 'g', kind: 'classic', group: 'g' },
      present: true,
    })
  })
})

/** Two cycles: the first as given, the second with other logs and positions. */
function twice(
  first: { topics: readonly FakeTopic[]; position: bigint | Reason },
  second: { topics: readonly FakeTopic[]; position: bigint | Reason; holdSince?: number },
): { lag?: bigint; reason?: Reason; takenAt?: number } {
  const before = input(first.topics)
  const snapshot: Snapshot = fakeSnapshot(before, [join(fakeBatch({ g: { t: { 0: first.position } } }), before)])
  const now = fakeLogs(second.topics)
  const fallen = fallenTopics(now.catalog, now.ends, snapshot.catalog, snapshot.ends)
  const of: JoinInput = {
    ...now,
    recreated: recreatedTopics(now.catalog, snapshot.catalog, fallen),
    previous: indexPrevious(snapshot),
    holdSince: second.holdSince ?? 0,
    noPosition: () => 'ignore',
  }
  return only(join(fakeBatch({ g: { t: { 0: second.position } } }), of), of)
}

describe('join() with an earlier cycle', () => {
  const old = { topics: [{ name: 't', id: zeros, start: [0n], end: [100n] }], position: 40n } as const

  it('makes no lag of a position from the former life of a recreated topic', () => {
    const topics = [{ name: 't', id: ones, start: [0n], end: [50n] }]

    expect(twice(old, { topics, position: 40n })).toEqual({ reason: 'topic_recreated' })
    expect(twice(old, { topics, position: 3n })).toEqual({ lag: 47n })
    expect(twice(old, { topics: [{ name: 't', id: ones, start: [0n], end: [30n] }], position: 40n })).toEqual({
      reason: 'topic_recreated',
    })
  })

  it('takes a fallen end for a recreated topic where there are no ids, and not where there are', () => {
    const noIds = { topics: [{ name: 't', start: [0n], end: [100n] }], position: 40n }

    expect(twice(noIds, { topics: [{ name: 't', start: [0n], end: [90n] }], position: 40n })).toEqual({
      reason: 'topic_recreated',
    })
    expect(twice(old, { topics: [{ name: 't', id: zeros, start: [0n], end: [90n] }], position: 40n })).toEqual({
      lag: 50n,
    })
  })

  it('keeps the mark until the position moves', () => {
    const reborn = { topics: [{ name: 't', id: ones, start: [0n], end: [50n] }], position: 'topic_recreated' as const }
    const before = input(reborn.topics)
    const part = join(fakeBatch({ g: { t: { 0: 40n } } }), before)
    const marked: SnapshotPart = { ...part, reason: Uint8Array.from([3]) }
    const snapshot = fakeSnapshot(before, [marked])
    const of: JoinInput = { ...before, recreated: new Uint8Array(1), previous: indexPrevious(snapshot) }

    expect(only(join(fakeBatch({ g: { t: { 0: 40n } } }), of), of)).toEqual({ reason: 'topic_recreated' })
    expect(only(join(fakeBatch({ g: { t: { 0: 41n } } }), of), of)).toEqual({ lag: 9n })
  })

  it('shows the earlier row whole, with the reason, after a failed read', () => {
    const late = { topics: [{ name: 't', id: zeros, start: [0n], end: ['timeout' as const] }], position: 70n }

    expect(twice(old, late)).toEqual({ lag: 60n, reason: 'timeout', takenAt: 1_700_000_000_000 - 70 })
    expect(twice(old, { ...late, holdSince: 51 })).toEqual({ reason: 'timeout' })
  })

  it('drops the earlier row at once after a definitive answer', () => {
    expect(twice(old, { topics: [], position: 40n })).toEqual({ reason: 'topic_deleted' })
    expect(twice(old, { ...old, position: 'unauthorized' })).toEqual({ reason: 'unauthorized' })
  })

  it('carries the rows of a consumer whose coordinator did not answer', () => {
    const before = input(old.topics)
    const previous = indexPrevious(
      fakeSnapshot(before, [join(fakeBatch({ g: { t: { 0: 40n } }, other: { t: { 0: 1n } } }), before)]),
    )
    const problems = [{ reason: 'timeout', consumer: 'g', message: 'late' }] as const

    const carried = [...carryOver(previous, problems, new Set(['other']), 200)]
    const of: JoinInput = { ...before, previous }

    expect(carried.map((batch) => only(join(batch, of), of))).toMatchObject([{ lag: 60n, reason: 'timeout' }])
    expect([...carryOver(previous, problems, new Set(['g']), 200)]).toEqual([])
  })
})

const offset = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const known = fc.oneof(offset, fc.bigInt({ min: 0n, max: 50n }))
const maybe = <T extends Reason>(...reasons: T[]) =>
  fc.oneof({ weight: 5, arbitrary: known }, fc.constantFrom(...reasons))
const rowOf = fc.record({
  position: maybe('no_position', 'unauthorized'),
  start: maybe('timeout'),
  end: maybe('read_failed', 'end_unknown'),
})

/** The table of the design in BigInt: the model that the columns are held against. */
function model({
  position,
  start,
  end,
}: {
  position: bigint | Reason
  start: bigint | Reason
  end: bigint | Reason
}): bigint | Reason {
  if (typeof position !== 'bigint' && position !== 'no_position') return position
  if (typeof end !== 'bigint') return end
  if (typeof start !== 'bigint') return start
  if (start > end) return 'end_unknown'
  if (typeof position !== 'bigint') return start === end ? 0n : 'no_position'
  if (position > end) return 'position_beyond_end'
  return end - (position > start ? position : start)
}

describe('lag arithmetic (properties)', () => {
  const runs = { numRuns: 10_000 }

  function joined(rows: readonly { position: bigint | Reason; start: bigint | Reason; end: bigint | Reason }[]) {
    const of = input([{ name: 't', start: rows.map((row) => row.start), end: rows.map((row) => row.end) }])
    const part = join(fakeBatch({ g: { t: Object.fromEntries(rows.map((row, index) => [index, row.position])) } }), of)
    return { part, rows: [...lagRows(fakeSnapshot(of, [part]))] }
  }

  it('L01, L06: equals the model at any offset, never negative, never NaN', () => {
    fc.assert(
      fc.property(rowOf, (row) => {
        const { part, rows } = joined([row])
        const expected = model(row)
        expect(rows[0]?.recordsLag ?? rows[0]?.reason).toBe(expected)
        if (typeof expected === 'bigint') {
          expect(part.lag[0]).toBe(Number(expected))
          expect(part.lag[0]).toBeGreaterThanOrEqual(0)
        }
      }),
      runs,
    )
  })

  it('L02: the printed form is a plain integer', () => {
    fc.assert(
      fc.property(known, known, (a, b) => {
        const [row] = joined([{ position: 0n, start: 0n, end: a > b ? a : b }]).rows
        expect(String(row?.recordsLag)).toMatch(/^\d+$/)
      }),
      runs,
    )
  })

  it('L03: a sum stands exactly when every row that counts is known', () => {
    fc.assert(
      fc.property(fc.array(rowOf, { minLength: 1, maxLength: 8 }), (rows) => {
        const { part } = joined(rows)
        const results = rows.map(model)
        const isComplete = results.every((result) => typeof result === 'bigint' || result === 'no_position')
        expect(part.blockComplete[0]).toBe(isComplete ? 1 : 0)
        if (isComplete) {
          const sum = results.reduce<number>(
            (total, result) => total + (typeof result === 'bigint' ? Number(result) : 0),
            0,
          )
          expect(part.blockLag[0]).toBe(sum)
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('L04: rises with each record produced and falls with each one read', () => {
    const small = fc.bigInt({ min: 0n, max: 1_000n })
    fc.assert(
      fc.property(small, small, small, (position, ahead, more) => {
        const lagOf = (at: bigint, end: bigint) => joined([{ position: at, start: 0n, end }]).rows[0]?.recordsLag
        const end = position + ahead + more
        expect(lagOf(position, end + 1n)).toBe(lagOf(position, end)! + 1n)
        expect(lagOf(position + more, end)).toBe(lagOf(position, end)! - more)
      }),
      runs,
    )
  })

  it('L05: rows do not depend on what is joined with them or in which order', () => {
    fc.assert(
      fc.property(fc.array(rowOf, { minLength: 2, maxLength: 6 }), (rows) => {
        const forward = joined(rows).rows.map((row) => row.recordsLag ?? row.reason)
        const backward = joined([...rows].reverse()).rows.map((row) => row.recordsLag ?? row.reason)
        expect(backward.reverse()).toEqual(forward)
      }),
      { numRuns: 3_000 },
    )
  })
})
