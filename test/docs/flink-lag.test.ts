import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { flinkLagPage, readFlinkResults } from '../matrix/flink-results.ts'
import { flinkVersions } from '../rigs/flink-versions.ts'

it('docs/flink-lag.md has what the matrix found last, of every version', () => {
  const page = readFileSync(new URL('../../docs/flink-lag.md', import.meta.url), 'utf8')
  const results = readFlinkResults()

  expect(flinkLagPage(page, results)).toBe(page)
  expect(results.map(({ version }) => version)).toEqual(flinkVersions)
})
