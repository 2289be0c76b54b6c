import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EndRows, endRows, UNKNOWN } from '../../src/judge/end-rows.ts'
import type { EndSlots } from '../../src/judge/end-slots.ts'
import { findArrived, findPassing, newPassing, type Passing, slotAt } from '../../src/judge/passing.ts'
import { offsetColumn, setOffset } from '../../src/model/offsets.ts'

/** A row of a history: its base, and records above it at moment after moment. */
interface Row {
  readonly base: bigint
  readonly cells: readonly (number | undefined)[]
}

/** The row lies third of four; its columns are in another order than its moments, as they are once some were reused. */
function historyOf(
  { base, cells }: Row,
  order: readonly number[],
): { readonly rows: EndRows; readonly slots: EndSlots } {
  const rows = endRows(4, cells.length)
  setOffset(rows.base, ROW, base)
  for (const [slot, cell] of cells.entries()) rows.columns[order[slot]!]![ROW] = cell ?? UNKNOWN
  const moments = cells.map((_, slot) => ({ askedAt: askedAt(slot), readAt: readAt(slot) }))
  return { rows, slots: { capacity: cells.length, moments, column: order } }
}

const ROW = 2
/** Moments are thinned with age, and so are not equally far apart. */
const askedAt = (slot: number): number => 1_000 * slot ** 2
const readAt = (slot: number): number => askedAt(slot) + 300

/** By a walk through all of it. */
function walked({ base, cells }: Row, offset: bigint): Passing & { readonly isBetween: boolean } {
  const place = Number(offset - base)
  let [low, high] = [-1, -1]
  for (const [slot, cell] of cells.entries()) {
    if (cell === undefined) continue
    // An end of 0 is at most the base, which says nothing about what lies below it.
    if (cell > Math.max(place, 0)) {
      if (high < 0) high = slot
    } else if (place >= 0) low = slot
  }
  const notBefore = low < 0 ? Number.NEGATIVE_INFINITY : askedAt(low)
  const notAfter = high < 0 ? Number.POSITIVE_INFINITY : readAt(high)
  if (low < 0 || high < 0) return { isBetween: false, notBefore, notAfter, guess: 0 }
  const share = (place + 1 - cells[low]!) / (cells[high]! - cells[low]!)
  return { isBetween: true, notBefore, notAfter, guess: notBefore + share * (notAfter - notBefore) }
}

const most = 0xfffffffe
/** Ends that grow, by nothing, by a few or by a lot, and are not known now and then, or for long. */
const cells = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(0, 0, 1, 2, 7, 2 ** 20) },
      { weight: 2, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom('cut off' as const, 2 ** 31) },
    ),
    { maxLength: 80 },
  )
  .map((steps) => {
    let last = 0
    let unknown = 0
    return steps.map((step) => {
      if (step === 'cut off') unknown = 9
      else if (step !== undefined) last = Math.min(most, last + step)
      return step === undefined || unknown-- > 0 ? undefined : last
    })
  })
const row = fc.record({ base: fc.constantFrom(0n, 1n, 4_294_967_290n, 2n ** 53n, 2n ** 63n - 2n ** 33n), cells })
/** Records above the base: around the ends, and far from them. */
const place = fc.oneof(fc.integer({ min: -3, max: 40 }), fc.integer({ min: -5, max: 2 ** 33 }))

function shuffled(count: number, by: number): readonly number[] {
  const order = Array.from({ length: count }, (_, index) => index)
  return [...order.slice(by % Math.max(1, count)), ...order.slice(0, by % Math.max(1, count))].toReversed()
}

describe('when an offset was passed', () => {
  it('is what a walk through all moments finds, wherever ends are not known', () => {
    fc.assert(
      fc.property(
        row,
        fc.nat(80),
        place,
        fc.nat(79),
        fc.integer({ min: -1, max: 1 }),
        (of, by, above, near, beside) => {
          const { rows, slots } = historyOf(of, shuffled(of.cells.length, by))
          // At an end, or beside it, as often as anywhere.
          const at = near % 2 === 0 ? above : (of.cells[near] ?? above) + beside
          const offset = of.base + BigInt(at)
          if (offset < 0n) return
          const column = offsetColumn(3)
          setOffset(column, 1, offset)
          const found = newPassing()
          const isBetween = findPassing(rows, slots, ROW, column, 1, found)
          const expected = walked(of, offset)

          expect({ isBetween, notBefore: found.notBefore, notAfter: found.notAfter }).toEqual({
            isBetween: expected.isBetween,
            notBefore: expected.notBefore,
            notAfter: expected.notAfter,
          })
          if (isBetween) expect(found.guess).toBe(expected.guess)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('is between what is certain', () => {
    fc.assert(
      fc.property(row, fc.nat(2 ** 22), (of, above) => {
        const { rows, slots } = historyOf(of, shuffled(of.cells.length, 0))
        const column = offsetColumn(1)
        setOffset(column, 0, of.base + BigInt(above))
        const found = newPassing()
        if (!findPassing(rows, slots, ROW, column, 0, found)) return

        expect(found.guess).toBeGreaterThan(found.notBefore)
        expect(found.guess).toBeLessThanOrEqual(found.notAfter)
      }),
      { numRuns: 500 },
    )
  })
})

describe('how much arrived', () => {
  it('is what a walk through all moments finds', () => {
    fc.assert(
      fc.property(row, fc.nat(80), fc.integer({ min: -1_000, max: 6_500_000 }), (of, by, moment) => {
        const { rows, slots } = historyOf(of, shuffled(of.cells.length, by))
        const known = [...of.cells.keys()].filter((slot) => of.cells[slot] !== undefined)
        const newest = known.at(-1)
        const before = known.slice(0, -1)
        const oldest = before.findLast((slot) => readAt(slot) <= moment) ?? before[0]
        const expected =
          newest === undefined || oldest === undefined
            ? undefined
            : { records: of.cells[newest]! - of.cells[oldest]!, since: readAt(oldest) }
        const found = { records: -1, since: -1 }

        expect(findArrived(rows, slots, ROW, slotAt(slots, moment), found) ? found : undefined).toEqual(expected)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is counted from the last moment at or before the one asked for', () => {
    const { slots } = historyOf({ base: 0n, cells: [0, 1, 2, 3] }, [3, 0, 2, 1])

    expect([-1, 299, 300, 1_299, 1_300, 9_299, 9_300, 1e9].map((moment) => slotAt(slots, moment))).toEqual([
      -1, -1, 0, 0, 1, 2, 3, 3,
    ])
    expect(slotAt({ ...slots, moments: [], column: [] }, 5)).toBe(-1)
  })
})
