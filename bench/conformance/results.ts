import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { caseOf, cases } from './cases.ts'
import type { Comparison, Counts, Judged } from './compare.ts'

const counts = z.strictObject({
  committed: z.number(),
  right: z.number(),
  wrong: z.number(),
  missing: z.number(),
  explained: z.number(),
  negative: z.number(),
  madeUp: z.number(),
  duplicates: z.number(),
  wrongSums: z.number(),
})

const result = z.strictObject({
  exporter: z.string(),
  version: z.string(),
  /** Absent when there was no page to compare. */
  counts: counts.optional(),
  /** By case: whether all of it was right, and what was printed, in short. */
  cases: z.record(z.string(), z.strictObject({ isRight: z.boolean(), printed: z.string() })),
  /** Lags of nobody's groups, and wrong sums: the first few. */
  strangers: z.array(z.string()),
  wrongSums: z.array(z.string()),
})

const results = z.strictObject({ kafka: z.string(), exporters: z.array(result) })

/** What one exporter printed, case by case. */
export type Result = z.infer<typeof result>
export type Results = z.infer<typeof results>

const resultsPath = new URL('./results.json', import.meta.url)

/** The results that docs/conformance.md shows. */
export function readResults(): Results {
  return results.parse(JSON.parse(readFileSync(resultsPath, 'utf8')))
}

export function writeResults(all: Results): void {
  writeFileSync(resultsPath, `${JSON.stringify(all, null, 2)}\n`)
}

/** The comparison of one exporter in short. */
export function summarise(exporter: string, version: string, comparison: Comparison): Result {
  const byCase = cases.map((one): [string, { isRight: boolean; printed: string }] => {
    const rows = comparison.rows.filter(({ row }) => caseOf(row) === one)
    return [one.id, { isRight: rows.every(({ verdict }) => verdict === 'right'), printed: inShort(rows) }]
  })
  return {
    exporter,
    version,
    counts: plain(comparison.counts),
    cases: Object.fromEntries(byCase),
    strangers: comparison.strangers
      .slice(0, MOST)
      .map(({ group, topic, partition, value }) => `${name(group)} on ${topic}/${partition}: ${value}`),
    wrongSums: comparison.sums
      .filter(({ verdict }) => verdict === 'wrong')
      .slice(0, MOST)
      .map(({ sum, truth }) => {
        const where = sum.topic === '' ? name(sum.group) : `${name(sum.group)} on ${sum.topic}`
        return `${where}: ${sum.value}, truth ${truth === undefined ? 'not known' : truth.join(' or ')}`
      }),
  }
}

const MOST = 5

/** `43`, or `right`; or what is not right, by verdict. */
function inShort(rows: readonly Judged[]): string {
  const wrong = rows.filter(({ verdict }) => verdict !== 'right')
  const shown = wrong.length === 0 ? rows : wrong
  const texts = new Map<string, number>()
  for (const row of shown) texts.set(textOf(row), (texts.get(textOf(row)) ?? 0) + 1)
  if (wrong.length === 0 && texts.size > MOST) return `all ${rows.length} right`
  const parts = [...texts].slice(0, MOST).map(([text, times]) => (times === 1 ? text : `${text} (${times}×)`))
  if (texts.size > MOST) parts.push('…')
  const all = parts.join('; ')
  return wrong.length === 0 || wrong.length === rows.length ? all : `${all} of ${rows.length}`
}

function textOf({ printed, reasons, verdict }: Judged): string {
  const text = printed ?? (reasons.length > 0 ? reasons.join(', ') : 'nothing')
  return verdict === 'right' ? text : `${text} [${verdict}]`
}

/** Names with control characters as JSON has them. */
function name(group: string): string {
  const json = JSON.stringify(group)
  return json.slice(1, -1) === group && group !== '' ? group : json
}

function plain(all: Counts): NonNullable<Result['counts']> {
  return { ...all }
}
