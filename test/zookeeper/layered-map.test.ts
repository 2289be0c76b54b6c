import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { succeed } from '../../src/zookeeper/layered-map.ts'

const key = fc.integer({ min: 0, max: 40 })
const step = fc.record({ written: fc.array(fc.tuple(key, fc.nat(9))), gone: fc.array(key, { maxLength: 5 }) })

describe('succeed()', () => {
  it('behaves as a plain map after any series of changes, and leaves every earlier map as it was', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, fc.nat(9)), { maxLength: 30 }),
        fc.array(step, { maxLength: 8 }),
        (start, steps) => {
          const plain = new Map(start)
          let layered: ReadonlyMap<number, number> = new Map(start)
          const history: (readonly [ReadonlyMap<number, number>, ReadonlyMap<number, number>])[] = []
          for (const { written, gone } of steps) {
            for (const one of gone) plain.delete(one)
            for (const [one, value] of written) plain.set(one, value)
            layered = succeed(layered, new Map(written), gone)
            history.push([layered, new Map(plain)])
          }

          for (const [map, expected] of history) {
            expect(new Map(map)).toEqual(expected)
            expect(map.size).toBe(expected.size)
            expect([...map.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
            expect([...map.values()].toSorted()).toEqual([...expected.values()].toSorted())
            for (let one = 0; one <= 40; one++) {
              expect(map.get(one)).toBe(expected.get(one))
              expect(map.has(one)).toBe(expected.has(one))
            }
            const seen = new Map<number, number>()
            map.forEach((value, one) => {
              seen.set(one, value)
            })
            expect(seen).toEqual(expected)
          }
        },
      ),
    )
  })

  it('becomes a plain map again when most of it has changed', () => {
    const base = new Map([...'abcd'].map((one) => [one, 1]))

    const little = succeed(base, new Map([['a', 2]]), [])
    const much = succeed(little, new Map([['b', 2]]), ['c', 'd'])

    expect(little).not.toBeInstanceOf(Map)
    expect(much).toBeInstanceOf(Map)
    expect(new Map(much)).toEqual(new Map(Object.entries({ a: 2, b: 2 })))
  })

  it('takes a value of undefined for a value', () => {
    const map = succeed(new Map([['a', 1]]), new Map([['b', undefined]]), [])

    expect([map.has('b'), map.size, [...map.keys()]]).toEqual([true, 2, ['a', 'b']])
  })
})
