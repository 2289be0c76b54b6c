import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { datasource } from './panels.ts'
import { cluster, consumer } from './queries.ts'
import { attention } from './rows/attention.ts'
import { discovery } from './rows/discovery.ts'
import { flow } from './rows/flow.ts'
import { lag, partitions } from './rows/lag.ts'
import { self } from './rows/self.ts'

const docs = 'https://github.com/lagkeeper/lagkeeper/blob/main/docs'

/** The first page for everybody: who needs help, how far behind all are, and whether Lagkeeper itself is well. */
export function fleetOverview(): Dashboard {
  const builder = new DashboardBuilder('Lagkeeper / Fleet overview')
    .id(null)
    .uid('lagkeeper-fleet-overview')
    .description('Every consumer that Lagkeeper watches, those that need attention first')
    .tags(['lagkeeper', 'kafka', 'streaming'])
    .timezone('browser')
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(
      choice('kafka_cluster', 'Kafka cluster', 'label_values(lagkeeper_cycle_duration_seconds, kafka_cluster)'),
    )
    .withVariable(choice('consumer', 'Consumer', `label_values(stream_consumer_present{${cluster}}, consumer)`))
    .withVariable(choice('topic', 'Topic', `label_values(stream_consumer_partitions{${consumer}}, topic)`))
    .annotation(
      new AnnotationQueryBuilder()
        .name('Alerts')
        .datasource(datasource)
        .enable(true)
        .iconColor('red')
        .expr(`ALERTS{alertname=~"Lagkeeper.+", alertstate="firing", kafka_cluster=~"$kafka_cluster|"}`)
        .titleFormat('{{alertname}}')
        .textFormat('{{consumer}} {{topic}} {{source}} {{name}}')
        .tagKeys('severity,owner'),
    )
    .link(link('What the panels say', `${docs}/dashboards.md`))
    .link(link('Alerts and runbooks', `${docs}/alerts.md`))
  const rows: readonly (readonly [string, readonly Builder<Panel>[]])[] = [
    ['Needs attention', attention()],
    ['Lag', lag()],
    ['Produce and consume', flow()],
    ['Discovery', discovery()],
    ['Lagkeeper itself', self()],
  ]
  for (const [title, panels] of rows) {
    builder.withRow(new RowBuilder(title))
    for (const panel of panels) builder.withPanel(panel)
  }
  const folded = new RowBuilder('Partitions: choose a consumer first').collapsed(true)
  for (const panel of partitions()) folded.withPanel(panel)
  return numbered(builder.withRow(folded).build())
}

/** Any number of values; "All" matches every value that is there, so that it never grows into a list of thousands. */
function choice(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ text: 'All', value: '$__all', selected: true })
}

function link(title: string, url: string): DashboardLinkBuilder {
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
