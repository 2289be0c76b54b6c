import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countRestarts, type RestartCount } from '../../src/jobs/restarts.ts'
import { fakeApplication, fakeJob } from './fakes.ts'

/** Attempt and what Flink says, look by look. */
function counted(...looks: readonly (readonly [number, number | undefined])[]): readonly (number | undefined)[] {
  let count: RestartCount | undefined
  return looks.map(([attempt, restarts]) => {
    const job = fakeJob({ application: fakeApplication(1, attempt), ...(restarts === undefined ? {} : { restarts }) })
    count = countRestarts(count, job)
    return count.total
  })
}

describe('countRestarts()', () => {
  it('takes the figure of the first run as it is', () => {
    expect(counted([1, 3], [1, 3], [1, 5])).toEqual([3, 3, 5])
  })

  it('counts a new attempt as one, and goes on with its figure from 0', () => {
    expect(counted([1, 3], [2, 0], [2, 2], [3, 1])).toEqual([3, 4, 6, 8])
  })

  it('says nothing until something is known, and never guesses', () => {
    expect(counted([1, undefined], [1, 2], [1, undefined], [1, 3])).toEqual([undefined, 2, 2, 3])
    expect(counted([1, undefined], [2, undefined], [2, 4])).toEqual([undefined, 1, 5])
  })

  it('goes on when a JobManager lost its count within a run', () => {
    expect(counted([1, 5], [1, 1], [1, 2])).toEqual([5, 6, 7])
  })

  it('never falls', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.option(fc.nat(9), { nil: undefined }))), (looks) => {
        const totals = counted(...looks).filter((total) => total !== undefined)

        expect(totals).toEqual(totals.toSorted((a, b) => a - b))
      }),
    )
  })
})
