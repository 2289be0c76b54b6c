import { readFileSync, writeFileSync } from 'node:fs'
import { cases } from './cases.ts'
import type { Result, Results } from './results.ts'

const pagePath = new URL('../../docs/conformance.md', import.meta.url)
const begin = '<!-- results: begin (written by npm run bench -- conformance --write) -->'
const end = '<!-- results: end -->'

/** The tables of docs/conformance.md, which are the report on the terminal too. */
export function resultTables({ kafka, exporters }: Results): string {
  const heads = exporters.map(({ exporter, version }) => `${exporter} ${version}`)
  const rows = cases.map(({ id, what, truth }) => [what, truth, ...exporters.map((one) => cell(one, id))])
  const sums = exporters.map((one) => listOf(one, one.wrongSums, 'wrongSums'))
  const own = exporters.map((one) => listOf(one, one.strangers, 'madeUp'))
  const figures = exporters.map(({ exporter, version, counts }) => {
    if (counts === undefined) return [`${exporter} ${version}`, 'no page', '', '', '', '', '', '', '']
    const { committed, right, wrong, missing, explained, negative, madeUp, duplicates, wrongSums } = counts
    const all = [wrong, missing, explained, negative, madeUp, duplicates, wrongSums].map(String)
    return [`${exporter} ${version}`, `${right} of ${committed}`, ...all]
  })
  return [
    `Kafka ${kafka}.`,
    table(
      ['case', 'truth', ...heads],
      [...rows, ['sums', 'of their partitions; none when a part is unknown', ...sums], ['own traces', 'none', ...own]],
    ),
    table(
      [
        'exporter',
        'right',
        'wrong',
        'missing without a reason',
        'missing with a reason',
        'negative',
        'made up',
        'duplicates',
        'wrong sums',
      ],
      figures,
    ),
  ].join('\n\n')
}

function cell({ cases: found }: Result, id: string): string {
  const one = found[id]
  if (one === undefined) return ''
  return one.isRight ? one.printed : `**${one.printed}**`
}

function listOf({ counts }: Result, shown: readonly string[], count: 'wrongSums' | 'madeUp'): string {
  if (counts === undefined) return ''
  if (shown.length === 0) return count === 'wrongSums' ? 'right' : 'none'
  const more = shown.length < counts[count] ? [`… (${counts[count]} in all)`] : []
  return `**${[...shown, ...more].join('; ')}**`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** docs/conformance.md as it would be with these results. */
export function pageWith(results: Results): string {
  const page = writtenPage()
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from) throw new Error(`Write docs/conformance.md: expected the lines "${begin}" and "${end}"`)
  return `${page.slice(0, from + begin.length)}\n\n${resultTables(results)}\n\n${page.slice(to)}`
}

/** What stands there now. */
export function writtenPage(): string {
  return readFileSync(pagePath, 'utf8')
}

export function writePage(results: Results): void {
  writeFileSync(pagePath, pageWith(results))
}
