import { describe, expect, it } from 'vitest'
import { counted, inDigits, inTime, inWords } from '../../src/console/words.ts'

describe('words of the console', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_234_567, '1,234,567'],
    [2 ** 53, '9,007,199,254,740,992'],
  ])('write %d as %s', (count, text) => {
    expect(inDigits(count)).toBe(text)
  })

  it.each([
    [-3, '0 ms'],
    [41.4, '41 ms'],
    [999.6, '1000 ms'],
    [1000, '1.0 s'],
    [3299, '3.2 s'],
    [15_999, '15 s'],
    [119_999, '119 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
    [172_800_000, '2 d'],
  ])('write %d ms as %s', (ms, text) => {
    expect(inTime(ms)).toBe(text)
  })

  it('agree in number, and have no underscores', () => {
    expect([counted(1, 'topic'), counted(0, 'topic'), counted(1500, 'topic')]).toEqual([
      '1 topic',
      '0 topics',
      '1,500 topics',
    ])
    expect(inWords('position_beyond_end')).toBe('position beyond end')
  })
})
