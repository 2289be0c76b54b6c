import { describe, expect, it, vi } from 'vitest'
import { objectiveRules } from '../../src/app/objectives.ts'
import { type Config, configSchema } from '../../src/app/schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { severities } from '../../src/model/objective.ts'
import { ConfigError } from '../../src/runtime/errors.ts'

function rulesOf(objectives: readonly unknown[]): Config['objectives'] {
  return configSchema.parse({ objectives }).objectives
}

/** What is promised about a consumer on topic `orders` at a moment: severity and values as words. */
function promisedAt(objectives: readonly unknown[]): (moment: string, consumer?: string) => string[] {
  let now = 0
  const promised = objectiveRules(rulesOf(objectives), () => now)
  return (moment, consumer = 'orders-etl') => {
    now = Date.parse(moment)
    return promised(consumer, 'orders').map(({ severity, owner, records, seconds }) =>
      [
        severity,
        owner,
        ...(records === undefined ? [] : [`${records}r`]),
        ...(seconds === undefined ? [] : [`${seconds}s`]),
      ].join(' '),
    )
  }
}

const noon = '2026-05-04T12:00:00Z'
const night = { cron: '0 22 * * *', lasts: '8h', timezone: 'Europe/Berlin' }
const sunday = { cron: '0 3 * * 0', lasts: '2h', off: true }

describe('objectiveRules()', () => {
  it('promises what the first rule of each severity says that matches consumer and topic', () => {
    const at = promisedAt([
      { consumer: 'orders-etl', topic: 'payments', records: 1, owner: 'a' },
      { consumer: 'orders-.*', seconds: 300, owner: 'b' },
      { consumer: '.*', records: 9, seconds: 9, owner: 'c' },
      { consumer: '.*', records: 7, seconds: 60, owner: 'd', severity: 'critical' },
    ])

    expect(at(noon)).toEqual(['warning b 300s', 'critical d 7r 60s'])
    expect(at(noon, 'stock')).toEqual(['warning c 9r 9s', 'critical d 7r 60s'])
  })

  it('promises nothing without rules, and of what no rule matches', () => {
    expect(promisedAt([])(noon)).toEqual([])
    expect(promisedAt([{ consumer: 'stock', records: 1, owner: 'a' }])(noon)).toEqual([])
  })

  it('promises other values while an entry is going on, and keeps those that it does not give', () => {
    const at = promisedAt([
      { consumer: '.*', seconds: 300, records: 5, owner: 'a', schedule: [{ ...night, seconds: 3600 }] },
    ])

    expect([at('2026-05-04T19:59:59Z'), at('2026-05-04T20:00:00Z')]).toEqual([
      ['warning a 5r 300s'],
      ['warning a 5r 3600s'],
    ])
    expect([at('2026-05-05T03:59:59Z'), at('2026-05-05T04:00:00Z')]).toEqual([
      ['warning a 5r 3600s'],
      ['warning a 5r 300s'],
    ])
  })

  it('may promise in a unit at night in which the rule does not', () => {
    const at = promisedAt([{ consumer: '.*', seconds: 300, owner: 'a', schedule: [{ ...night, records: 10 }] }])

    expect([at(noon), at('2026-05-04T23:00:00Z')]).toEqual([['warning a 300s'], ['warning a 10r 300s']])
  })

  it('is right when it starts in the middle of an entry', () => {
    const at = promisedAt([{ consumer: '.*', seconds: 300, owner: 'a', schedule: [{ ...night, seconds: 3600 }] }])

    expect(at('2026-05-05T01:23:45Z')).toEqual(['warning a 3600s'])
  })

  it('promises nothing while an entry says off, and no later rule of the severity steps in', () => {
    const at = promisedAt([
      { consumer: '.*', seconds: 300, owner: 'a', schedule: [sunday] },
      { consumer: '.*', seconds: 900, owner: 'b' },
      { consumer: '.*', seconds: 1200, owner: 'c', severity: 'critical' },
    ])

    expect(at('2026-05-03T03:00:00Z')).toEqual(['critical c 1200s'])
    expect(at('2026-05-03T05:00:00Z')).toEqual(['warning a 300s', 'critical c 1200s'])
    expect(at('2026-05-04T03:00:00Z')).toEqual(['warning a 300s', 'critical c 1200s'])
  })

  it('lets the first entry count of those that are going on', () => {
    const schedule = [sunday, { ...night, seconds: 3600 }, { cron: '0 0 * * *', lasts: '1d', seconds: 600 }]
    const at = promisedAt([{ consumer: '.*', seconds: 300, owner: 'a', schedule }])

    expect(at('2026-05-03T03:30:00Z')).toEqual([])
    expect(at('2026-05-03T02:30:00Z')).toEqual(['warning a 3600s'])
    expect(at('2026-05-03T12:00:00Z')).toEqual(['warning a 600s'])
  })

  it('follows the clock when it is set back', () => {
    const at = promisedAt([{ consumer: '.*', seconds: 300, owner: 'a', schedule: [{ ...night, seconds: 3600 }] }])

    expect([at('2026-05-04T23:00:00Z'), at(noon), at('2026-05-04T03:00:00Z')]).toEqual([
      ['warning a 3600s'],
      ['warning a 300s'],
      ['warning a 3600s'],
    ])
  })

  it('asks about few moments in its first look at schedules, however long (a thousand take about 10 ms)', () => {
    // Not going on, so each has to be looked for to the end.
    const lengths = ['23h', '8h', '7d']
    const schedule = Array.from({ length: 10 }, (_, index) => ({
      cron: index % 3 === 2 ? `${index} 0 1 1 *` : `${index} 23 * * *`,
      lasts: lengths[index % 3],
      seconds: 1,
    }))
    const rules = severities.map((severity) => ({ consumer: '.*', seconds: 300, owner: 'a', severity, schedule }))
    const promised = objectiveRules(rulesOf(rules), () => Date.parse('2026-05-04T22:58:00Z'))
    const asked = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts')

    try {
      expect(promised('c', 'orders').map(({ seconds }) => seconds)).toEqual([300, 300, 300])
      expect(asked.mock.calls.length).toBeLessThan(2_500)
    } finally {
      asked.mockRestore()
    }
  })

  it('decides once a minute, not once a consumer', () => {
    const schedule = Array.from({ length: 10 }, (_, hour) => ({ cron: `0 ${hour} * * *`, lasts: '1m', seconds: 1 }))
    let now = Date.parse('2026-05-04T12:30:00Z')
    const promised = objectiveRules(rulesOf([{ consumer: '.*', seconds: 300, owner: 'a', schedule }]), () => now)
    const asked = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts')

    try {
      promised('c', 'orders')
      const first = asked.mock.calls.length
      for (let index = 0; index < 1_000; index++) promised(`c${index}`, 'orders')
      now += 59_999
      promised('c', 'orders')
      expect(asked.mock.calls.length).toBe(first)
      now += 1
      promised('c', 'orders')
      expect(asked.mock.calls.length).toBeGreaterThan(first)
    } finally {
      asked.mockRestore()
    }
  })
})

