import { describe, expect, it } from 'vitest'
import { createRecordTimes } from '../../src/simulator/record-times.ts'

describe('times of simulated records', () => {
  it('finds the first record of a time, within the log', () => {
    const times = createRecordTimes()
    times.stamp(0, 0n, 10n, 100)
    times.stamp(0, 10n, 11n, 300)
    times.stamp(0, 11n, 20n, 200)

    expect(times.firstSince(0, 0n, 20n, 0)).toEqual({ offset: 0n, at: 100 })
    expect(times.firstSince(0, 4n, 20n, 100)).toEqual({ offset: 4n, at: 100 })
    expect(times.firstSince(0, 0n, 20n, 101)).toEqual({ offset: 10n, at: 300 })
    expect(times.firstSince(0, 11n, 20n, 101)).toEqual({ offset: 11n, at: 200 })
    expect(times.firstSince(0, 0n, 10n, 101)).toBeUndefined()
    expect(times.firstSince(0, 0n, 20n, 301)).toBeUndefined()
    expect(times.firstSince(1, 0n, 20n, 0)).toBeUndefined()
  })

  it('passes over what compaction took, and forgets a tail that was cut off', () => {
    const times = createRecordTimes()
    times.stamp(0, 0n, 10n, 100)
    times.stamp(0, 10n, 20n, 200)
    times.remove(0, 2n, 12n)

    expect(times.firstSince(0, 2n, 20n, 0)).toEqual({ offset: 12n, at: 200 })
    expect(times.runs(0).map(({ from, to, at }) => [from, to, at])).toEqual([
      [0n, 2n, 100],
      [2n, 12n, undefined],
      [12n, 20n, 200],
    ])
    times.truncate(0, 5n)
    times.stamp(0, 5n, 6n, 300)
    expect(times.firstSince(0, 0n, 6n, 101)).toEqual({ offset: 5n, at: 300 })
  })

  it('does not grow for ever', () => {
    const times = createRecordTimes()
    for (let index = 0; index < 5_000; index++) times.stamp(0, BigInt(index), BigInt(index + 1), index)
    expect(times.runs(0).length).toBeLessThan(600)
    expect(times.firstSince(0, 0n, 5_000n, 4_900)).toEqual({ offset: 4_900n, at: 4_900 })
    // What is told of an old record is old: off by a small part of its age.
    for (const offset of [1_000n, 2_500n, 4_000n]) {
      const found = times.firstSince(0, offset, 5_000n, 0)
      expect(Math.abs(Number(offset) - (found?.at ?? 0))).toBeLessThan(0.1 * (5_000 - Number(offset)))
    }
  })
})
