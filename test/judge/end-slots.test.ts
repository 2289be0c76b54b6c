import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addMoment, type EndSlots, emptySlots, shrinkSlots } from '../../src/judge/end-slots.ts'

const DAY = 24 * 3_600_000

function filled(capacity: number, gaps: readonly number[], slots = emptySlots(capacity), from = 0): EndSlots {
  let now = from
  let filling = slots
  for (const gap of gaps) {
    now += gap
    filling = addMoment(filling, { askedAt: now - 5, readAt: now })
  }
  return filling
}

/** The largest gap between two moments, as a share of the time since the end of it. */
function worstShare({ moments }: EndSlots, from: number): number {
  const now = moments.at(-1)!.readAt
  let worst = 0
  for (let index = 1; index < moments.length; index++) {
    const age = now - moments[index - 1]!.askedAt
    if (age > from) worst = Math.max(worst, (moments[index]!.readAt - moments[index - 1]!.askedAt) / age)
  }
  return worst
}

describe('the moments of a history', () => {
  it('have a column each, are in order, and no more than there is room for, whatever the gaps', () => {
    const gap = fc.oneof(fc.integer({ min: 10, max: 60_000 }), fc.integer({ min: 10, max: DAY }))
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.array(gap, { minLength: 1, maxLength: 300 }),
        (capacity, gaps) => {
          const { moments, column } = filled(capacity, gaps)
          expect(moments.length).toBeLessThanOrEqual(capacity)
          expect(column.length).toBe(moments.length)
          expect(new Set(column).size).toBe(column.length)
          expect(column.every((at) => at >= 0 && at < capacity)).toBe(true)
          expect(moments.every(({ readAt }, index) => index === 0 || readAt > moments[index - 1]!.readAt)).toBe(true)
          // The newest is always there, and none is older than a week.
          expect(moments.at(-1)!.readAt).toBe(gaps.reduce((sum, one) => sum + one, 0))
          expect(moments.at(-1)!.readAt - moments[0]!.readAt).toBeLessThanOrEqual(7 * DAY)
        },
      ),
      { numRuns: 100 },
    )
  })

  it.each([24, 45, 360])('thin out with age: %i columns at a cycle of 15 s for a day', (capacity) => {
    const slots = filled(
      capacity,
      Array.from({ length: 5_760 }, () => 15_000),
    )
    const gaps = slots.moments.slice(1).map(({ readAt }, index) => readAt - slots.moments[index]!.readAt)

    expect(slots.moments[0]!.readAt).toBe(15_000)
    // The last minute is dense, and a gap is a share of its age that the number of columns decides.
    expect(gaps.slice(-3)).toEqual([15_000, 15_000, 15_000])
    const best = 1 - 5_760 ** (-1 / capacity)
    expect(worstShare(slots, 120_000)).toBeLessThan(Math.max(1.6 * best, 15_010 / 120_000))
  })

  it('reach back to the first one', () => {
    const slots = filled(
      24,
      Array.from({ length: 1_000 }, () => 15_000),
    )

    expect(slots.moments[0]!.readAt).toBe(15_000)
  })

  it('become fewer without losing the first and the last', () => {
    const slots = filled(
      100,
      Array.from({ length: 100 }, () => 15_000),
    )
    const fewer = shrinkSlots(slots, 10, 1_515_000)

    expect(fewer.moments.length).toBe(10)
    expect(fewer.moments[0]).toEqual(slots.moments[0])
    expect(fewer.moments.at(-1)).toEqual(slots.moments.at(-1))
    for (const [index, moment] of fewer.moments.entries()) expect(slots.moments[fewer.column[index]!]).toEqual(moment)
  })

  it('older than a week go, all but what is needed is kept through a pause', () => {
    const slots = filled(
      50,
      Array.from({ length: 50 }, () => 15_000),
    )

    expect(filled(50, [3 * DAY], slots, 750_000).moments.length).toBe(50)
    expect(filled(50, [8 * DAY], slots, 750_000).moments.length).toBe(1)
  })
})
