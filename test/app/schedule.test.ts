import { getTasks, parse } from 'node-cron'
import { describe, expect, it, vi } from 'vitest'
import { createWindow, wrongWithCron } from '../../src/app/schedule.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const berlin = 'Europe/Berlin'

/** The stretches in which a window is open between two moments, asked minute by minute. */
function openIn(window: (now: number) => boolean, from: string, to: string): string[] {
  const edges: string[] = []
  let was = false
  for (let now = Date.parse(from); now <= Date.parse(to); now += MINUTE) {
    const is = window(now)
    if (is !== was) edges.push(`${is ? 'open' : 'shut'} ${new Date(now).toISOString().slice(5, 16)}`)
    was = is
  }
  return edges
}

describe('a window', () => {
  it('opens with its minute and is shut when its length has passed', () => {
    const window = createWindow('0 22 * * *', 'UTC', 8 * HOUR)
    const begin = Date.parse('2026-05-04T22:00:00Z')

    expect([begin - 1, begin, begin + 8 * HOUR - 1, begin + 8 * HOUR].map(window)).toEqual([false, true, true, false])
  })

  it.each([
    ['in the middle', '2026-05-05T03:17:42Z', true],
    ['in its last minute', '2026-05-05T05:59:59Z', true],
    ['just after it', '2026-05-05T06:00:00Z', false],
    ['just before it', '2026-05-04T21:59:59Z', false],
  ])('is right at the first question, %s', (_, now, expected) => {
    expect(createWindow('0 22 * * *', 'UTC', 8 * HOUR)(Date.parse(now))).toBe(expected)
  })

  it('says the same whatever it was asked before, even when the clock goes back', () => {
    const asked = createWindow('*/50 9-17 * * 1-5', berlin, 25 * MINUTE)
    const start = Date.parse('2026-06-05T00:00:00Z')
    // Large and small steps, forwards and backwards, over a weekend.
    const moments = Array.from({ length: 800 }, (_, step) => start + ((step * 7919) % 5000) * MINUTE + step * 977)

    expect(moments.map(asked)).toEqual(
      moments.map((now) => createWindow('*/50 9-17 * * 1-5', berlin, 25 * MINUTE)(now)),
    )
  })

  it.each([
    ['0 22 * * *', 'UTC', 8 * HOUR],
    ['15,45 */3 * * *', 'Asia/Kathmandu', 20 * MINUTE],
    ['30 23 L * *', 'America/St_Johns', 5 * HOUR],
    ['0 0 * * 6', 'Australia/Lord_Howe', 48 * HOUR],
    ['* 22-23,0-5 * * *', berlin, MINUTE],
    ['@daily', 'Pacific/Chatham', 90 * MINUTE],
    ['10 1 30 * *', 'Pacific/Chatham', 7 * 24 * HOUR],
    ['50 12 * * 2,4', 'America/New_York', 30 * HOUR],
  ])('%s in %s is open exactly while a minute that fits is not too long ago', (pattern, zone, lasts) => {
    const window = createWindow(pattern, zone, lasts)
    // Berlin changes on 29 March 2026, Lord Howe (by half an hour) and Chatham on 4 April.
    const start = Date.parse('2026-03-28T12:00:00Z')
    const moments = Array.from({ length: 240 }, (_, step) => start + step * 47 * MINUTE)
    // Naively: each minute looked up in the fields by itself.
    const fits = fieldsOf(pattern, zone)
    const begins: number[] = []
    for (let at = start - lasts; at <= moments.at(-1)!; at += MINUTE) if (fits(at)) begins.push(at)
    const naive = (now: number): boolean => begins.some((at) => at <= now && now < at + lasts)

    expect(moments.map(window)).toEqual(moments.map(naive))
  })

  it('lasts as long as it says over both changes of the clock, so it ends an hour later or earlier by it', () => {
    const night = createWindow('0 22 * * *', berlin, 8 * HOUR)

    // 22:00 CET to 07:00 CEST, and 22:00 CEST to 05:00 CET.
    expect(openIn(night, '2026-03-28T12:00Z', '2026-03-29T12:00Z')).toEqual(['open 03-28T21:00', 'shut 03-29T05:00'])
    expect(openIn(night, '2026-10-24T12:00Z', '2026-10-25T12:00Z')).toEqual(['open 10-24T20:00', 'shut 10-25T04:00'])
  })

  it('ends by the clock of the zone when each of its minutes is named', () => {
    const night = createWindow('* 22-23,0-5 * * *', berlin, MINUTE)

    // 22:00 to 06:00 both times: seven hours in spring, nine in autumn.
    expect(openIn(night, '2026-03-28T12:00Z', '2026-03-29T12:00Z')).toEqual(['open 03-28T21:00', 'shut 03-29T04:00'])
    expect(openIn(night, '2026-10-24T12:00Z', '2026-10-25T12:00Z')).toEqual(['open 10-24T20:00', 'shut 10-25T05:00'])
  })

  it('does not open at a time that the clock skips, and opens twice at one that it shows twice', () => {
    const window = createWindow('30 2 * * *', berlin, 30 * MINUTE)

    expect(openIn(window, '2026-03-28T12:00Z', '2026-03-30T12:00Z')).toEqual(['open 03-30T00:30', 'shut 03-30T01:00'])
    expect(openIn(window, '2026-10-24T12:00Z', '2026-10-25T12:00Z')).toEqual([
      'open 10-25T00:30',
      'shut 10-25T01:00',
      'open 10-25T01:30',
      'shut 10-25T02:00',
    ])
  })

  it('asks about few moments in its first look back over a week, and about fewer later', () => {
    const window = createWindow('0 0 1 1 *', berlin, 7 * 24 * HOUR)
    const begin = Date.parse('2026-07-01T00:00:00Z')
    const asked = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts')

    try {
      expect(window(begin)).toBe(false)
      // Two for each half of a day.
      expect(asked.mock.calls.length).toBeLessThanOrEqual(30)
      asked.mockClear()
      window(begin + MINUTE)
      expect(asked.mock.calls.length).toBeLessThanOrEqual(2)
    } finally {
      asked.mockRestore()
    }
  })

  it('leaves no task behind in node-cron', () => {
    createWindow('0 22 * * *', 'UTC', HOUR)

    expect(getTasks().size).toBe(0)
  })
})

