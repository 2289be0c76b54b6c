import { describe, expect, it } from 'vitest'
import { createNames, fit } from '../../src/kafka-wire/columns.ts'

describe('fit()', () => {
  const column = Int32Array.from({ length: 8 }, (_, index) => index)

  it('is a view of a column that is at least half used', () => {
    expect(fit(column, 8)).toBe(column)
    expect(fit(column, 4)).toEqual(Int32Array.of(0, 1, 2, 3))
    expect(fit(column, 4).buffer).toBe(column.buffer)
  })

  it('is a copy that lets go of a column that is mostly empty', () => {
    expect(fit(column, 3)).toEqual(Int32Array.of(0, 1, 2))
    expect(fit(column, 3).buffer.byteLength).toBe(12)
  })
})

it('createNames() numbers names in order of appearance', () => {
  const names = createNames()

  expect(['b', 'a', 'b', '', 'a'].map((name) => names.indexOf(name))).toEqual([0, 1, 0, 2, 1])
  expect(names.list).toEqual(['b', 'a', ''])
})
