import { readFileSync, writeFileSync } from 'node:fs'
import type { Results, Row } from './results.ts'

const pagePath = new URL('../../docs/scenarios.md', import.meta.url)
const begin = '<!-- results: begin (written by npx tsx bench/main.ts scenarios --write) -->'
const end = '<!-- results: end -->'

/** The tables of docs/scenarios.md, which are the report on the terminal too. */
export function resultTables({ prometheus, hours, consumers, whole }: Results): string {
  return [
    `Prometheus ${prometheus}. ${hours} hours; minutes of firing, and when it began.`,
    table(consumers),
    'Runs of their own, two hours each, with healthy consumers only:',
    table(whole),
  ].join('\n\n')
}

const head = ['what happens', 'somebody should be told', 'Lagkeeper', 'by', 'Strimzi', 'Kafka mixin', 'samber']

function table(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map((row) => line(cellsOf(row)))].join('\n')
}

function cellsOf(row: Row): readonly string[] {
  const { told, what } = row
  const cells = [told.lagkeeper, told.strimzi, told.mixin, told.samber].map((fired) => cell(row, fired))
  return [what, shouldOf(row), cells[0]!, alertsOf(row), ...cells.slice(1)]
}

function shouldOf({ expected }: Row): string {
  if (expected.kind === 'silence') return 'no'
  const { kind, from, within } = expected
  return `${kind} within ${minutes(within)} of ${clock(from)}`
}

type Told = Row['told'][keyof Row['told']]

function cell({ expected }: Row, { minutes: total, first, verdict }: Told): string {
  const shown = String(Math.round(total))
  switch (verdict) {
    case 'right':
      return expected.kind === 'silence' ? '0' : `${shown}, after ${minutes((first ?? 0) - expected.from)}`
    case 'false':
      return `**${shown}**`
    case 'before':
      return `**${shown}**, firing before`
    case 'late':
      return `**${shown}**, late${expected.kind === 'silence' ? '' : `: after ${minutes((first ?? 0) - expected.from)}`}`
    case 'short':
      return `**${shown}**, ended too early`
    case 'never':
      return total === 0 ? '**never**' : `**${shown}**, no page`
  }
}

/** Names without the word that all of them begin with, and when they first fired after it happened. */
function alertsOf({ alerts, expected }: Row): string {
  return alerts
    .map(({ alert, severity, minutes: total, first = 0 }) => {
      const when = expected.kind === 'silence' ? `${Math.round(total)} min` : minutes(first - expected.from)
      return `${alert.replace('Lagkeeper', '')} (${severity}, ${when})`
    })
    .join(', ')
}

function minutes(seconds: number): string {
  return `${Math.round(seconds / 6) / 10} min`
}

function clock(second: number): string {
  const [hours, rest] = [Math.floor(second / 3_600), Math.round((second % 3_600) / 60)]
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`
}

/** docs/scenarios.md as it would be with these results. */
export function pageWith(results: Results): string {
  const page = writtenPage()
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from) throw new Error(`Write docs/scenarios.md: expected the lines "${begin}" and "${end}"`)
  return `${page.slice(0, from + begin.length)}\n\n${resultTables(results)}\n\n${page.slice(to)}`
}

/** What stands there now. */
export function writtenPage(): string {
  return readFileSync(pagePath, 'utf8')
}

export function writePage(results: Results): void {
  writeFileSync(pagePath, pageWith(results))
}
