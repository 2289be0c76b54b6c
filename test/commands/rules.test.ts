import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { rulesCommand } from '../../src/commands/rules.ts'
import { units } from '../../src/commands/rules-units.ts'
import { unknownNames } from '../alerts/promql.ts'
import { captureIo } from '../fakes/io.ts'

const directory = mkdtempSync(join(tmpdir(), 'lagkeeper-rules-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const file = join(directory, 'config.yaml')

async function run(objectives: readonly string[], ...more: readonly string[]) {
  writeFileSync(
    file,
    ['kafka: [ { name: main, bootstrap: "b:1" }, { name: edge, bootstrap: "b:1" } ]', 'objectives:']
      .concat(objectives.length === 0 ? '  []' : objectives.map((one) => `  - { ${one} }`))
      .join('\n'),
  )
  return command(`--config.file=${file}`, ...more)
}

async function command(...argv: readonly string[]) {
  const { io, out, err } = captureIo()
  const code = await rulesCommand(argv, io)
  return { code, out: out(), err: err() }
}

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

function rulesOf(text: string): readonly Rule[] {
  const { groups } = parse(text)
  return groups.flatMap(({ rules }: { readonly rules: readonly Rule[] }) => rules)
}

function alertsOf(text: string): readonly Rule[] {
  return rulesOf(text).filter(({ alert }) => alert !== undefined)
}

/** Without what restricts them to consumers that have an objective among the series, which is nobody here. */
const shipped = rulesOf(
  readFileSync(join(import.meta.dirname, '../../alerts/lag.yaml'), 'utf8').replaceAll(
    /\n +and ignoring \(owner, severity\) topic:stream_consumer_objective:any/g,
    '',
  ),
)

describe('lagkeeper rules', () => {
  it('prints exactly this for a promise in both units with a schedule', async () => {
    const { code, out, err } = await run(
      [
        'consumer: orders-audit, topic: orders, records: 500, owner: audit, severity: critical',
        'consumer: "orders.*", records: 10000, seconds: 300, owner: payments, severity: critical, schedule: [ { cron: "0 3 * * 0", lasts: 2h, off: true }, { cron: "0 22 * * *", lasts: 8h, timezone: Asia/Tokyo, seconds: 3600 } ]',
      ],
      '--kafka.cluster=main',
    )

    expect({ code, err }).toEqual({ code: 0, err: '' })
    await expect(out).toMatchFileSnapshot('../fixtures/rules/both-units.yaml')
  })

  it('records and says the same as alerts/lag.yaml, but for the names of what it records', async () => {
    const { out } = await run(['consumer: a, records: 5, seconds: 6, owner: o'])
    const made = rulesOf(out.replaceAll(/(:floor|:last|:twice|:min|:tail|:excused)_here/g, '$1'))
    const recorded = made.filter(({ record }) => record !== undefined)

    expect(recorded).toHaveLength(8)
    for (const rule of recorded) expect(shipped.find(({ record }) => record === rule.record)).toEqual(rule)
    for (const { alert } of units) {
      const { expr, labels, ...mine } = made.find((rule) => rule.alert === alert) ?? { expr: '' }
      const { expr: theirs, ...others } = shipped.find((rule) => rule.alert === alert) ?? { expr: '' }
      expect(labels).toEqual({ owner: 'o', severity: 'warning' })
      expect(mine).toEqual(JSON.parse(JSON.stringify(others).replaceAll('{{ $labels.owner }}', 'o')))
      expect(theirs.split(/\s*> ignoring/)[0]).toBe(expr.split('{')[0])
    }
  })

  it('records only what it compares', async () => {
    const { out } = await run(['consumer: a, records: 5, owner: o'])

    expect(rulesOf(out).map(({ record }) => record?.split(':')[1])).toEqual([
      'stream_consumer_time_lag_seconds',
      'stream_consumer_topic_records_lag',
      'stream_consumer_commit_interval_seconds',
      'stream_consumer_commit_age_seconds',
      'stream_consumer_topic_records_lag',
      'stream_consumer_commit_age_seconds',
      'stream_consumer_topic_records_lag',
      undefined,
    ])
  })

  it('uses only metrics and labels that exist', async () => {
    const { out } = await run(['consumer: a, topic: b, records: 5, seconds: 6, owner: o'], '--kafka.cluster=edge')

    expect(
      rulesOf(out.replaceAll(/topic:\w+:\w+/g, 'stream_consumer_time_lag_seconds')).flatMap(({ expr }) =>
        unknownNames(expr),
      ),
    ).toEqual([])
  })

  it('takes the first rule of each severity, whatever its unit', async () => {
    const { out } = await run([
      'consumer: "a.*", seconds: 60, owner: x',
      'consumer: ".*", records: 5, owner: y',
      'consumer: ".*", records: 9, owner: z, severity: critical',
    ])

    expect(alertsOf(out).map(({ expr, labels }) => `${labels?.['severity']} ${expr}`)).toEqual([
      'warning topic:stream_consumer_time_lag_seconds:floor_here{consumer=~"a.*"} > 60',
      'warning topic:stream_consumer_topic_records_lag:floor_here{consumer!~"a.*"} > 5',
      'critical topic:stream_consumer_topic_records_lag:floor_here > 9',
    ])
  })

  it('says in a comment that an objective never counts, and makes no alert of it', async () => {
    const { code, out } = await run(['consumer: ".*", records: 5, owner: y', 'consumer: a, seconds: 5, owner: z'])

    expect(code).toBe(0)
    expect(out).toContain('# objectives[1]: consumer "a", topic ".*"\n      # No alert: earlier objectives')
    expect(alertsOf(out)).toHaveLength(1)
  })

  it('names what it had to leave out, in the rules and on standard error, and ends with 1', async () => {
    const { code, out, err } = await run([
      'consumer: a, records: 5, owner: y, schedule: [ { cron: "0 22 * * *", lasts: 8h, timezone: Europe/Berlin, off: true } ]',
    ])
    const line =
      'Left out: objectives[0].schedule[0]: "0 22 * * *" cannot be said in PromQL: the clock of Europe/Berlin changes with the seasons; what is promised at other times is promised then too\n'

    expect([code, err]).toEqual([1, line])
    expect(out).toContain(`      # ${line}`)
    expect(alertsOf(out)).toHaveLength(1)
  })

  it('keeps an owner what it is, although Prometheus expands templates in labels', async () => {
    const { out } = await run([`consumer: a, records: 5, owner: '{{ "x" }} é'`])

    expect(alertsOf(out)[0]?.labels?.['owner']).toBe('{{ "{{" }} "x" }} é')
  })

  it('prints a group without rules when there are no objectives, and says so', async () => {
    const { code, out, err } = await run([])

    expect(code).toBe(0)
    expect(parse(out)).toEqual({ groups: [] })
    expect(err).toContain('objectives: none')
  })

  it.each([
    [['--help'], 0, ''],
    [[], 2, '--config.file: missing, expected FILE'],
    [['--config.file=/nowhere.yaml'], 2, '/nowhere.yaml'],
    [['--config.file', file, '--kafka.cluster=west'], 2, '--kafka.cluster: "west", expected one of main, edge'],
    [['--config.file', file, '--clusters'], 2, "'--clusters'"],
  ])('ends %j with %d', async (argv, code, problem) => {
    await run([])
    const result = await command(...argv)

    expect(result.code).toBe(code)
    expect(result.err).toContain(problem)
    expect(result.out.startsWith(code === 0 ? 'Usage: lagkeeper rules' : '')).toBe(true)
  })
})
