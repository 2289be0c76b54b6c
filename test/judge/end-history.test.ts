import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEndHistory, type EndHistory, type HistoryLimits } from '../../src/judge/end-history.ts'
import { findArrived, findPassing, newPassing, slotAt } from '../../src/judge/passing.ts'
import { offsetColumn, setOffset } from '../../src/model/offsets.ts'
import type { Reason } from '../../src/model/reason.ts'
import { fakeLogs } from '../fakes/columns.ts'
import { run } from './watched.ts'

const INTERVAL = 15_000
type Ends = Readonly<Record<string, readonly (bigint | Reason)[]>>

/** Ends that were read at a moment, asked for a millisecond before. */
function take(history: EndHistory, readAt: number, ends: Ends, recreated: readonly string[] = []): void {
  const logs = fakeLogs(
    Object.entries(ends).map(([name, end]) => ({ name, start: end.map(() => 0n), end })),
    readAt - 1,
  )
  const marks = Uint8Array.from(logs.catalog.topics, ({ name }) => (recreated.includes(name) ? 1 : 0))
  run(history.take({ ...logs, recreated: marks }))
}

function passed(history: EndHistory, topic: string, partition: number, offset: bigint) {
  const column = offsetColumn(1)
  setOffset(column, 0, offset)
  const found = newPassing()
  const isBetween = findPassing(
    history.rows,
    history.slots,
    history.entries().get(topic)!.first + partition,
    column,
    0,
    found,
  )
  const { notBefore, notAfter } = found
  return { isBetween, notBefore, notAfter }
}

const nothing = { isBetween: false, notBefore: Number.NEGATIVE_INFINITY, notAfter: Number.POSITIVE_INFINITY }

