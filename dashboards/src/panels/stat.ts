import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  ReduceDataOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import { type Threshold, ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/stat'
import type { Link } from '../links.ts'
import type { statuses } from '../words.ts'
import { wordsOf } from '../words.ts'
import { type About, datasource, instant, panelLink } from './panel.ts'

interface Stat extends About {
  readonly query: string
  readonly thresholds: readonly Threshold[]
  /** Shown when there is no answer: not the same as 0. */
  readonly absent: string
  /** Names each of several values; what it names is shown alone when it is the answer. */
  readonly legend?: string
  readonly showsName?: true
  /** The answer is the rank of one of these. */
  readonly words?: typeof statuses
  /** Colours of named values. */
  readonly colors?: typeof statuses
  readonly link?: Link
}

/** One number, or several beside each other. */
export function stat(panel: Stat): PanelBuilder {
  const target = instant(panel.query).refId('A')
  if (panel.legend !== undefined) target.legendFormat(panel.legend)
  const builder = new PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(datasource)
    .unit(panel.unit)
    .span(panel.width)
    .height(panel.height ?? 4)
    .noValue(panel.absent)
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([...panel.thresholds]))
    .withTarget(target)
  if (panel.showsName) builder.textMode(BigValueTextMode.Name)
  if (panel.words !== undefined) builder.mappings(wordsOf(panel.words))
  for (const { text, color } of panel.colors ?? [])
    builder.overrideByName(text, [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }])
  if (panel.link !== undefined) builder.links([panelLink(panel.link)])
  return builder
}
