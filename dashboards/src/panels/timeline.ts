import {
  LegendDisplayMode,
  LegendPlacement,
  VisibilityMode,
  VizLegendOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/statetimeline'
import type { statuses } from '../words.ts'
import { wordsOf } from '../words.ts'
import { type About, datasource } from './panel.ts'

interface Timeline extends About {
  /** A rank, one series a band. */
  readonly query: string
  readonly legend: string
  readonly words: typeof statuses
}

/** A band for each series, in the colour of the word that held. */
export function timeline(panel: Timeline): PanelBuilder {
  return new PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(datasource)
    .unit(panel.unit)
    .span(panel.width)
    .height(panel.height ?? 9)
    .mappings(wordsOf(panel.words))
    .mergeValues(true)
    .showValue(VisibilityMode.Never)
    .rowHeight(0.8)
    .fillOpacity(70)
    .lineWidth(0)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .withTarget(
      new DataqueryBuilder().expr(panel.query).range().legendFormat(panel.legend).refId('A').datasource(datasource),
    )
}
