import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { dashboardFiles } from '../../dashboards/src/build.ts'
import { hasLabel } from '../alerts/promql.ts'
import { type Dashboard, labelValuesOf, linksOf, type Panel, panelsOf, readDashboards } from './dashboard-file.ts'
import { unknownIn } from './names.ts'

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
const chosen = { type: 'prometheus', uid: '${datasource}' }
const all = readDashboards()
const byUid = new Map(all.map(({ dashboard }) => [dashboard.uid, dashboard]))
const api = readFileSync('docs/openapi.yaml', 'utf8')

/** What Grafana fills in without being told. */
const macros = ['__rate_interval', '__range', '__url_time_range', '__data', '__all']

describe('the dashboards', () => {
  it('are five, whose uids alerts and links may rely on', () => {
    expect(all.map(({ dashboard }) => [dashboard.uid, dashboard.title])).toEqual([
      ['lagkeeper-fleet', 'Lagkeeper / Fleet'],
      ['lagkeeper-consumer', 'Lagkeeper / Consumer'],
      ['lagkeeper-flink-jobs', 'Lagkeeper / Flink jobs'],
      ['lagkeeper-discovery', 'Lagkeeper / Discovery'],
      ['lagkeeper-self', 'Lagkeeper / Lagkeeper itself'],
    ])
  })

  it('build the same bytes every time', () => {
    expect(dashboardFiles()).toEqual(dashboardFiles())
  })
})

describe.each(all)('$file', ({ file, text, dashboard }) => {
  const panels = panelsOf(dashboard)
  const variables = dashboard.templating.list
  const queries = variables.filter(({ type }) => type === 'query')

  it('is committed as its source builds it', () => {
    expect(text).toBe(dashboardFiles()[file])
  })

  it('can be imported and provisioned anywhere', () => {
    expect(dashboard).toMatchObject({ id: null, editable: false, schemaVersion: 42, refresh: '1m' })
    expect(dashboard.uid.length).toBeLessThanOrEqual(40)
    expect(dashboard.tags).toContain('lagkeeper')
    expect(text).not.toContain('__inputs')
  })

  it('asks the chosen data source only', () => {
    const asked = [
      ...panels.flatMap((panel) => [panel.datasource, ...panel.targets.map((target) => target.datasource)]),
      ...dashboard.annotations.list.map((annotation) => annotation.datasource),
      ...queries.map((variable) => variable.datasource),
    ]

    expect(asked.filter((source) => source?.uid !== chosen.uid || source.type !== chosen.type)).toEqual([])
    expect(variables[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' })
  })

  it('reads its variables anew whenever the time changes, and takes all values where it takes several', () => {
    expect(queries.filter(({ refresh }) => refresh !== 2)).toEqual([])
    expect(queries.filter(({ multi, includeAll }) => multi !== includeAll)).toEqual([])
    expect(queries.filter(({ includeAll, allValue }) => includeAll && allValue !== '.+')).toEqual([])
  })

  it('fills its variables from labels that exist', () => {
    for (const { query } of queries) {
      const { selector, label } = labelValuesOf(query)
      const [metric = ''] = selector.split('{')

      expect(unknownIn(selector)).toEqual([])
      expect(hasLabel(metric, label)).toBe(true)
    }
  })

  it('uses every variable that it has, and has every one that it uses', () => {
    const used = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name).filter((name) => !macros.includes(name))

    expect([...new Set(used)].sort()).toEqual(variables.map(({ name }) => name).sort())
  })

  it('compares by pattern with what may be several values, and by equality with what is one', () => {
    for (const { name, multi } of queries) {
      const asked = [
        ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
        ...queries.map(({ query }) => labelValuesOf(query).selector),
      ]
      const operators = new Set(
        asked.flatMap((expr) =>
          [...expr.matchAll(new RegExp(`(=~|=)"\\$${name}"`, 'g'))].map(([, operator]) => operator),
        ),
      )

      expect([...operators]).toEqual([multi ? '=~' : '='])
    }
  })

  it('begins with what is so now', () => {
    expect(dashboard.panels[0]).toMatchObject({ type: 'row', title: 'Now' })
    expect(dashboard.panels[1]?.type).toBe('stat')
  })

  it('numbers its panels, names each once, and lets none cover another', () => {
    const open = dashboard.panels
    const ids = open.flatMap((panel) => [panel.id, ...panel.panels.map(({ id }) => id)])

    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
    expect(open.flatMap((panel) => open.filter((other) => other.id > panel.id && overlap(panel, other)))).toEqual([])
    expect(open.filter(({ gridPos }) => gridPos.x + gridPos.w > 24)).toEqual([])
  })

  it('marks the alerts that concern it by labels that exist', () => {
    expect(dashboard.annotations.list.flatMap(({ expr }) => unknownIn(expr))).toEqual([])
    expect(dashboard.annotations.list.map(({ expr }) => expr)).toEqual([
      expect.stringMatching(/^ALERTS\{alertname=~"Lagkeeper\.\+", alertstate="firing"/),
    ])
  })

  it('leads to the other dashboards with its variables and its time, and to the pages that explain it', () => {
    expect(dashboard.links).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'dashboards', tags: ['lagkeeper'], includeVars: true, keepTime: true }),
        expect.objectContaining({ url: 'https://github.com/lagkeeper/lagkeeper/blob/main/docs/dashboards.md' }),
        expect.objectContaining({ url: 'https://github.com/lagkeeper/lagkeeper/blob/main/docs/alerts.md' }),
      ]),
    )
  })

  it('links from its panels to dashboards, variables and answers that there are', () => {
    for (const { url = '' } of [...dashboard.links, ...panels.flatMap(linksOf)]) {
      if (url.startsWith('/d/')) expect(unknownVariables(url)).toEqual([])
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
      const [before, path] = url.split('${lagkeeper_url:raw}')
      if (path !== undefined)
        expect([before, api]).toEqual(['', expect.stringContaining(`\n  ${path.split('?')[0]}:\n`)])
    }
  })
})

describe('links to dashboards in alerts', () => {
  it.each(['lag', 'jobs', 'discovery', 'self'])(
    'of %s.yaml lead to dashboards and variables that there are',
    (name) => {
      const urls = [...readFileSync(`alerts/${name}.yaml`, 'utf8').matchAll(/dashboard_url: \S+?(\/d\/.+)$/gm)].map(
        ([, url = '']) => url,
      )

      expect(urls.length).toBeGreaterThan(0)
      expect(urls.flatMap(unknownVariables)).toEqual([])
    },
  )
})

/** What is wrong with a link to a dashboard. */
function unknownVariables(url: string): readonly string[] {
  const [, uid = ''] = /^\/d\/([\w-]+)/.exec(url) ?? []
  const dashboard: Dashboard | undefined = byUid.get(uid)
  if (dashboard === undefined) return [`no dashboard "${uid}"`]
  const set = [...url.matchAll(/[?&]var-(\w+)=/g)].map(([, name = '']) => name)
  return set.filter((name) => !dashboard.templating.list.some((variable) => variable.name === name))
}

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}