describe('the history of log ends', () => {
  it('agrees with a walk through all of it, wherever ends were not known', () => {
    const end = fc.oneof({ weight: 3, arbitrary: fc.nat(30) }, { weight: 1, arbitrary: fc.constant(undefined) })
    fc.assert(
      fc.property(fc.array(end, { minLength: 1, maxLength: 60 }), fc.nat(700), (steps, offset) => {
        const history = createEndHistory({ bytes: 1e6, mostMoments: 100 })
        const known: { readonly at: number; readonly end: number }[] = []
        let last = 5
        for (const [index, step] of steps.entries()) {
          const at = 1_000 + index * INTERVAL
          last += step ?? 0
          if (step !== undefined) known.push({ at, end: last })
          take(history, at, { t: [step === undefined ? 'timeout' : BigInt(last)] })
        }
        const below = known.findLast((one) => one.end <= offset)
        const above = known.find((one) => one.end > offset)
        expect(passed(history, 't', 0, BigInt(offset))).toEqual({
          isBetween: below !== undefined && above !== undefined,
          notBefore: below === undefined ? Number.NEGATIVE_INFINITY : below.at - 1,
          notAfter: above?.at ?? Number.POSITIVE_INFINITY,
        })
      }),
      { numRuns: 300 },
    )
  })

  it('is exact at the largest offsets', () => {
    const history = createEndHistory()
    const most = 2n ** 63n - 1n
    for (const [index, end] of [most - 300n, most - 200n, most - 100n].entries())
      take(history, 1_000 + index * INTERVAL, { t: [end] })

    expect(passed(history, 't', 0, most - 201n)).toMatchObject({ notBefore: 999, notAfter: 16_000 })
    expect(passed(history, 't', 0, most - 200n)).toMatchObject({ notBefore: 15_999, notAfter: 31_000 })
    expect(passed(history, 't', 0, most)).toMatchObject({ isBetween: false, notBefore: 30_999 })
  })

  it('goes on when more than four thousand million records have come', () => {
    const history = createEndHistory()
    const step = 1_500_000_000n
    for (let cycle = 0n; cycle < 20n; cycle++)
      take(history, 1_000 + Number(cycle) * INTERVAL, { t: [1_000n + cycle * step] })

    // Asked about the newest ends, it knows; about those that have left the numbers, only that it was before.
    expect(passed(history, 't', 0, 1_000n + 19n * step - 1n)).toMatchObject({
      notBefore: 1_000 + 18 * INTERVAL - 1,
      notAfter: 1_000 + 19 * INTERVAL,
    })
    const old = passed(history, 't', 0, 1_000n + step)
    expect(old.isBetween).toBe(false)
    expect(old.notAfter).toBeGreaterThanOrEqual(1_000 + 2 * INTERVAL)
    expect(old.notAfter).toBeLessThan(1_000 + 19 * INTERVAL)
  })

  it('goes on after a single leap past all numbers', () => {
    const history = createEndHistory()
    take(history, 1_000, { t: [0n] })
    take(history, 16_000, { t: [2n ** 50n] })
    take(history, 31_000, { t: [2n ** 50n + 10n] })

    expect(passed(history, 't', 0, 2n ** 50n + 3n)).toMatchObject({ notBefore: 15_999, notAfter: 31_000 })
    expect(passed(history, 't', 0, 5n)).toMatchObject({ isBetween: false, notAfter: 16_000 })
  })

  it('forgets a log that was cut, also when that was not seen at once', () => {
    const history = createEndHistory()
    take(history, 1_000, { t: [100n, 100n] })
    take(history, 16_000, { t: ['timeout', 200n] })
    take(history, 31_000, { t: [50n, 300n] })

    expect(passed(history, 't', 0, 49n)).toMatchObject({ isBetween: false, notAfter: 31_000 })
    expect(passed(history, 't', 1, 150n)).toMatchObject({ isBetween: true, notAfter: 16_000 })
  })

  it('forgets a topic that was made anew, or is gone', () => {
    const history = createEndHistory()
    take(history, 1_000, { a: [5n], b: [5n] })
    take(history, 16_000, { a: [9n], b: [9n] }, ['a'])
    expect(passed(history, 'a', 0, 6n).isBetween).toBe(false)
    expect(passed(history, 'b', 0, 6n).isBetween).toBe(true)

    take(history, 31_000, { a: [9n] })
    expect(history.entries().get('b')).toBeUndefined()
    take(history, 46_000, { a: [9n], b: [9n] })
    expect(passed(history, 'b', 0, 6n)).toEqual({ ...nothing, notAfter: 46_000 })
  })

  it('keeps what it knows when partitions come and go', () => {
    const history = createEndHistory()
    take(history, 1_000, { t: [10n, 20n] })
    take(history, 16_000, { t: [20n, 30n] })
    take(history, 31_000, { t: [20n, 30n, 40n, 50n] })
    take(history, 46_000, { t: [20n, 30n, 45n, 50n] })
    expect(passed(history, 't', 1, 25n)).toMatchObject({ isBetween: true, notAfter: 16_000 })
    expect(passed(history, 't', 2, 42n)).toMatchObject({ isBetween: true, notAfter: 46_000 })
    expect(passed(history, 't', 3, 20n)).toMatchObject({ isBetween: false, notAfter: 31_000 })

    take(history, 61_000, { t: [25n] })
    expect(passed(history, 't', 0, 15n)).toMatchObject({ isBetween: true, notAfter: 16_000 })
  })

  it.each([
    ['grows', 4, 400],
    ['shrinks', 400, 4],
  ])('keeps what it knows when the cluster %s', (_, before, after) => {
    const limits: HistoryLimits = { bytes: 40_000, mostMoments: 360 }
    const history = createEndHistory(limits)
    const many = (rows: number, end: bigint): Ends => ({
      a: [end],
      ...(rows > 1 ? { z: Array.from({ length: rows - 1 }, () => 0n) } : {}),
    })
    let now = 0
    for (let cycle = 1n; cycle <= 110n; cycle++) {
      now += INTERVAL
      take(history, now, many(cycle <= 100n ? before : after, cycle * 10n))
    }

    for (let offset = 10n; offset < 1_100n; offset += 7n) {
      const truth = Number((offset + 10n) / 10n) * INTERVAL
      const { isBetween, notBefore, notAfter } = passed(history, 'a', 0, offset)
      expect(isBetween).toBe(true)
      expect(notBefore).toBeLessThanOrEqual(truth - INTERVAL)
      expect(notAfter).toBeGreaterThanOrEqual(truth)
    }
    const bytes = history.rows.columns.reduce((sum, cells) => sum + cells.byteLength, 0)
    const spare = 100 * 4 * limits.mostMoments
    expect(bytes).toBeLessThanOrEqual(Math.max(limits.bytes, 24 * 4 * after) + spare)
  })

  it('takes nothing for the ends of partitions that came in a cycle without log ends', () => {
    const history = createEndHistory()
    take(history, 1_000, { a: [5n], b: [5n, 5n] })
    const { catalog } = fakeLogs([
      { name: 'a', start: [0n, 0n], end: ['timeout', 'timeout'] },
      { name: 'b', start: [0n, 0n], end: ['timeout', 'timeout'] },
      { name: 'c', start: [0n], end: ['timeout'] },
    ])

    expect(history.topicIn(catalog, 0)).toBeUndefined()
    expect(history.topicIn(catalog, 1)).toBe(history.entries().get('b'))
    expect(history.topicIn(catalog, 2)).toBeUndefined()
  })

  it('takes no cycle in which no log end was read for a moment', () => {
    const history = createEndHistory()
    take(history, 1_000, { t: [5n] })
    const logs = fakeLogs([{ name: 't', start: [0n], end: ['timeout'] }])
    run(history.take({ ...logs, ends: { ...logs.ends, evidence: [] }, recreated: new Uint8Array(1) }))

    expect(history.slots.moments.length).toBe(1)
  })

  it('says how much arrived, and since when', () => {
    const history = createEndHistory()
    for (let cycle = 0; cycle < 10; cycle++)
      take(history, cycle * INTERVAL, { t: [cycle === 4 ? 'timeout' : BigInt(cycle * 7)] })
    const arrived = (since: number, topic = 't') => {
      const found = { records: 0, since: 0 }
      const { rows, slots } = history
      return findArrived(rows, slots, history.entries().get(topic)!.first, slotAt(slots, since), found)
        ? found
        : undefined
    }

    expect(arrived(6 * INTERVAL)).toEqual({ records: 21, since: 6 * INTERVAL })
    expect(arrived(4 * INTERVAL)).toEqual({ records: 42, since: 3 * INTERVAL })
    expect(arrived(-1)).toEqual({ records: 63, since: 0 })
    take(history, 10 * INTERVAL, { t: [70n], u: [1n] })
    expect(arrived(0, 'u')).toBeUndefined()
  })
})
