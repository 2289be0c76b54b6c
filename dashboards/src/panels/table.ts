import { TableSortByFieldStateBuilder } from '@grafana/grafana-foundation-sdk/common'
import type { DynamicConfigValue, Threshold } from '@grafana/grafana-foundation-sdk/dashboard'
import { PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/table'
import type { Link } from '../links.ts'
import type { statuses } from '../words.ts'
import { wordsOf } from '../words.ts'
import { type About, datasource, fieldLink, instant, refId } from './panel.ts'

interface Table extends About {
  /** Each answers one row per set of labels; the rows are merged by the labels they share. */
  readonly columns: readonly Column[]
  /** Titles of the columns to sort by, largest first. */
  readonly sortBy: readonly string[]
  /** What a click on the value of a label may lead to. */
  readonly links?: Readonly<Record<string, readonly Link[]>>
}

interface Column {
  readonly query: string
  /** Title of the value's column; absent when only the labels are wanted. */
  readonly title?: string
  readonly unit?: string
  /** The value is the rank of one of these. */
  readonly words?: typeof statuses
  /** Colours the text of the value. */
  readonly thresholds?: readonly Threshold[]
}

/** Rows of labels and values, as they are now. */
export function table(panel: Table): PanelBuilder {
  const values = panel.columns.map((column, index) => ({ ...column, field: valueField(panel, index) }))
  const builder = new PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(datasource)
    .unit(panel.unit)
    .span(panel.width)
    .height(panel.height ?? 9)
    .noValue('–')
    .filterable(true)
    .sortBy(panel.sortBy.map((title) => new TableSortByFieldStateBuilder().displayName(title).desc(true)))
    .targets(panel.columns.map(({ query }, index) => instant(query).format(PromQueryFormat.Table).refId(refId(index))))
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: Object.fromEntries([
          ['Time', true],
          ...values.flatMap(({ title, field }) => (title === undefined ? [[field, true]] : [])),
        ]),
        renameByName: Object.fromEntries(
          values.flatMap(({ title, field }) => (title === undefined ? [] : [[field, title]])),
        ),
      },
    })
  for (const [label, links] of Object.entries(panel.links ?? {}))
    builder.overrideByName(label, [{ id: 'links', value: links.map(fieldLink) }])
  for (const column of panel.columns) {
    const properties = propertiesOf(column)
    if (column.title !== undefined && properties.length > 0) builder.overrideByName(column.title, properties)
  }
  return builder
}

function propertiesOf({ unit, words, thresholds }: Column): DynamicConfigValue[] {
  return [
    ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
    ...(words === undefined
      ? []
      : [
          { id: 'mappings', value: wordsOf(words) },
          { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
        ]),
    ...(thresholds === undefined
      ? []
      : [
          { id: 'thresholds', value: { mode: 'absolute', steps: thresholds } },
          { id: 'custom.cellOptions', value: { type: 'color-text' } },
        ]),
  ]
}

/** Grafana calls the value of a table `Value`, and `Value #A` and so on when there are several. */
function valueField(panel: Table, index: number): string {
  return panel.columns.length === 1 ? 'Value' : `Value #${refId(index)}`
}
