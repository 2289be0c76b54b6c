import {
  BigValueColorMode,
  BigValueGraphMode,
  type DataSourceRef,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type DynamicConfigValue,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'

/** Every panel and variable asks whatever Prometheus the reader chose: no `__inputs`, no fixed uid. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
export const datasource: DataSourceRef = { type: 'prometheus', uid: '${datasource}' }

/** What every panel must say about itself. */
interface Panel {
  readonly title: string
  /** What it shows, and what a reader should make of it. */
  readonly description: string
  /** A unit id of Grafana. */
  readonly unit: string
  /** Of 24 columns. */
  readonly width: number
}

interface Stat extends Panel {
  readonly query: string
  readonly thresholds: readonly Threshold[]
  /** Shown when there is no answer: not the same as 0. */
  readonly absent: string
}

interface Line {
  readonly query: string
  readonly legend: string
}

interface Lines extends Panel {
  readonly lines: readonly Line[]
  /** A value to draw as a dashed line. */
  readonly limit?: number
}

interface Table extends Panel {
  /** Each answers one row per set of labels; the rows are merged by the labels they share. */
  readonly columns: readonly Column[]
  /** Title of the column to sort by, largest first. */
  readonly sortBy: string
}

interface Column {
  readonly query: string
  /** Title of the value's column; absent when only the labels are wanted. */
  readonly title?: string
  readonly unit?: string
}

/** From green to this colour, at one or more of what should not be there. */
export function atLeastOne(color: string): readonly Threshold[] {
  return [
    { value: null, color: 'green' },
    { value: 1, color },
  ]
}

/** One number. */
export function stat(panel: Stat): StatBuilder {
  return new StatBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(datasource)
    .unit(panel.unit)
    .span(panel.width)
    .height(4)
    .noValue(panel.absent)
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([...panel.thresholds]))
    .withTarget(instant(panel.query).refId('A'))
}

/** Lines over time. */
export function lines(panel: Lines): TimeseriesBuilder {
  const builder = new TimeseriesBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(datasource)
    .unit(panel.unit)
    .span(panel.width)
    .height(9)
    .fillOpacity(5)
    .lineWidth(1)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'max'])
        .sortBy('Last *')
        .sortDesc(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .targets(
      panel.lines.map(({ query, legend }, index) =>
        new DataqueryBuilder().expr(query).range().legendFormat(legend).refId(refId(index)).datasource(datasource),
      ),
    )
  if (panel.limit === undefined) return builder
  return builder
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
    .thresholds(
      new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
        { value: null, color: 'transparent' },
        { value: panel.limit, color: 'red' },
      ]),
    )
}

/** Rows of labels and values, as they are now. */
export function table(panel: Table): TableBuilder {
  const builder = new TableBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(datasource)
    .unit(panel.unit)
    .span(panel.width)
    .height(9)
    .noValue('–')
    .filterable(true)
    .sortBy([new TableSortByFieldStateBuilder().displayName(panel.sortBy).desc(true)])
    .targets(panel.columns.map(({ query }, index) => instant(query).format(PromQueryFormat.Table).refId(refId(index))))
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: Object.fromEntries([
          ['Time', true],
          ...panel.columns.flatMap(({ title }, index) =>
            title === undefined ? [[valueField(panel, index), true]] : [],
          ),
        ]),
        renameByName: Object.fromEntries(
          panel.columns.flatMap(({ title }, index) => (title === undefined ? [] : [[valueField(panel, index), title]])),
        ),
      },
    })
    .overrideByName('consumer', toConsumer)
  for (const { title, unit } of panel.columns)
    if (title !== undefined && unit !== undefined) builder.overrideByName(title, [{ id: 'unit', value: unit }])
  return builder
}

/** A click on a consumer narrows the whole dashboard to it. */
const toConsumer: DynamicConfigValue[] = [
  {
    id: 'links',
    value: [
      {
        title: 'Show this consumer only',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of Grafana
        url: '/d/lagkeeper-fleet-overview?${datasource:queryparam}&var-kafka_cluster=${__data.fields.kafka_cluster:percentencode}&var-consumer=${__data.fields.consumer:percentencode}&${__url_time_range}',
      },
    ],
  },
]

function instant(query: string): DataqueryBuilder {
  return new DataqueryBuilder().expr(query).instant().datasource(datasource)
}

function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index)
}

/** Grafana calls the value of a table `Value`, and `Value #A` and so on when there are several. */
function valueField(panel: Table, index: number): string {
  return panel.columns.length === 1 ? 'Value' : `Value #${refId(index)}`
}
