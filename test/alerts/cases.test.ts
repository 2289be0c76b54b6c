import { describe, expect, it } from 'vitest'
import { families, hasLabel, readExpression, unknownNames } from './promql.ts'
import { alerts, type RuleTest, ruleFiles, ruleTests, testFiles } from './rule-files.ts'

const names = alerts.map((rule) => rule.alert)

describe.each(names)('alert %s', (alert) => {
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

  it('stand in a file, or several, beside each rule file', () => {
    expect(new Set(testFiles.map((file) => file.replace(/(-\w+)?\.test/, '')))).toEqual(new Set(ruleFiles))
  })
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
