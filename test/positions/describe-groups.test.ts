import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { united } from '../../src/positions/describe-groups.ts'

describe('united()', () => {
  it('puts the assignments of members together: topics sorted, partitions ascending and once', () => {
    const topics = united([
      { name: 'b', partitions: Int32Array.of(3, 1) },
      { name: 'a', partitions: Int32Array.of(0) },
      { name: 'b', partitions: Int32Array.of(1, 0) },
    ])

    expect(topics).toEqual([
      { name: 'a', partitions: Int32Array.of(0) },
      { name: 'b', partitions: Int32Array.of(0, 1, 3) },
    ])
  })

  it('leaves out what is no partition and topics without any', () => {
    expect(united([{ name: 'a', partitions: Int32Array.of(-1, -5) }])).toEqual([])
    expect(united([{ name: 'a', partitions: new Int32Array(0) }])).toEqual([])
  })

  it('is what a set of pairs would be', () => {
    const topic = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      partitions: fc.array(fc.integer({ min: 0, max: 9 })).map((list) => Int32Array.from(list)),
    })
    fc.assert(
      fc.property(fc.array(topic), (topics) => {
        const pairs = new Set(topics.flatMap(({ name, partitions }) => [...partitions].map((one) => `${name}/${one}`)))

        const found = united(topics).flatMap(({ name, partitions }) => [...partitions].map((one) => `${name}/${one}`))

        expect(found).toEqual([...pairs].sort())
      }),
    )
  })
})
