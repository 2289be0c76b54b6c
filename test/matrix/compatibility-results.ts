import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { addCounts, type Verdict } from '../loads/judge.ts'

const counts = z.record(z.string(), z.number().int().positive())

const tally = z.strictObject({
  /** Of the row in the matrix, or of the fault. */
  name: z.string(),
  /** Distinct by load, consumer, topic and partition (and step, where there are several). */
  compared: z.number().int().nonnegative(),
  wrong: z.number().int().nonnegative(),
  /** Without a lag, where the truth has none either; by reason. */
  unknown: counts,
  /** Without a lag, where the truth has one; by reason. */
  missing: counts,
})

const versionResult = tally.extend({
  consumers: z.number().int().nonnegative(),
  /** Rows and log offsets that were held against the tools of this very version besides; these are not counted above. */
  byTools: z.number().int().nonnegative(),
  /** In a steady cycle over the resting load, by API. */
  requests: z.record(z.string(), z.number().positive()),
})

const faultResult = tally.extend({
  /** How often the cluster was read while it happened. */
  cycles: z.number().int().positive(),
})

const matrixResults = z.strictObject({ versions: z.array(versionResult), faults: z.array(faultResult) })

export type VersionResult = z.infer<typeof versionResult>
export type FaultResult = z.infer<typeof faultResult>
export type MatrixResults = z.infer<typeof matrixResults>

const file = fileURLToPath(new URL('results.json', import.meta.url))

/** What the last runs of the matrix found, as committed. */
export function readResults(): MatrixResults {
  return matrixResults.parse(JSON.parse(readFileSync(file, 'utf8')))
}

/** Forgets a row before it is measured anew: what fails must not leave an old success behind. */
export function forgetResult(name: string): void {
  const { versions, faults } = readResults()
  const others = <T extends { readonly name: string }>(results: readonly T[]): T[] =>
    results.filter((result) => result.name !== name)
  write({ versions: others(versions), faults: others(faults) })
}

export function writeVersion(result: VersionResult, order: readonly string[]): void {
  forgetResult(result.name)
  const { versions, faults } = readResults()
  const place = ({ name }: VersionResult): number => order.indexOf(name)
  write({ versions: [...versions, result].sort((a, b) => place(a) - place(b)), faults })
}

export function writeFault(result: FaultResult): void {
  forgetResult(result.name)
  const { versions, faults } = readResults()
  write({ versions, faults: [...faults, result].sort((a, b) => (a.name < b.name ? -1 : 1)) })
}

/** The counts of a verdict as they are written down. */
export function talliesOf(verdict: Verdict): Pick<VersionResult, 'compared' | 'wrong' | 'unknown' | 'missing'> {
  const { compared, wrongCount: wrong, unknown, missing } = verdict
  return { compared, wrong, unknown: addCounts([unknown]), missing: addCounts([missing]) }
}

function write(results: MatrixResults): void {
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
}
