import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { ruleSets, verdicts } from './judge-alerts.ts'

const fired = z.strictObject({
  /** In all. */
  minutes: z.number(),
  /** Second of the run; absent when it never fired. */
  first: z.number().optional(),
  verdict: z.enum(verdicts),
})

const expected = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('silence') }),
  z.strictObject({
    kind: z.enum(['page', 'ticket']),
    from: z.number(),
    within: z.number(),
    lasts: z.number().optional(),
  }),
])

const row = z.strictObject({
  id: z.string(),
  what: z.string(),
  expected,
  /** Of our alerts those that count for what is expected: critical ones for a page. */
  pages: fired.omit({ verdict: true }),
  told: z.record(z.enum(ruleSets), fired),
  alerts: z.array(
    z.strictObject({ alert: z.string(), severity: z.string(), minutes: z.number(), first: z.number().optional() }),
  ),
})

const results = z.strictObject({
  prometheus: z.string(),
  /** Consumers side by side on one cluster, for so many hours. */
  hours: z.number(),
  consumers: z.array(row),
  whole: z.array(row),
})

export type Row = z.infer<typeof row>
export type Results = z.infer<typeof results>

const resultsPath = new URL('./results.json', import.meta.url)

/** The rows of `fresh` in place of those of `known`, in the order of `ids`; a row that nobody has played is left out. */
export function mergeRows(known: readonly Row[], fresh: readonly Row[], ids: readonly string[]): Row[] {
  return ids.flatMap((id) => fresh.find((row) => row.id === id) ?? known.find((row) => row.id === id) ?? [])
}

/** The results that docs/scenarios.md shows. */
export function readResults(): Results {
  return results.parse(JSON.parse(readFileSync(resultsPath, 'utf8')))
}

export function writeResults(all: Results): void {
  writeFileSync(resultsPath, `${JSON.stringify(all, null, 2)}\n`)
}
