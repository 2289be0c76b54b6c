import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byName, sortInSteps } from '../../src/exposition/sort-in-steps.ts'

function drive<T>(sorting: Generator<void, readonly T[], void>): { sorted: readonly T[]; steps: number } {
  let steps = 0
  for (;;) {
    const step = sorting.next()
    if (step.done === true) return { sorted: step.value, steps }
    steps++
  }
}

describe('sortInSteps()', () => {
  it('sorts as the built-in sort does, stable', () => {
    const item = fc.record({ key: fc.nat(50), mark: fc.nat() })
    fc.assert(
      fc.property(fc.array(item, { maxLength: 6000, size: 'max' }), (items) => {
        const { sorted } = drive(sortInSteps(items, (a, b) => a.key - b.key))

        expect(sorted).toEqual(items.toSorted((a, b) => a.key - b.key))
      }),
      { numRuns: 30 },
    )
  })

  it('pauses many times while it sorts a hundred thousand names', () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `name-${(index * 7919) % 100_000}`)

    const { sorted, steps } = drive(sortInSteps(names, byName))

    expect(sorted[1]).toBe('name-1')
    expect(steps).toBeGreaterThan(100)
  })

  it('returns what is sorted already as it is', () => {
    const names = ['a', 'b', 'b', 'c']

    expect(drive(sortInSteps(names, byName)).sorted).toBe(names)
  })
})
