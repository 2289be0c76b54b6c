import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { severities } from '../../src/model/objective.ts'
import { families, hasLabel, readExpression, unknownNames } from './promql.ts'
import { type RuleTest, root, ruleFiles, rules, ruleTests, testFiles } from './rule-files.ts'

const runbooks = join(root, 'docs/runbooks')
const names = rules.map((rule) => rule.alert)
const catalogue = readFileSync(join(root, 'docs/alerts.md'), 'utf8').replaceAll(/ {2,}/g, ' ')

describe.each(rules)('alert $alert', ({ alert, expr, labels, annotations, ...rule }) => {
  it('has a name of its own that begins with Lagkeeper', () => {
    expect(alert).toMatch(/^Lagkeeper([A-Z][a-z]+)+$/)
    expect(names.filter((name) => name === alert)).toHaveLength(1)
  })

  it('uses only metrics and labels that exist', () => {
    expect(unknownNames(expr)).toEqual([])
  })

  it('compares, or asks for an absence', () => {
    expect(expr).toMatch(/[<>]|==|\babsent\(/)
  })

  it('has a severity: its own, or that of the objective', () => {
    const severity = labels['severity']

    if (severity === undefined) expect(expr).toContain('stream_consumer_objective_records')
    else expect(severities).toContain(severity)
  })

  it('keeps changing values out of its labels, since each would be an alert of its own', () => {
    expect(Object.values(labels).join(' ')).not.toMatch(/\$value|\.Value/)
  })

  it('says the same summary for all its instances, and a description, in sentences', () => {
    expect(annotations.summary).toMatch(/^[A-Z][^{}]*\.$/)
    expect(annotations.description).toMatch(/\.$/)
  })

  it('reads only labels that its expression can carry', () => {
    const text = [annotations.description, annotations.dashboard_url, ...Object.values(labels)].join(' ')
    const used = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label)
    const { metrics } = readExpression(expr)

    expect(used.filter((label) => !metrics.some((metric) => hasLabel(metric, label)))).toEqual([])
  })

  it('has a runbook that says what it means, what it does, how to look and what to do', () => {
    const page = readFileSync(join(runbooks, `${alert}.md`), 'utf8')
    const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title)

    expect(annotations.runbook_url).toBe(`https://github.com/lagkeeper/lagkeeper/blob/main/docs/runbooks/${alert}.md`)
    expect(page.startsWith(`# ${alert}\n`)).toBe(true)
    expect(sections).toEqual(['Meaning', 'Impact', 'Diagnose', 'Mitigate'])
  })

  it('stands in the catalogue with its severity and its waiting time', () => {
    const row = catalogue.split('\n').find((line) => line.startsWith(`| [${alert}](runbooks/${alert}.md) |`))

    expect(row).toContain(`| ${labels['severity'] ?? 'of the objective'} |`)
    expect(row).toContain(`| ${rule.for} |`)
  })

  it('links to the dashboard that is shipped', () => {
    const url = new URL(annotations.dashboard_url.replaceAll(/\{\{.*?\}\}/g, 'x'))

    expect(url.pathname).toBe('/d/lagkeeper-fleet-overview')
    expect([...url.searchParams.keys()].filter((key) => !/^var-(kafka_cluster|consumer|topic)$/.test(key))).toEqual([])
  })

  it('has a case that fires', () => {
    const found = casesOf(alert, 'fires')

    expect(found.some((test) => checksOf(test, alert).some(isFiring))).toBe(true)
  })

  it('has a case that stays silent', () => {
    const found = casesOf(alert, 'stays silent')

    expect(found.length).toBeGreaterThan(0)
    expect(found.flatMap((test) => checksOf(test, alert)).filter(isFiring)).toEqual([])
    expect(found.every((test) => checksOf(test, alert).length > 0)).toBe(true)
  })

  it('has a case that resolves: firing, then not', () => {
    const found = casesOf(alert, 'resolves')

    expect(found.some((test) => resolves(test, alert))).toBe(true)
  })
})

describe('the cases of the alerts', () => {
  it('belong to an alert and look at that one only', () => {
    const strangers = ruleTests.filter(({ name, alert_rule_test }) => {
      const [alert = ''] = name.split(' ')
      return !names.includes(alert) || alert_rule_test.some((check) => check.alertname !== alert)
    })

    expect(strangers.map(({ name }) => name)).toEqual([])
  })

  it('feed only series that Lagkeeper prints, with their very labels', () => {
    const wrong = ruleTests.flatMap(({ input_series }) => input_series.map(({ series }) => series)).filter(isInvented)

    expect(wrong).toEqual([])
  })

  it('stand beside each rule file', () => {
    expect(testFiles.map((file) => file.replace('.test', ''))).toEqual(ruleFiles)
  })
})

it('keeps no runbook without an alert', () => {
  expect(
    existsSync(runbooks) && readdirSync(runbooks).filter((file) => !names.includes(file.replace('.md', ''))),
  ).toEqual([])
})

type Check = RuleTest['alert_rule_test'][number]

function casesOf(alert: string, does: 'fires' | 'stays silent' | 'resolves'): readonly RuleTest[] {
  return ruleTests.filter(({ name }) => name.startsWith(`${alert} ${does}`))
}

function checksOf(test: RuleTest, alert: string): readonly Check[] {
  return test.alert_rule_test.filter((check) => check.alertname === alert)
}

function isFiring(check: Check): boolean {
  return check.exp_alerts.length > 0
}

function resolves(test: RuleTest, alert: string): boolean {
  const checks = checksOf(test, alert).toSorted((a, b) => seconds(a.eval_time) - seconds(b.eval_time))
  const last = checks.at(-1)
  return checks.some(isFiring) && last !== undefined && !isFiring(last)
}

function seconds(duration: string): number {
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 }
  let total = 0
  for (const [, count, unit = ''] of duration.matchAll(/(\d+)([smh])/g)) total += Number(count) * (units[unit] ?? 0)
  return total
}

/** A series of ours must carry exactly the labels of its family, beside those of the scrape. */
function isInvented(series: string): boolean {
  const { metrics, matched } = readExpression(series)
  const family = families.get(metrics[0] ?? '')
  const given = matched.map(({ label }) => label)
  if (family === undefined) return unknownNames(series).length > 0
  return family.labels.some((label) => !given.includes(label)) || given.some((label) => !hasLabel(family.name, label))
}
