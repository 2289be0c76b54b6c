import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { INTERVAL, watch } from './watched.ts'

/** Milliseconds at which each record of a partition was appended. */
type Appended = readonly number[]

function endAt(appended: Appended, now: number): number {
  let end = 0
  while (end < appended.length && appended[end]! <= now) end++
  return end
}

describe('time lag by the history of log ends', () => {
  it('holds the truth for any arrival of records and any position', () => {
    const gaps = fc.array(
      fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 0, max: 600_000 })),
      {
        minLength: 1,
        maxLength: 100,
      },
    )
    fc.assert(
      fc.property(gaps, fc.array(fc.nat(), { minLength: 60, maxLength: 60 }), (between, seeds) => {
        const appended: number[] = []
        for (const gap of between) appended.push((appended.at(-1) ?? 1_000) + gap)
        const world = watch()
        let position = 0
        for (const [cycle, seed] of seeds.entries()) {
          const now = 2_000 + cycle * INTERVAL
          const end = endAt(appended, now)
          // Not before the history, which begins with the first cycle.
          position = Math.max(position, cycle === 0 ? end : 0)
          if (seed % 3 === 0) position = Math.min(end, position + (seed % 7))
          world.see(now, { ends: { t: [end] }, positions: { c: { t: { 0: position } } } })
          const { timeLag } = world.of('c', 't')
          const truth = position === end ? 0 : (now - appended[position]!) / 1_000
          if (timeLag === undefined || Math.abs(timeLag.seconds - truth) > timeLag.uncertainty + 0.002)
            expect.fail(`${JSON.stringify(timeLag)}, the truth is ${truth}`)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('is sure to within one interval while the lag is of the last minutes', () => {
    const world = watch()
    for (let cycle = 0; cycle < 60; cycle++) {
      const now = 1_000 + cycle * INTERVAL
      const end = Math.floor(now / 100)
      world.see(now, { ends: { t: [end] }, positions: { c: { t: { 0: Math.max(10, end - 3_000) } } } })
    }
    const { timeLag } = world.of('c', 't')
    expect(timeLag?.seconds).toBeCloseTo(300, 0)
    expect(timeLag?.uncertainty).toBeLessThanOrEqual(INTERVAL / 1_000 + 0.1)
    expect(timeLag?.source).toBe('log_ends')
  })

  it('is not made up for a position that lies before the history', () => {
    const wanted: string[] = []
    const world = watch({
      lookUp: ({ name }, partition, _offset, _index, _notAfter, consumer) => {
        wanted.push(`${name}-${partition} of ${consumer}`)
        return undefined
      },
    })
    for (let cycle = 0; cycle < 10; cycle++)
      world.see(1_000 + cycle * INTERVAL, { ends: { t: [1_000] }, positions: { c: { t: { 0: 500 } } } })
    expect(world.of('c', 't').timeLag).toBeUndefined()
    expect(wanted.at(-1)).toBe('t-0 of c')
  })

  it('takes what the log was asked, within what the history knows', () => {
    const world = watch({
      lookUp: () => ({
        notBefore: -50_000,
        guess: -50_000,
        notAfter: -50_000,
        source: 'timestamps',
        eventAt: -50_000,
      }),
    })
    world.see(1_000, { ends: { t: [1_000] }, positions: { c: { t: { 0: 500 } } } })
    world.see(16_000, { ends: { t: [1_000] }, positions: { c: { t: { 0: 500 } } } })
    expect(world.of('c', 't').timeLag).toEqual({ seconds: 66, uncertainty: 1, source: 'timestamps' })
    expect(world.of('c', 't').eventTimeLag).toBe(66)
  })

  it('trusts no timestamp that is younger than the log end that passed it', () => {
    const world = watch({
      lookUp: () => ({ notBefore: 14_000, guess: 14_000, notAfter: 14_000, source: 'timestamps' }),
    })
    world.see(1_000, { ends: { t: [1_000] }, positions: { c: { t: { 0: 500 } } } })
    world.see(16_000, { ends: { t: [1_000] }, positions: { c: { t: { 0: 500 } } } })
    expect(world.of('c', 't').timeLag).toBeUndefined()
  })

  it('begins anew with a topic of the same name, and with a log that was cut', () => {
    const world = watch()
    world.see(1_000, { ends: { t: [100] }, ids: { t: 'a' }, positions: { c: { t: { 0: 100 } } } })
    world.see(16_000, { ends: { t: [200] }, ids: { t: 'a' }, positions: { c: { t: { 0: 100 } } } })
    expect(world.of('c', 't').timeLag?.seconds).toBeCloseTo(15, 0)
    world.see(31_000, { ends: { t: [150] }, ids: { t: 'b' }, positions: { c: { t: { 0: 120 } } } })
    expect(world.of('c', 't').timeLag).toBeUndefined()
  })

  it('is that of the partition that is furthest behind, and absent when one is unknown', () => {
    const world = watch()
    world.see(1_000, { ends: { t: [100, 100] }, positions: { c: { t: { 0: 100, 1: 100 } } } })
    world.see(16_000, { ends: { t: [200, 100] }, positions: { c: { t: { 0: 200, 1: 100 } } } })
    world.see(31_000, { ends: { t: [300, 200] }, positions: { c: { t: { 0: 200, 1: 100 } } } })
    expect(world.of('c', 't').timeLag?.seconds).toBeCloseTo(15, 0)
    world.see(46_000, { ends: { t: [300, 200] }, positions: { c: { t: { 0: 200, 1: 'unauthorized' } } } })
    expect(world.of('c', 't').timeLag).toBeUndefined()
  })
})
