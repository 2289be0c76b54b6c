import { describe, expect, it } from 'vitest'
import { createWindow } from '../../src/app/schedule.ts'
import { whenOpen } from '../../src/commands/rules-schedule.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

function expressionOf(cron: string, lasts: number, timezone = 'UTC'): string {
  const when = whenOpen({ cron, lasts, timezone })
  if ('why' in when) throw new Error(when.why)
  return when.expression
}

/** What PromQL would make of it at a moment, in seconds since the Unix epoch. */
function hasValue(expression: string, now: number): boolean {
  const part = /^vector\(\(time\(\) \+ (\d+)\) % (\d+)\) < (\d+)$/
  return expression.split(' or ').some((text) => {
    const [, shift, period, length] = part.exec(text) ?? []
    if (shift === undefined) throw new Error(`"${text}" is not what is expected here`)
    // Like math.Mod of Go.
    return (now + Number(shift)) % Number(period) < Number(length)
  })
}

describe('whenOpen()', () => {
  it.each([
    ['0 22 * * *', 8 * HOUR, 'UTC', 'vector((time() + 7200) % 86400) < 28800'],
    ['0 22 * * *', 8 * HOUR, 'Asia/Kolkata', 'vector((time() + 27000) % 86400) < 28800'],
    ['@daily', 24 * HOUR, 'UTC', 'vector((time() + 0) % 86400) < 86400'],
    ['0 3 * * 0', 2 * HOUR, 'UTC', 'vector((time() + 334800) % 604800) < 7200'],
    ['* 22-23,0-5 * * *', MINUTE, 'UTC', 'vector((time() + 7200) % 86400) < 28800'],
    ['0 12 * * 6,0', 24 * HOUR, 'UTC', 'vector((time() + 388800) % 604800) < 172800'],
  ])('%s for %d ms in %s is %s', (cron, lasts, timezone, expression) => {
    expect(expressionOf(cron, lasts, timezone)).toBe(expression)
  })

  it.each([
    ['0 22 * * *', 8 * HOUR, 'UTC'],
    ['0 0 * * *', 24 * HOUR, 'UTC'],
    ['30 */8 * * *', 9 * HOUR, 'UTC'],
    ['15 23 * * *', 50 * MINUTE, 'Asia/Kathmandu'],
    ['0 1 * * 1-5', 30 * HOUR, 'America/Phoenix'],
    ['0 20 * * FRI', 60 * HOUR, 'Pacific/Kiritimati'],
    ['0,30 6 * * 0,3', 45 * MINUTE, 'Etc/GMT+12'],
    ['59 23 * * 3', 7 * 24 * HOUR, 'Asia/Tokyo'],
  ])('%s for %d ms in %s has a value exactly when the daemon finds the entry going on', (cron, lasts, timezone) => {
    const expression = expressionOf(cron, lasts, timezone)
    const isOpen = createWindow(cron, timezone, lasts)
    const moments = Array.from({ length: 1_500 }, (_, step) => Date.parse('2026-05-01T00:00:00Z') + step * 13 * MINUTE)

    expect(moments.filter((now) => hasValue(expression, now / 1_000) !== isOpen(now))).toEqual([])
  })

  it.each([
    ['0 22 * * *', 'Europe/Berlin', 'the clock of Europe/Berlin changes with the seasons'],
    ['0 22 * * *', 'Africa/Casablanca', 'the clock of Africa/Casablanca changes with the seasons'],
    ['0 22 1 * *', 'UTC', 'it does not come on the same days each week'],
    ['0 22 * 12 *', 'UTC', 'it does not come on the same days each week'],
    ['0 22 * * 1#2', 'UTC', 'it does not come on the same days each week'],
    ['0 22 L * *', 'UTC', 'it does not come on the same days each week'],
    ['*/10 8-17 * * 1-5', 'UTC', 'it begins 300 times, expected at most 24'],
  ])('says of %s in %s: %s', (cron, timezone, why) => {
    expect(whenOpen({ cron, lasts: MINUTE, timezone })).toEqual({ why })
  })
})