describe('the schema of objectives', () => {
  const problemsOf = (objective: string): readonly string[] => {
    try {
      loadConfig(configSchema, { text: `objectives: [ { consumer: a, owner: o, ${objective} } ]`, env: {} })
      return []
    } catch (error) {
      if (error instanceof ConfigError) return error.problems
      throw error
    }
  }
  const withoutPlace = (problem: string): string => problem.replace(/ \(1:\d+\)/, '')
  const entry = (text: string): string => `seconds: 300, schedule: [ { ${text} } ]`

  it.each([
    'records: 0',
    'seconds: 1',
    'records: 10, seconds: 300',
    entry('cron: "0 22 * * *", lasts: 8h, timezone: Europe/Berlin, seconds: 3600'),
    entry('cron: "@weekly", lasts: 1m, off: true'),
    entry('cron: "0 0 L * *", lasts: 7d, records: 5, off: false'),
  ])('accepts %s', (text) => {
    expect(problemsOf(text)).toEqual([])
  })

  it('refuses more than ten entries', () => {
    const many = Array.from({ length: 11 }, (_, index) => `{ cron: "${index} 0 * * *", lasts: 1m, off: true }`)

    expect(problemsOf(`seconds: 1, schedule: [ ${many.join(', ')} ]`).map(withoutPlace)).toEqual([
      'objectives[0].schedule: too long, expected at most 10 entries',
    ])
  })

  it.each([
    ['severity: info', 'objectives[0]: nothing is promised, expected "records", "seconds" or both'],
    ['seconds: 0', 'objectives[0].seconds: 0, expected at least 1'],
    [
      entry('cron: "0 25 * * *", lasts: 8h, off: true'),
      'objectives[0].schedule[0].cron: "0 25 * * *", expected a cron pattern of five fields such as "0 22 * * 1-5": 25 is no hour',
    ],
    [
      entry('cron: "30 0 2 * * *", lasts: 8h, off: true'),
      'objectives[0].schedule[0].cron: "30 0 2 * * *", expected a cron pattern of five fields such as "0 22 * * 1-5": it has seconds',
    ],
    [
      entry('cron: "0 2 * * *", lasts: 8h, off: true, timezone: Europe/Berlinn'),
      'objectives[0].schedule[0].timezone: "Europe/Berlinn", expected a time zone such as "Europe/Berlin" or "UTC"',
    ],
    [
      entry('cron: "0 2 * * *", lasts: 8h, off: true, timezone: "+02:00"'),
      'objectives[0].schedule[0].timezone: "+02:00", expected a time zone such as "Europe/Berlin" or "UTC"',
    ],
    [
      entry('cron: "0 2 * * *", lasts: 0s, off: true'),
      'objectives[0].schedule[0].lasts: "0s", expected a duration from 1m to 7d such as "15s", "1m30s" or "500ms"',
    ],
    [
      entry('cron: "0 2 * * *", lasts: 1m30s, off: true'),
      'objectives[0].schedule[0].lasts: "1m30s", expected whole minutes',
    ],
    [
      entry('cron: "0 2 * * *", lasts: 1h, off: true, seconds: 9'),
      'objectives[0].schedule[0].seconds: 9, expected it without "off: true", or "off: true" alone',
    ],
    [
      entry('cron: "0 2 * * *", lasts: 1h'),
      'objectives[0].schedule[0]: without effect, expected "records", "seconds" or "off: true"',
    ],
    [
      entry('cron: "0 2 * * *", lasts: 1h, off: false'),
      'objectives[0].schedule[0]: without effect, expected "records", "seconds" or "off: true"',
    ],
    [
      entry('cron: "0 2 * * *", lasts: 1h, seconds: 300'),
      'objectives[0].schedule[0]: without effect, expected other values than those of the rule itself (seconds)',
    ],
  ])('refuses %s', (text, problem) => {
    expect(problemsOf(text).map(withoutPlace)).toEqual([problem])
  })
})
