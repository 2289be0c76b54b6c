import { describe, expect, it } from 'vitest'
import { type Look, mayOwn, ownsKey, stand, turnsInMs } from '../../src/replicas/standing.ts'

const look = (begunAt: number, endedAt: number, holds: Readonly<Record<string, number>>, czxid = 1n): Look => ({
  begunAt,
  endedAt,
  members: new Map(Object.entries(holds).map(([id, holdMs]) => [id, { holdMs }])),
  czxid,
})

describe('stand()', () => {
  it('lets a newcomer wait, from the end of its look, for as long as any other may go on without one', () => {
    const first = stand('a', undefined, look(1_000, 1_200, { a: 2_000, b: 500, c: 3_000 }))

    expect(first).toMatchObject({ ownsFrom: 4_200, ownsUntil: 3_000 })
    expect([mayOwn(first, 2_999), mayOwn(first, 4_200)]).toEqual([false, false])
    const second = stand('a', first, look(3_900, 4_000, { a: 2_000, b: 500, c: 3_000 }))
    expect([mayOwn(second, 4_199), mayOwn(second, 4_200), mayOwn(second, 5_899)]).toEqual([false, true, true])
  })

  it('lets nobody wait who is alone', () => {
    expect(mayOwn(stand('a', undefined, look(1_000, 1_200, { a: 2_000 })), 1_200)).toBe(true)
  })

  it('counts what it may own from the begin of the look, however long that took', () => {
    const standing = stand('a', undefined, look(1_000, 2_900, { a: 2_000 }))

    expect([mayOwn(standing, 2_999), mayOwn(standing, 3_000)]).toEqual([true, false])
  })

  it('begins to wait anew with another entry, and with the same one does not', () => {
    const first = stand('a', undefined, look(0, 100, { a: 2_000, b: 2_000 }))

    expect(stand('a', first, look(900, 1_000, { a: 2_000, b: 2_000 })).ownsFrom).toBe(2_100)
    expect(stand('a', first, look(900, 1_000, { a: 2_000, b: 2_000 }, 2n)).ownsFrom).toBe(3_000)
  })
})

it('gives each key of three to one of them, and to nobody else while it may not own', () => {
  const holds = { a: 2_000, b: 2_000, c: 2_000 }
  const keys = Array.from({ length: 30 }, (_, index) => `${index}`)
  const standings = Object.keys(holds).map((id) => stand(id, undefined, look(0, 0, holds)))
  const renewed = standings.map((one) => stand(one.id, one, look(1_500, 1_500, holds)))

  for (const key of keys) expect(renewed.filter((one) => ownsKey(one, key, 2_000))).toHaveLength(1)
  expect(keys.some((key) => renewed.some((one) => ownsKey(one, key, 1_999) || ownsKey(one, key, 3_500)))).toBe(false)
})

it('knows when it turns by itself', () => {
  const waiting = stand('a', undefined, look(0, 0, { a: 2_000, b: 1_000 }))
  expect([turnsInMs(waiting, 0), turnsInMs(waiting, 1_000), turnsInMs(waiting, 2_000)]).toEqual([
    1_000,
    1_000,
    Infinity,
  ])

  const hopeless = stand('a', undefined, look(0, 0, { a: 2_000, b: 9_000 }))
  expect(turnsInMs(hopeless, 500)).toBe(1_500)
})
