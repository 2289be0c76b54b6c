import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { duration, formatDuration, parseDuration } from '../../src/config/duration.ts'

describe('a duration', () => {
  it.each([
    ['15s', 15_000],
    ['2m', 120_000],
    ['500ms', 500],
    ['1h', 3_600_000],
    ['1m30s', 90_000],
    ['1d', 86_400_000],
    ['1h0m', 3_600_000],
    ['0s', 0],
  ])('reads %s as %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '15', '15 s', '-1s', '1.5s', '1s1m', '1s1s', 's', '15S', '15sec', '٣s', '1e3s', '9999999s'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )

  it('is written so that it reads back as the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 * 86_400_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms)
      }),
    )
  })

  it.each(['999ms', '61s', '1h'])('refuses %s when it must be from 1s to 1m', (text) => {
    const result = duration('1s', '1m').safeParse(text)

    expect(result.error?.issues[0]?.message).toContain('a duration from 1s to 1m')
  })

  it.each(['1s', '60s', '1m'])('accepts %s when it must be from 1s to 1m', (text) => {
    expect(duration('1s', '1m').safeParse(text).success).toBe(true)
  })
})
