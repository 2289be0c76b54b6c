import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type DynamicConfigValue,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import type { statuses } from '../words.ts'
import { type About, datasource, refId } from './panel.ts'

interface Line {
  readonly query: string
  readonly legend: string
  /** What it is held against: dashed, a promise in the colour of its severity. */
  readonly isDashed?: true
  /** The line under this one, by its legend: what lies between is filled, and neither is drawn by itself. */
  readonly bandDownTo?: string
}

interface Lines extends About {
  readonly lines: readonly Line[]
  /** A value to draw as a dashed line. */
  readonly limit?: number
  /** Colours of lines by their legend. */
  readonly colors?: typeof statuses
}

/** Lines over time. */
export function lines(panel: Lines): PanelBuilder {
  const builder = new PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(datasource)
    .unit(panel.unit)
    .span(panel.width)
    .height(panel.height ?? 9)
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
  for (const [index, { legend, isDashed, bandDownTo }] of panel.lines.entries()) {
    if (isDashed) builder.overrideByQuery(refId(index), dashed)
    if (bandDownTo === undefined) continue
    builder.overrideByName(legend, [...faint, { id: 'custom.fillBelowTo', value: bandDownTo }])
    builder.overrideByName(bandDownTo, faint)
  }
  for (const { text, color } of panel.colors ?? []) builder.overrideByName(text, [fixedColor(color)])
  if (panel.lines.some(({ isDashed }) => isDashed)) {
    builder.overrideByRegexp('/\\bcritical\\)$/', [fixedColor('red')])
    builder.overrideByRegexp('/\\bwarning\\)$/', [fixedColor('orange')])
  }
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

const dashed: DynamicConfigValue[] = [
  { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } },
  { id: 'custom.fillOpacity', value: 0 },
]

const faint: DynamicConfigValue[] = [
  { id: 'custom.lineWidth', value: 0 },
  { id: 'custom.fillOpacity', value: 20 },
  { id: 'custom.hideFrom', value: { legend: true, tooltip: false, viz: false } },
  fixedColor('blue'),
]

function fixedColor(color: string): DynamicConfigValue {
  return { id: 'color', value: { mode: 'fixed', fixedColor: color } }
}
