import { describe, expect, it } from 'vitest'
import { dashboardFiles } from '../../dashboards/src/build.ts'
import { hasLabel, unknownNames } from '../alerts/promql.ts'
import { labelValuesOf, type Panel, panelsOf, readDashboard } from './dashboard-file.ts'

const { text, dashboard } = readDashboard('fleet-overview.json')
const panels = panelsOf(dashboard)
const variables = dashboard.templating.list
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
const chosen = { type: 'prometheus', uid: '${datasource}' }

describe('the Fleet overview', () => {
  it('is committed as its source builds it', () => {
    expect(text).toBe(dashboardFiles()['fleet-overview.json'])
  })

  it('builds the same bytes every time', () => {
    expect(dashboardFiles()).toEqual(dashboardFiles())
  })

  it('can be imported and provisioned anywhere', () => {
    expect(dashboard).toMatchObject({
      uid: 'lagkeeper-fleet-overview',
      title: 'Lagkeeper / Fleet overview',
      editable: false,
      schemaVersion: 42,
    })
    expect(dashboard.tags).toContain('lagkeeper')
    expect(text).not.toContain('__inputs')
  })

  it('asks the chosen data source only', () => {
    const asked = [
      ...panels.flatMap((panel) => [panel.datasource, ...panel.targets.map((target) => target.datasource)]),
      ...dashboard.annotations.list.map((annotation) => annotation.datasource),
      ...variables.filter(({ type }) => type === 'query').map((variable) => variable.datasource),
    ]

    expect(asked.filter((source) => source?.uid !== chosen.uid || source.type !== chosen.type)).toEqual([])
    expect(variables[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' })
  })

  it('has variables for Kafka cluster, consumer and topic, each taking several values or all', () => {
    const queries = variables.filter(({ type }) => type === 'query')

    expect(queries.map(({ name }) => name)).toEqual(['kafka_cluster', 'consumer', 'topic'])
    expect(
      queries.every(
        ({ multi, includeAll, refresh, allValue }) => multi && includeAll && refresh === 2 && allValue === '.+',
      ),
    ).toBe(true)
  })

  it('fills its variables from labels that exist', () => {
    for (const { query } of variables.filter(({ type }) => type === 'query')) {
      const { selector, label } = labelValuesOf(query)
      const [metric = ''] = selector.split('{')

      expect(unknownNames(selector)).toEqual([])
      expect(hasLabel(metric, label)).toBe(true)
    }
  })

  it('begins with what needs attention', () => {
    const rows = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title)

    expect(rows[0]).toBe('Needs attention')
    expect(dashboard.panels[0]?.type).toBe('row')
  })

  it('numbers its panels, and lets none cover another', () => {
    const open = dashboard.panels
    const ids = dashboard.panels.flatMap((panel) => [panel.id, ...panel.panels.map(({ id }) => id)])

    expect(new Set(ids).size).toBe(ids.length)
    expect(open.flatMap((panel) => open.filter((other) => other.id > panel.id && overlap(panel, other)))).toEqual([])
    expect(open.filter(({ gridPos }) => gridPos.x + gridPos.w > 24)).toEqual([])
  })

  it('marks its alerts on the graphs by names that exist', () => {
    expect(dashboard.annotations.list.flatMap(({ expr }) => unknownNames(expr))).toEqual([])
  })

  it('links to the pages that explain it', () => {
    expect(dashboard.links.map(({ url }) => url)).toEqual([
      'https://github.com/lagkeeper/lagkeeper/blob/main/docs/dashboards.md',
      'https://github.com/lagkeeper/lagkeeper/blob/main/docs/alerts.md',
    ])
  })
})

describe.each(panels)('panel "$title"', (panel) => {
  it('says what it shows, in which unit', () => {
    expect(panel.description).toMatch(/^\S.{20,}\.$/)
    expect(panel.fieldConfig?.defaults.unit).toMatch(/^\w+$/)
    expect(panels.filter(({ title }) => title === panel.title)).toHaveLength(1)
  })

  it('asks for metrics and labels that exist, each with the function of its type', () => {
    expect(panel.targets.length).toBeGreaterThan(0)
    expect(panel.targets.flatMap(({ expr }) => unknownNames(expr))).toEqual([])
  })

  it('fits its windows to the scrape interval', () => {
    const windows = panel.targets.flatMap(({ expr }) => [...expr.matchAll(/\[([^\]]*)\]/g)].map(([, window]) => window))

    expect(windows.filter((window) => window !== '$__rate_interval')).toEqual([])
  })

  it('aggregates counters only after a rate', () => {
    const bare = panel.targets.filter(({ expr }) => /(?<!rate\()\b\w+_total\b(?!_)/.test(expr))

    expect(bare).toEqual([])
  })

  it('asks once or over the time, and never mixes up its queries', () => {
    expect(panel.targets.every(({ instant, range }) => (panel.type === 'timeseries' ? range : instant) === true)).toBe(
      true,
    )
    expect(new Set(panel.targets.map(({ refId }) => refId)).size).toBe(panel.targets.length)
  })
})

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}
