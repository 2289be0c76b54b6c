import * as units from '@grafana/grafana-foundation-sdk/units'
import { describe, expect, it } from 'vitest'
import { panelsOf, readDashboards } from './dashboard-file.ts'
import { unknownIn } from './names.ts'

const panels = readDashboards().flatMap(({ dashboard }) =>
  panelsOf(dashboard).map((panel) => ({ ...panel, name: `${dashboard.title}: ${panel.title}` })),
)
const known: ReadonlySet<unknown> = new Set(Object.values(units))
const kinds = ['stat', 'timeseries', 'table', 'state-timeline']

describe.each(panels)('panel "$name"', (panel) => {
  it('is of a kind that every Grafana has, and says what it shows, in which unit', () => {
    expect(kinds).toContain(panel.type)
    expect(panel.description).toMatch(/^\S.*\.$/s)
    expect([...known]).toContain(panel.fieldConfig?.defaults.unit)
  })

  it('asks for metrics and labels that exist, each with the function of its type', () => {
    expect(panel.targets.length).toBeGreaterThan(0)
    expect(panel.targets.flatMap(({ expr }) => unknownIn(expr))).toEqual([])
  })

  it('fits its windows to the scrape interval, the shown time or the chosen window', () => {
    for (const { expr } of panel.targets) {
      const windows = [...expr.matchAll(/\[([^\]]*)\]/g)].map(([, window]) => window)
      const ofRates = [...expr.matchAll(/\brate\([^[]*\[([^\]]*)\]/g)].map(([, window]) => window)

      expect(
        windows.filter((window) => !['$__rate_interval', '$__range', '$slo_window:5m'].includes(window ?? '')),
      ).toEqual([])
      expect(ofRates.filter((window) => window !== '$__rate_interval')).toEqual([])
    }
  })

  it('counts with rates and increases only', () => {
    const bare = panel.targets.filter(({ expr }) => /(?<!(?:rate|increase)\()\b\w+_total\b/.test(expr))

    expect(bare).toEqual([])
  })

  it('asks once or over the time, and never mixes up its queries', () => {
    const isOverTime = panel.type === 'timeseries' || panel.type === 'state-timeline'

    expect(panel.targets.every(({ instant, range }) => (isOverTime ? range : instant) === true)).toBe(true)
    expect(new Set(panel.targets.map(({ refId }) => refId)).size).toBe(panel.targets.length)
  })
})
