import { describe, expect, it } from 'vitest'
import { hasLabel, readExpression } from './promql.ts'
import { alerts, groups, recordings } from './rule-files.ts'

// What pint looks at without a server, as far as it can be seen in the text; pint itself reads the rules in
// test/matrix/pint.test.ts. Whether an expression can come true at all is shown by the cases.

const expressions = [
  ...alerts.map(({ alert, expr }) => ({ name: alert, expr })),
  ...recordings.map(({ record, expr }) => ({ name: record, expr })),
]

describe.each(expressions)('the expression of $name', ({ expr }) => {
  it('looks back over two scrapes at least', () => {
    const ranges = [...expr.matchAll(/\[(\d+)([smhd])/g)].map(([, count, unit = '']) => Number(count) * secondsOf(unit))

    expect(ranges.filter((range) => range < 60)).toEqual([])
  })

  it('matches whole values, and by a pattern only where there is one', () => {
    const patterns = [...expr.matchAll(/[=!]~"([^"]*)"/g)].map(([, pattern = '']) => pattern)

    expect(patterns.filter((pattern) => /^\^|\$$/.test(pattern) || !/[.|[(*+?]/.test(pattern))).toEqual([])
  })

  it('chooses no few of many, which would change with every look', () => {
    expect(expr).not.toMatch(/\b(topk|bottomk|limitk|limit_ratio)\b/)
  })

  it('compares no count with nothing, which is empty and not 0', () => {
    expect(expr).not.toMatch(/\bcount\b[^<>=]*\)\s*(==|<=)\s*0|\brate\([^)]*\)\s*<\s*0/)
  })
})

describe.each(alerts)('alert $alert', ({ expr, labels, annotations, ...rule }) => {
  const text = [annotations.description, annotations.dashboard_url, ...Object.values(labels)].join(' ')
  const used = [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label)

  it('compares, or asks for an absence and waits', () => {
    expect(expr).toMatch(/[<>]|==|\babsent\(/)
    if (expr.includes('absent(')) expect(rule.for).toBeDefined()
  })

  it('waits for some time or says nothing of it', () => {
    expect(
      [rule.for, rule.keep_firing_for].filter((time) => time !== undefined && !/^[1-9]\d*[mh]$/.test(time)),
    ).toEqual([])
  })

  it('keeps changing values out of its labels, since each would be an alert of its own', () => {
    expect(Object.values(labels).join(' ')).not.toMatch(/\$value|\.Value/)
  })

  it('reads only labels that its expression can carry', () => {
    const { metrics } = readExpression(expr)

    expect(used.filter((label) => !metrics.some((metric) => hasLabel(metric, label)))).toEqual([])
  })

  it('reads no label that its expression takes away', () => {
    const gone = [...expr.matchAll(/\bwithout \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(', '))
    const kept = [...expr.matchAll(/\bby \(([^)]*)\)/g)].map(([, names = '']) => names.split(', '))

    expect(used.filter((label) => gone.includes(label))).toEqual([])
    expect(used.filter((label) => kept.some((names) => !names.includes(label)))).toEqual([])
  })

  it('is one for all replicas where it speaks of a consumer or a job', () => {
    if (!/\$labels\.(consumer|flink_job)\b/.test(text)) return

    expect(expr).toMatch(/without \(instance, pod|\w:\w/)
    expect(used).not.toContain('instance')
  })
})

describe('the groups', () => {
  it('are looked at often enough that no sample is older than the five minutes Prometheus looks back', () => {
    expect(groups.map(({ interval = '15s' }) => interval).filter((interval) => !/^(\d+s|1m)$/.test(interval))).toEqual(
      [],
    )
  })

  it('have names and expressions of their own', () => {
    const names = groups.map(({ name }) => name)
    const texts = expressions.map(({ expr }) => expr)

    expect(names).toEqual([...new Set(names)])
    expect(texts).toEqual([...new Set(texts)])
  })

  it('record before they use, and only what is used', () => {
    const early: string[] = []
    const recorded = new Set<string>()
    const usedLater = new Set<string>()
    for (const rule of groups.flatMap((group) => group.rules)) {
      const names = readExpression(rule.expr).metrics.filter((metric) => metric.includes(':'))
      early.push(...names.filter((name) => !recorded.has(name)))
      for (const name of names) usedLater.add(name)
      if ('record' in rule) recorded.add(rule.record)
    }

    expect(early).toEqual([])
    expect([...recorded].filter((name) => !usedLater.has(name))).toEqual([])
  })
})

function secondsOf(unit: string): number {
  return { s: 1, m: 60, h: 3_600, d: 86_400 }[unit] ?? 0
}
