import type { Answer } from './answers.ts'
import { type Dashboard, looksOf, type Panel } from './dashboard-file.ts'
import { drawLines, type Span, timeAxis } from './draw-lines.ts'
import { drawTable } from './draw-table.ts'
import { format } from './format.ts'
import { type Box, element, label, paint, titled } from './svg.ts'

const COLUMN = 50
const LINE = 28
const GAP = 8
const HEAD = 64

/** A picture of a dashboard as its grid lays it out, from what its queries were answered. It is not Grafana's. */
export function draw(dashboard: Dashboard, answersTo: (panel: Panel) => readonly Answer[], period: Span): string {
  const lines = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h))
  const [width, height] = [24 * COLUMN + GAP, HEAD + lines * LINE + GAP]
  const drawn = dashboard.panels.map((panel) => {
    const { x, y, w, h } = panel.gridPos
    const box = { x: GAP + x * COLUMN, y: HEAD + y * LINE, w: w * COLUMN - GAP, h: h * LINE - GAP }
    if (panel.type === 'row') return label(box.x, box.y + 18, panel.title, { 'font-size': 14, 'font-weight': 600 })
    return drawPanel(panel, answersTo(panel), box, period)
  })
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      'font-family': 'system-ui, sans-serif',
      'font-size': 11,
    },
    [
      titled(`${dashboard.title}, a preview`),
      element('rect', { width, height, fill: '#f4f5f5' }),
      label(GAP, 26, dashboard.title, { 'font-size': 18, 'font-weight': 600 }),
      label(
        GAP,
        46,
        "Preview drawn from the dashboard's queries, answered by Prometheus over an invented story; not Grafana",
        {
          fill: '#777',
          'font-size': 12,
        },
      ),
      ...drawn,
    ].join('\n'),
  )}\n`
}

function drawPanel(panel: Panel, answers: readonly Answer[], box: Box, period: Span): string {
  const inside = { x: box.x + 4, y: box.y + 28, w: box.w - 8, h: box.h - 32 }
  return [
    element('rect', { x: box.x, y: box.y, width: box.w, height: box.h, rx: 3, fill: '#fff', stroke: '#dcdcdc' }),
    panel.type === 'stat' ? drawStat(panel, answers, box) : '',
    label(
      box.x + 8,
      box.y + 18,
      panel.title,
      { 'font-weight': 600, fill: panel.type === 'stat' ? '#fff' : '#333' },
      box.w - 12,
    ),
    panel.type === 'timeseries' ? drawLines(panel, answers, inside, period) : '',
    panel.type === 'table' ? drawTable(panel, answers, inside) : '',
    panel.type === 'state-timeline' ? drawTimeline(panel, answers, inside, period) : '',
  ].join('')
}

function drawStat(panel: Panel, answers: readonly Answer[], box: Box): string {
  const shown = answers.length === 0 ? [undefined] : answers
  const each = box.w / shown.length
  return shown
    .map((answer, index) => {
      const looks = looksOf(panel, answer?.name ?? '', 'A')
      const value = answer?.values.at(-1)?.[1]
      const step = value === undefined ? undefined : looks.steps.findLast((step) => value >= (step.value ?? -Infinity))
      const word = looks.words[String(value)]
      const fill = value === undefined ? 'text' : (looks.color ?? word?.color ?? step?.color ?? 'text')
      const isNamed = panel.options?.textMode === 'name'
      const text =
        value === undefined
          ? (panel.fieldConfig?.defaults.noValue ?? '–')
          : isNamed
            ? (answer?.name ?? '')
            : (word?.text ?? format(value, looks.unit))
      const middle = box.x + (index + 0.5) * each
      const size = Math.min(26, each / Math.max(text.length, 1) / 0.6)
      return [
        element('rect', { x: box.x + index * each, y: box.y, width: each, height: box.h, rx: 3, fill: paint(fill) }),
        label(middle, box.y + box.h / 2 + 18, text, {
          'text-anchor': 'middle',
          fill: '#fff',
          'font-size': size,
          'font-weight': 600,
        }),
        answers.length > 1 && !isNamed
          ? label(middle, box.y + box.h - 10, answer?.name ?? '', { 'text-anchor': 'middle', fill: '#fff' }, each)
          : '',
      ].join('')
    })
    .join('')
}

function drawTimeline(panel: Panel, answers: readonly Answer[], box: Box, { from, to }: Span): string {
  const plot: Box = { x: box.x + 190, y: box.y + 4, w: box.w - 206, h: box.h - 44 }
  const line = plot.h / Math.max(answers.length, 1)
  const x = (time: number) => plot.x + ((time - from) / (to - from || 1)) * plot.w
  const last = (answer: Answer) => answer.values.at(-1)?.[1] ?? 0
  const { words } = looksOf(panel, '', 'A')
  const bands = [...answers]
    .sort((a, b) => last(b) - last(a))
    .flatMap((answer, index) => {
      const y = plot.y + index * line
      const parts = [label(plot.x - 8, y + line / 2 + 4, answer.name, { 'text-anchor': 'end', fill: '#444' }, 184)]
      let start = 0
      for (let at = 1; at <= answer.values.length; at++) {
        const [[began, value], before] = [answer.values[start]!, answer.values[at - 1]!]
        const next = answer.values[at]
        if (next !== undefined && next[1] === value && next[0] - before[0] <= 90) continue
        const end = next !== undefined && next[0] - before[0] <= 90 ? next[0] : before[0]
        const fill = paint(words[String(value)]?.color ?? 'text')
        parts.push(
          element('rect', {
            x: x(began),
            y: y + 2,
            width: Math.max(1, x(end) - x(began)),
            height: line - 4,
            fill,
            'fill-opacity': 0.8,
          }),
        )
        start = at
      }
      return parts
    })
  let at = box.x + 10
  const legend = Object.values(words).flatMap(({ text, color }) => {
    const parts = [
      element('rect', { x: at, y: box.y + box.h - 14, width: 10, height: 10, fill: paint(color) }),
      label(at + 14, box.y + box.h - 5, text, { fill: '#444' }),
    ]
    at += 34 + text.length * 6.5
    return parts
  })
  return [...bands, timeAxis(plot, from, to), ...legend].join('')
}
