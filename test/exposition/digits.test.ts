import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeNumber, writeText } from '../../src/exposition/digits.ts'

function written(write: (bytes: Uint8Array, at: number) => number): string {
  const bytes = new Uint8Array(512)
  return Buffer.from(bytes.subarray(3, write(bytes, 3))).toString()
}

describe('writeNumber()', () => {
  it.each([
    [0, '0'],
    [9, '9'],
    [10, '10'],
    [999_999_999, '999999999'],
    [1_000_000_000, '1000000000'],
    [1_000_000_001, '1000000001'],
    [2 ** 53 - 1, '9007199254740991'],
    [2 ** 53, '9007199254740992'],
    [2 ** 63, '9223372036854775808'],
    [1e22, '10000000000000000000000'],
    [2.5, '2.5'],
  ])('writes %d as %s', (value, text) => {
    expect(written((bytes, at) => writeNumber(bytes, at, value))).toBe(text)
  })

  it('writes every whole number as the same number', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(written((bytes, at) => writeNumber(bytes, at, value))).toBe(String(value))
      }),
    )
  })
})

describe('writeText()', () => {
  it.each(['', 'plain', 'é', 'a😀b', '\u0000\u001f'])('writes %j as UTF-8', (text) => {
    expect(written((bytes, at) => writeText(bytes, at, text))).toBe(text)
  })

  it('replaces a lone surrogate', () => {
    expect(written((bytes, at) => writeText(bytes, at, 'a\ud800b'))).toBe('a\ufffdb')
  })
})
