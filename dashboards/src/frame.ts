import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  AnnotationQueryBuilder,
  CustomVariableBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { Link } from './links.ts'
import { datasource } from './panels/panel.ts'

const docs = 'https://github.com/lagkeeper/lagkeeper/blob/main/docs'

interface Row {
  readonly title: string
  readonly panels: readonly Builder<Panel>[]
  /** Folded away, so that nothing of it is asked until somebody opens it. */
  readonly isFolded?: true
}

interface Frame {
  readonly uid: string
  /** Behind `Lagkeeper / `. */
  readonly title: string
  readonly description: string
  readonly variables: readonly Builder<VariableModel>[]
  /** Which alerts to mark on the graphs, of ours that fire: matchers, each after a comma. */
  readonly alerts: string
  /** Links of its own, before those that all have. */
  readonly links?: readonly Link[]
  readonly rows: readonly Row[]
}

/** What all dashboards have in common. Rows are made anew for each build: a panel builder hands out one object. */
export function framed({ uid, title, description, variables, alerts, links = [], rows }: Frame): Dashboard {
  const builder = new DashboardBuilder(`Lagkeeper / ${title}`)
    .id(null)
    .uid(uid)
    .description(description)
    .tags(['lagkeeper', 'kafka', 'streaming'])
    .timezone('browser')
    .time({ from: 'now-3h', to: 'now' })
    .refresh('1m')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
  for (const variable of variables) builder.withVariable(variable)
  builder.annotation(
    new AnnotationQueryBuilder()
      .name('Alerts')
      .datasource(datasource)
      .enable(true)
      .iconColor('red')
      .expr(`ALERTS{alertname=~"Lagkeeper.+", alertstate="firing"${alerts}}`)
      .titleFormat('{{alertname}}')
      .textFormat('{{consumer}} {{topic}} {{flink_cluster}} {{flink_job}} {{source}} {{name}}')
      .tagKeys('severity,owner'),
  )
  for (const link of links) builder.link(outside(link))
  builder
    .link(
      new DashboardLinkBuilder('Lagkeeper')
        .type(DashboardLinkType.Dashboards)
        .tags(['lagkeeper'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true)
        .icon('external link'),
    )
    .link(outside({ title: 'What the panels say', url: `${docs}/dashboards.md` }))
    .link(outside({ title: 'Alerts and runbooks', url: `${docs}/alerts.md` }))
  for (const row of rows) {
    const head = new RowBuilder(row.title)
    if (row.isFolded) {
      head.collapsed(true)
      for (const panel of row.panels) head.withPanel(panel)
    }
    builder.withRow(head)
    if (!row.isFolded) for (const panel of row.panels) builder.withPanel(panel)
  }
  return numbered(builder.build())
}

/** Any number of values; "All" matches every value that is there, so that it never grows into a list of thousands. */
export function several(name: string, label: string, query: string): QueryVariableBuilder {
  return values(name, label, query)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ text: 'All', value: '$__all', selected: true })
}

/** Exactly one value: the first, until a link or a reader chooses another. */
export function one(name: string, label: string, query: string): QueryVariableBuilder {
  return values(name, label, query).multi(false).includeAll(false)
}

function values(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
}

/** Over how long it is counted how much of the time an objective was kept. */
export function sloWindow(): CustomVariableBuilder {
  const [first, ...others] = ['1d', '1h', '6h', '7d', '30d']
  return new CustomVariableBuilder('slo_window')
    .label('Objectives over')
    .values([first, ...others].join(','))
    .current({ text: first, value: first, selected: true })
    .options([first, ...others].map((value) => ({ text: value, value, selected: value === first })))
    .multi(false)
    .includeAll(false)
}

/** Where a browser reaches Lagkeeper, for links that ask it for what a series cannot say. */
export function lagkeeperUrl(): TextBoxVariableBuilder {
  const here = 'http://localhost:10390'
  return new TextBoxVariableBuilder('lagkeeper_url')
    .label('Address of Lagkeeper')
    .description('Where your browser reaches Lagkeeper, without a slash at the end; links to explanations go there')
    .defaultValue(here)
    .current({ text: here, value: here, selected: true })
}

function outside({ title, url }: Link): DashboardLinkBuilder {
  return new DashboardLinkBuilder(title).type(DashboardLinkType.Link).icon('doc').url(url).targetBlank(true)
}

/** The SDK leaves panels without an id; Grafana wants one each. */
function numbered(dashboard: Dashboard): Dashboard {
  let id = 0
  for (const panel of dashboard.panels ?? []) {
    panel.id = ++id
    if ('panels' in panel) for (const inner of panel.panels) inner.id = ++id
  }
  return dashboard
}
