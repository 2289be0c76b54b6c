import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createDepartures } from '../../src/targets/departures.ts'
import { registrations, target } from './samples.ts'

const linger = 60_000
const hold = 900_000
const create = () => createDepartures({ lingerMs: linger, holdMs: hold })
const many = (count: number) => registrations(count).map((one) => target(one))
const ids = (list: readonly { readonly target: { readonly registration: { readonly id: string } } }[]) =>
  list.map((one) => one.target.registration.id)

it('keeps a lost target for its time and no longer', () => {
  const departures = create()

  expect(departures.lost(target(), 1_000)).toEqual(target({}, 'lingering'))
  expect(departures.sweep(60_999, 1).left).toEqual([])
  expect(departures.get(target().registration.id)).toMatchObject({ lostAt: 1_000, until: 61_000 })
  expect(departures.sweep(61_000, 1)).toEqual({
    left: [{ target: target({}, 'lingering'), leaving: 'lingered' }],
    held: [],
  })
  expect(departures.get(target().registration.id)).toBeUndefined()
})

it('counts from the first loss', () => {
  const departures = create()

  departures.lost(target(), 0)
  departures.lost(target(), 50_000)

  expect(departures.sweep(linger, 1).left).toHaveLength(1)
})

it('forgets who is back', () => {
  const departures = create()
  departures.lost(target(), 0)

  departures.forget(target().registration.id)

  expect(departures.sweep(linger, 1).left).toEqual([])
})

it.each([
  // Lost, size of the list, held.
  [10, 10, false],
  [11, 11, true],
  [11, 30, true],
  [11, 36, true],
  [11, 37, false],
  [30, 100, false],
  [31, 100, true],
  [3_000, 10_000, false],
  [3_001, 10_000, true],
])('of %i lost at once from a list of %i says that it is suspect: %s', (lost, size, isHeld) => {
  const departures = create()
  for (const one of many(lost)) departures.lost(one, 0)

  const { left, held } = departures.sweep(linger, size)

  expect([left.length, held.length]).toEqual(isHeld ? [0, lost] : [lost, 0])
  expect(held.every(({ state }) => state === 'held')).toBe(true)
})

it('takes its time with very many, and decides about all of them alike', () => {
  const departures = create()
  for (const one of many(15_000)) departures.lost(one, 0)

  const sweeps = [1, 2, 3, 4].map((second) => departures.sweep(linger + second * 1_000, 50_000 - 5_000 * (second - 1)))

  expect(sweeps.map(({ left }) => left.length)).toEqual([5_000, 5_000, 5_000, 0])
})

/** One is lost every `everyS` seconds, from a list of 100. */
function trickle(count: number, everyS: number) {
  const departures = create()
  const all = many(count)
  const [left, held]: [number[], number[]] = [[], []]
  for (let second = 0; second < count * everyS + 60; second++) {
    const lost = second % everyS === 0 ? all[second / everyS] : undefined
    if (lost !== undefined) departures.lost(lost, second * 1_000)
    const swept = departures.sweep(second * 1_000, 100 - left.length)
    for (const _ of swept.left) left.push(second)
    for (const _ of swept.held) held.push(second)
  }
  return { left: left.length, held: held.length }
}

it('lets not even the first of a mass loss go that comes drop by drop', () => {
  expect(trickle(40, 1)).toEqual({ left: 0, held: 40 })
})

it('lets the same many go when they take their time', () => {
  expect(trickle(40, 3)).toEqual({ left: 40, held: 0 })
})

it('holds for its time, and knows why they leave then', () => {
  const departures = create()
  for (const one of many(11)) departures.lost(one, 0)
  departures.sweep(linger, 11)

  expect(departures.heldCount()).toBe(11)
  expect(departures.sweep(linger + hold - 1, 11).left).toEqual([])
  const { left } = departures.sweep(linger + hold, 11)
  expect(left).toHaveLength(11)
  expect(new Set(left.map(({ leaving }) => leaving))).toEqual(new Set(['held']))
  expect(departures.heldCount()).toBe(0)
})

it('releases those who are named, if they are held, or all', () => {
  const departures = create()
  const all = many(12)
  for (const one of all) departures.lost(one, 0)
  expect(departures.release()).toEqual([])
  departures.sweep(linger, 12)
  departures.lost(target({ instance: 'late' }), linger)
  const [first, second] = all.map(({ registration }) => registration.id)

  expect(departures.release([first!, target({ instance: 'late' }).registration.id, 'nobody'])).toEqual([first])
  expect(ids(departures.sweep(linger + 1, 13).left)).toEqual([first])
  expect(departures.release()).toContain(second)
  expect(departures.sweep(linger + 2, 12).left).toHaveLength(11)
  expect(departures.get(target({ instance: 'late' }).registration.id)).toBeDefined()
})

it('lets go at once whose end is proven, and counts him no loss of sight', () => {
  const departures = create()
  for (const one of many(11)) departures.lost(one, 0)
  const [first] = many(1)

  expect(departures.prove(first!.registration.id)).toBe(true)
  expect(departures.prove('nobody')).toBe(false)
  expect(departures.sweep(1_000, 11).left).toEqual([{ target: { ...first!, state: 'lingering' }, leaving: 'proven' }])
  expect(departures.sweep(linger, 10).left).toHaveLength(10)
})

it('never lets more go unannounced within any linger time than may', () => {
  const losses = fc.array(fc.record({ atS: fc.integer({ min: 0, max: 300 }), count: fc.integer({ min: 1, max: 15 }) }))
  fc.assert(
    fc.property(losses, fc.integer({ min: 1, max: 200 }), (events, others) => {
      const departures = create()
      const total = events.reduce((sum, { count }) => sum + count, 0)
      const all = many(total)
      let size = total + others
      const most = Math.max(10, Math.floor(0.3 * size))
      const leftAt: number[] = []
      for (let second = 0; second <= 400; second++) {
        for (const { atS, count } of events)
          if (atS === second) for (const one of all.splice(0, count)) departures.lost(one, second * 1_000)
        const { left } = departures.sweep(second * 1_000, size)
        size -= left.length
        for (const _ of left) leftAt.push(second)
      }
      for (const from of leftAt)
        expect(leftAt.filter((at) => at >= from && at < from + 60).length).toBeLessThanOrEqual(most)
    }),
    { numRuns: 100 },
  )
})
