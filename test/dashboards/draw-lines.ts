import type { Answer } from './answers.ts'
import { type Looks, looksOf, type Panel } from './dashboard-file.ts'
import { format } from './format.ts'
import { type Box, element, label, paint, palette } from './svg.ts'

interface DrawnLine extends Answer {
  readonly looks: Looks
  readonly color: string
}

/** Unix seconds. */
export interface Span {
  readonly from: number
  readonly to: number
}

const LEGEND_LINE = 15

/** Lines on axes, with a legend of the largest at the end. */
export function drawLines(panel: Panel, answers: readonly Answer[], box: Box, { from, to }: Span): string {
  const lines = answers.map((answer, index): DrawnLine => {
    const looks = looksOf(panel, answer.name, answer.refId)
    return {
      ...answer,
      looks,
      color: looks.color === undefined ? palette[index % palette.length]! : paint(looks.color),
    }
  })
  const listed = lines.filter(({ looks }) => !looks.isHidden).sort((a, b) => lastOf(b) - lastOf(a))
  const shown = listed.slice(0, listed.length > 4 ? 3 : 4)
  const legendHeight = (shown.length + (listed.length > shown.length ? 1 : 0)) * LEGEND_LINE
  const plot: Box = { x: box.x + 62, y: box.y + 6, w: box.w - 72, h: box.h - legendHeight - 30 }

  const all = lines.flatMap(({ values }) => values)
  if (all.length === 0)
    return label(box.x + box.w / 2, box.y + box.h / 2, 'No data', { 'text-anchor': 'middle', fill: '#888' })
  const unit = panel.fieldConfig?.defaults.unit ?? ''
  const limit = panel.fieldConfig?.defaults.thresholds?.steps.find(({ value }) => value !== null)?.value
  const isLimited = limit !== undefined && limit !== null && panel.type === 'timeseries' && limit !== 80
  const values = [...all.map(([, value]) => value), ...(isLimited ? [limit] : [])]
  const [low, high] = [Math.min(0, ...values), Math.max(...values)]
  const step = niceStep((high - low || 1) / 4, unit)
  const [bottom, top] = [Math.floor(low / step) * step, Math.max(Math.ceil(high / step), 1) * step]
  const at = ([time, value]: readonly [number, number]) => {
    const x = plot.x + ((time - from) / (to - from || 1)) * plot.w
    return `${x.toFixed(1)},${(plot.y + plot.h - ((value - bottom) / (top - bottom)) * plot.h).toFixed(1)}`
  }

  const parts: string[] = []
  for (let value = bottom; value <= top + step / 2; value += step) {
    const y = plot.y + plot.h - ((value - bottom) / (top - bottom)) * plot.h
    parts.push(element('path', { d: `M${plot.x} ${y.toFixed(1)}h${plot.w}`, stroke: '#e7e7e7' }))
    parts.push(label(plot.x - 6, y + 4, format(value, unit), { 'text-anchor': 'end', fill: '#777', 'font-size': 10 }))
  }
  parts.push(timeAxis(plot, from, to))
  for (const line of lines) {
    const { looks } = line
    const under = lines.find(({ name }) => name === looks.bandDownTo)
    if (under !== undefined)
      parts.push(
        element('path', {
          d: `M${[...line.values.map(at), ...[...under.values].reverse().map(at)].join('L')}Z`,
          fill: line.color,
          'fill-opacity': 0.2,
        }),
      )
    if (looks.isHidden) continue
    for (const piece of unbroken(line.values))
      parts.push(
        element('path', {
          d: piece.length === 1 ? `M${at(piece[0]!)}h1.5` : `M${piece.map(at).join('L')}`,
          fill: 'none',
          stroke: line.color,
          'stroke-width': 1.3,
          ...(looks.isDashed && { 'stroke-dasharray': '6 4' }),
        }),
      )
  }
  if (isLimited) {
    const line = `M${at([from, limit])}L${at([to, limit])}`
    parts.push(element('path', { d: line, stroke: paint('red'), 'stroke-dasharray': '6 4' }))
  }
  let y = plot.y + plot.h + 34
  for (const line of shown) {
    parts.push(element('path', { d: `M${box.x + 10} ${y - 4}h12`, stroke: line.color, 'stroke-width': 3 }))
    parts.push(label(box.x + 28, y, line.name, { fill: '#444' }, box.w - 120))
    parts.push(label(box.x + box.w - 10, y, format(lastOf(line), unit), { 'text-anchor': 'end', fill: '#444' }))
    y += LEGEND_LINE
  }
  if (listed.length > shown.length)
    parts.push(label(box.x + 28, y, `and ${listed.length - shown.length} more`, { fill: '#888' }))
  return parts.join('')
}

export function timeAxis(plot: Box, from: number, to: number): string {
  const parts: string[] = []
  for (let time = Math.ceil(from / 1_800) * 1_800; time <= to; time += 1_800) {
    const x = plot.x + ((time - from) / (to - from || 1)) * plot.w
    const clock = new Date(time * 1_000).toISOString().slice(11, 16)
    parts.push(label(x, plot.y + plot.h + 14, clock, { 'text-anchor': 'middle', fill: '#777', 'font-size': 10 }))
  }
  return parts.join('')
}

/** Where samples are missing, a line stops; where it is level, its ends are enough. */
function unbroken(values: Answer['values']): readonly (readonly (readonly [number, number])[])[] {
  const pieces: (readonly [number, number])[][] = []
  let before = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (value[0] - before > 90) pieces.push([])
    const piece = pieces.at(-1)
    if (piece?.at(-1)?.[1] === value[1] && piece.at(-2)?.[1] === value[1]) piece.pop()
    piece?.push(value)
    before = value[0]
  }
  return pieces
}

function lastOf({ values }: Answer): number {
  return values.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY
}

/** Steps of an axis that are whole in its unit. */
function niceStep(rough: number, unit: string): number {
  if (unit === 's' && rough > 1) {
    const whole = [2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400]
    return whole.find((step) => step >= rough) ?? 86_400
  }
  if (unit === 'bytes') return 2 ** Math.ceil(Math.log2(rough))
  const power = 10 ** Math.floor(Math.log10(rough))
  return ([1, 2, 5].find((step) => step * power >= rough) ?? 10) * power
}
