/** Pixels. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** Attributes of an element; numbers to a tenth of a pixel. */
type Attributes = Readonly<Record<string, string | number>>

/** One element as text. */
export function element(name: string, attributes: Attributes, content = ''): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${shown(value)}"`)
  return content === '' ? `<${name}${pairs.join('')}/>` : `<${name}${pairs.join('')}>${content}</${name}>`
}

/** What a picture is called, for those who cannot see it. */
export function titled(text: string): string {
  return element('title', {}, escaped(text))
}

/** A line of text, cut with an ellipsis where it would be wider than `width`. */
export function label(
  x: number,
  y: number,
  value: string,
  more: Attributes = {},
  width = Number.POSITIVE_INFINITY,
): string {
  const most = Math.floor(width / letterWidth(Number(more['font-size'] ?? 11)))
  const cut = value.length > most ? `${value.slice(0, Math.max(0, most - 1))}…` : value
  return cut === '' ? '' : element('text', { x, y, ...more }, escaped(cut))
}

/** The mean width of a letter, a little generous. */
function letterWidth(size: number): number {
  return size * 0.56
}

function shown(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : escaped(value)
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

const colors: Readonly<Record<string, string>> = {
  green: '#56a64b',
  yellow: '#f2cc0c',
  orange: '#ff780a',
  red: '#e02f44',
  blue: '#3274d9',
  purple: '#a352cc',
  text: '#8e8e8e',
  transparent: 'none',
}

/** What Grafana's light theme has for a name, about. */
export function paint(color: string): string {
  return colors[color] ?? color
}

export const palette: readonly string[] = [
  '#56a64b',
  '#f2a900',
  '#3274d9',
  '#e02f44',
  '#a352cc',
  '#00a5a5',
  '#8f5a2b',
  '#ff780a',
  '#6e9fff',
  '#b877d9',
  '#37872d',
  '#c4162a',
]
