import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createScrapes } from '../../src/replay/input-series.ts'
import { metricNames } from '../../src/replay/metric-names.ts'
import { asksForCalendar, mostSamples, readRules } from '../../src/replay/rule-files.ts'
import { ConfigError } from '../../src/runtime/errors.ts'
import { fakeSnapshot } from '../fakes/snapshot.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-rules-'))
afterAll(() => rmSync(folder, { recursive: true }))

function rules(text: string): string {
  const path = join(folder, 'rules.yaml')
  writeFileSync(path, text)
  return path
}

describe('the metrics that an expression reads', () => {
  it.each([
    ['up == 0', ['up']],
    ['sum by (consumer, topic) (rate(a_total{topic="b"}[5m])) > 0.5e3', ['a_total']],
    ['a * on (x) group_left (y) b unless ignoring (z) c offset 5m', ['a', 'b', 'c']],
    ['label_replace(a, "topic", "$1", "other", "b(.*)")', ['a']],
    ['max_over_time(job:a:sum[10m:30s]) > bool inf and time() - a < 3', ['job:a:sum', 'a']],
    ["a{b='}'} # and c\n or d", ['a', 'd']],
  ])('%s', (expression, names) => {
    expect([...metricNames(expression)]).toEqual(names)
  })
})

describe('rules for a replay', () => {
  it('are left out where they read what no recording has, and whatever builds on that', () => {
    const path = rules(`
groups:
  - name: g
    rules:
      - { record: "job:lag:max", expr: "max(stream_consumer_topic_records_lag)" }
      - { record: "job:up:max", expr: "max(lagkeeper_source_up)" }
      - { alert: A, expr: "job:lag:max > 1", for: 5m, labels: { severity: page } }
      - { alert: B, expr: "job:up:max == 0" }
      - { alert: C, expr: "kafka_consumergroup_lag > 1 and up" }
`)

    const { groups, leftOut, metrics } = readRules([path, path])

    expect(groups.map(({ name }) => name)).toEqual(['1 g', '2 g'])
    expect(groups[0]?.rules.map(({ record, alert }) => record ?? alert)).toEqual(['job:lag:max', 'A', 'C'])
    expect(groups[0]?.rules[1]).toEqual({
      alert: 'A',
      expr: 'job:lag:max > 1',
      for: '5m',
      labels: { severity: 'page' },
    })
    expect(leftOut).toEqual([
      { alert: 'B', needs: ['job:up:max'] },
      { alert: 'B', needs: ['job:up:max'] },
    ])
    expect([...metrics].sort()).toEqual(['kafka_consumergroup_lag', 'stream_consumer_topic_records_lag', 'up'])
  })

  it('say how far they look back, and whether they look at a calendar', () => {
    const read = (expr: string) =>
      readRules([rules(`groups: [ { name: g, rules: [ { alert: A, expr: '${expr}' } ] } ]`)])

    expect(mostSamples(read('up'), 15)).toBe(1)
    expect(mostSamples(read('max_over_time(up[10m]) and avg_over_time(up[1h:5m])'), 15)).toBe(40)
    expect(asksForCalendar(read('up and hour() > 8'))).toBe(true)
    expect(asksForCalendar(read('up'))).toBe(false)
  })

  it.each([
    ['groups: [', /line 1: /],
    ['groups: 5', /groups: .*expected rules of Prometheus/],
    ['groups: [ { name: g, rules: [ { alert: A } ] } ]', /groups\.0\.rules\.0\.expr: .*expected rules/],
  ])('are refused when they are none: %s', (text, message) => {
    expect(() => readRules([rules(text)])).toThrow(ConfigError)
    expect(() => readRules([rules(text)])).toThrow(message)
  })

  it('are refused when they are not there', () => {
    expect(() => readRules([join(folder, 'none')])).toThrow(/--rules: ".*none": no such file/)
  })
})

describe('what Prometheus would have stored', () => {
  it('is written with its repetitions, its gaps and its ends', async () => {
    const scrapes = createScrapes({
      metrics: new Set(['stream_consumer_topic_records_lag', 'up']),
      epoch: 1_000,
      lead: 2,
    })
    const at = (position: bigint) =>
      fakeSnapshot([
        { consumer: { name: 'g', kind: 'classic' }, topic: 't', partition: 0, position, start: 0n, end: 9n },
      ])
    const [lagging, well] = [at(5n), at(9n)]
    for (const page of [lagging, lagging, well, undefined, undefined, well]) await scrapes.scrape(page)

    const target = 'job="lagkeeper",instance="replay"'
    expect(await scrapes.done()).toEqual([
      { series: `up{${target}}`, values: '_x2 1+0x2 0+0x1 1', consumer: undefined },
      {
        series: `stream_consumer_topic_records_lag{kafka_cluster="main",consumer="g",topic="t",${target}}`,
        values: '_x2 4+0x1 0 stale _ 0',
        consumer: 'g',
      },
    ])
  })
})
