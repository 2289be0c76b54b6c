import type { Answer } from './answers.ts'
import { type Looks, looksOf, type Panel } from './dashboard-file.ts'
import { format } from './format.ts'
import { type Box, element, label, paint } from './svg.ts'

type Row = Map<string, string | number>

interface TableColumn {
  readonly title: string
  readonly looks: Looks
  readonly width: number
}

const LINE = 24

/** Rows as Grafana's transformations leave them: merged, renamed, sorted by the largest. */
export function drawTable(panel: Panel, answers: readonly Answer[], box: Box): string {
  const { titles, rows } = tableOf(panel, answers)
  const wanted = titles.map((title) => {
    const looks = looksOf(panel, title, '')
    const texts = rows.map((row) => textOf(row.get(title), looks))
    return {
      title,
      looks,
      width:
        Math.max(title.length, ...texts.map((text) => text.length)) + (Object.keys(looks.words).length > 0 ? 5 : 3),
    }
  })
  const total = wanted.reduce((sum, { width }) => sum + width, 0)
  const columns = wanted.map((column): TableColumn => ({ ...column, width: (column.width / total) * box.w }))
  const most = Math.floor((box.h - LINE - 6) / LINE)
  const parts: string[] = []
  let x = box.x
  for (const column of columns) {
    parts.push(label(x + 8, box.y + 16, column.title, { fill: '#3274d9', 'font-weight': 600 }, column.width - 6))
    for (const [index, row] of rows.slice(0, most).entries())
      parts.push(cell(row.get(column.title), column, { x, y: box.y + (index + 1) * LINE, w: column.width, h: LINE }))
    x += column.width
  }
  for (let index = 1; index <= Math.min(rows.length, most); index++)
    parts.push(element('path', { d: `M${box.x} ${box.y + index * LINE}h${box.w.toFixed(1)}`, stroke: '#e7e7e7' }))
  return parts.join('')
}

function cell(value: string | number | undefined, { looks }: TableColumn, { x, y, w, h }: Box): string {
  const text = textOf(value, looks)
  const word = looks.words[String(value)]
  if (word !== undefined && word.color !== 'transparent')
    return [
      element('rect', { x: x + 2, y: y + 2, width: w - 6, height: h - 4, rx: 2, fill: paint(word.color) }),
      label(x + 8, y + 16, text, { fill: '#fff', 'font-weight': 600 }, w - 8),
    ].join('')
  const step =
    typeof value === 'number' ? looks.steps.findLast((each) => value >= (each.value ?? -Infinity)) : undefined
  const isColored = step !== undefined && step.color !== 'text' && looks.steps.length > 0
  return label(x + 8, y + 16, text, { fill: isColored ? paint(step.color) : '#333' }, w - 8)
}

function textOf(value: string | number | undefined, looks: Looks): string {
  if (value === undefined) return '–'
  if (typeof value === 'string') return value
  return looks.words[String(value)]?.text ?? format(value, looks.unit)
}

function tableOf(panel: Panel, answers: readonly Answer[]): { readonly titles: string[]; readonly rows: Row[] } {
  const several = panel.targets.length > 1
  const frames = panel.targets.map(({ refId }) => {
    const field = several ? `Value #${refId}` : 'Value'
    return answers
      .filter((answer) => answer.refId === refId)
      .map((answer): Row => {
        const row: Row = new Map(Object.entries(answer.labels))
        return row.set(field, answer.values.at(-1)?.[1] ?? Number.NaN)
      })
  })
  const rows = merged(frames.filter((frame) => frame.length > 0))
  const { excluded, renamed } = organizeOf(panel)
  const titles: string[] = []
  const shown = rows.map((row) => {
    const kept: Row = new Map()
    for (const [field, value] of row) if (!excluded.has(field)) kept.set(renamed[field] ?? field, value)
    return kept
  })
  for (const frame of frames)
    for (const field of frame[0]?.keys() ?? []) {
      const title = renamed[field] ?? field
      if (!excluded.has(field) && !titles.includes(title)) titles.push(title)
    }
  const order = panel.options?.sortBy ?? []
  shown.sort((a, b) => {
    for (const { displayName } of order) {
      const by = number(b.get(displayName)) - number(a.get(displayName))
      if (by !== 0 && !Number.isNaN(by)) return by
    }
    return 0
  })
  return { titles, rows: shown }
}

/** As the transformation `merge` does: into every row that it contradicts nowhere, and else a row of its own. */
function merged(frames: readonly (readonly Row[])[]): readonly Row[] {
  const rows: Row[] = []
  for (const row of frames.flat()) {
    const found = rows.filter((there) =>
      [...row].every(([field, value]) => !there.has(field) || there.get(field) === value),
    )
    if (found.length === 0) rows.push(new Map(row))
    for (const there of found) for (const [field, value] of row) there.set(field, value)
  }
  return rows
}

function organizeOf(panel: Panel): {
  readonly excluded: ReadonlySet<string>
  readonly renamed: Readonly<Record<string, string>>
} {
  const options = panel.transformations.find(({ id }) => id === 'organize')?.options
  return {
    excluded: new Set(options?.excludeByName === undefined ? [] : Object.keys(options.excludeByName)),
    renamed: options?.renameByName ?? {},
  }
}

function number(value: string | number | undefined): number {
  return typeof value === 'number' ? value : Number.NEGATIVE_INFINITY
}