describe('wrongWithCron()', () => {
  it.each([
    '0 22 * * *',
    '*/5 * * * *',
    '0 0 L * *',
    '0 9 * * 1#2',
    '0 0 15W * *',
    '@daily',
    '0 22 * * MON-FRI',
    '0 22-5 * * *',
  ])('accepts %s', (pattern) => {
    expect(wrongWithCron(pattern)).toBeUndefined()
  })

  it.each([
    ['', 'pattern includes illegal characters'],
    ['0 22 * *', 'expected 5 or 6 fields but got 4'],
    ['0 25 * * *', '25 is no hour'],
    ['60 * * * *', '60 is no minute'],
    ['0 0 31 2 *', '31 2 is an impossible day of month for the given month'],
    ['30 0 22 * * *', 'it has seconds'],
    ['* * * * * *', 'it has seconds'],
    ['0 0 30W 2 *', 'it never comes'],
    ['0-999999999 * * * *', 'a number in it is too large'],
    [`0 0 ${'1,'.repeat(50)}1 * *`, 'it has more than 100 characters'],
  ])('says of %j: %s', (pattern, wrong) => {
    expect(wrongWithCron(pattern)).toBe(wrong)
  })
})

/** Looks a minute up in the fields that node-cron makes of a pattern; of its tokens only `L` is needed here. */
function fieldsOf(pattern: string, timeZone: string): (at: number) => boolean {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = parse(pattern)
  const numeric = 'numeric'
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    hourCycle: 'h23',
  })
  return (at) => {
    const parts = new Map<string, number>(clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
    const of = (type: string): number => parts.get(type) ?? Number.NaN
    const day = new Date(Date.UTC(of('year'), of('month') - 1, of('day')))
    const last = new Date(Date.UTC(of('year'), of('month'), 0)).getUTCDate()
    return (
      minute.includes(of('minute')) &&
      hour.includes(of('hour')) &&
      month.includes(of('month')) &&
      (dayOfMonth.includes(of('day')) || (dayOfMonth.includes('L') && of('day') === last)) &&
      dayOfWeek.includes(day.getUTCDay())
    )
  }
}
