import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeNotice, encodeNotice, fillNotice } from '../../src/registry/notice.ts'

const text = (value: string) => new TextEncoder().encode(value)
const many = (count: number) =>
  new Map(Array.from({ length: count }, (_, index) => [index + 1, `payments/orders/taskmanager/größe-${index}`]))

it('says what it was told', () => {
  const over = new Map([
    [7, 'a/b/c/d'],
    [12, '__proto__'],
  ])

  expect(decodeNotice(encodeNotice(over))).toEqual(over)
  expect(new TextDecoder().decode(encodeNotice(over))).toBe('{"over":[[7,"a/b/c/d"],[12,"__proto__"]]}')
})

it('takes as much as it may have and no more', () => {
  const over = fillNotice(new Map(), many(10_000))

  expect(over.size).toBeGreaterThan(500)
  expect(over.size).toBeLessThan(1_000)
  expect(encodeNotice(over).length).toBeLessThanOrEqual(32 * 1024)
  expect(decodeNotice(encodeNotice(over))).toEqual(over)
  expect(fillNotice(over, new Map([[999_999, 'x'.repeat(100)]]))).toEqual(over)
})

it('keeps what was in it', () => {
  expect([...fillNotice(new Map([[1, 'x']]), new Map([[2, 'y']]))]).toEqual([
    [1, 'x'],
    [2, 'y'],
  ])
})

describe('what is no notice', () => {
  it.each([
    ['nothing', text('')],
    ['no JSON', text('x')],
    ['a list', text('[]')],
    ['another member', text('{"over":{}}')],
    ['an entry that is none', text('{"over":[7]}')],
    ['a record as text', text('{"over":[["7","x"]]}')],
    ['a record that is no number of one', text('{"over":[[0.5,"x"]]}')],
    ['a record without an id', text('{"over":[[7]]}')],
    ['invalid UTF-8', Uint8Array.of(0x7b, 0x22, 0xff)],
    ['too much', new Uint8Array(33 * 1024)],
  ])('says why: %s', (_, data) => {
    expect(decodeNotice(data)).toEqual({ why: expect.stringMatching(/./) })
  })

  it('never makes the reader throw', () => {
    fc.assert(fc.property(fc.jsonValue(), (over) => void decodeNotice(text(JSON.stringify({ over })))))
  })
})
