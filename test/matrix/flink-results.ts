import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { flinkVersions } from '../rigs/flink-versions.ts'

// Writes its table into docs/flink-lag.md: `npx tsx test/matrix/flink-results.ts --write`.

/** JSON has no NaN and no infinity: those are texts. */
const figure = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])

const flinkMoment = z.strictObject({
  moment: z.string(),
  trueLag: z.number(),
  ours: z.number(),
  /** Flink's own, as its pages say; absent where there is no such gauge. */
  pendingRecords: figure.optional(),
  recordsLagMax: figure.optional(),
})

const flinkResults = z.array(z.strictObject({ version: z.string(), reader: z.string(), moments: z.array(flinkMoment) }))

export type FlinkResult = z.infer<typeof flinkResults>[number]

const file = fileURLToPath(new URL('flink-results.json', import.meta.url))
const page = fileURLToPath(new URL('../../docs/flink-lag.md', import.meta.url))

/** What the last run of each version found, as committed. */
export function readFlinkResults(): readonly FlinkResult[] {
  return flinkResults.parse(JSON.parse(readFileSync(file, 'utf8')))
}

/** Forgets a version before it is measured anew: what fails must not leave an old success behind. */
export function forgetFlink(version: string): void {
  write(readFlinkResults().filter((result) => result.version !== version))
}

export function writeFlink(result: FlinkResult): void {
  const others = readFlinkResults().filter(({ version }) => version !== result.version)
  const order: readonly string[] = flinkVersions
  const place = ({ version }: FlinkResult): number => order.indexOf(version)
  write([...others, result].sort((a, b) => place(a) - place(b)))
}

export function asFigure(value: number): z.infer<typeof figure> {
  return Number.isFinite(value) ? value : figure.parse(String(value))
}

function write(results: readonly FlinkResult[]): void {
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
}

/** docs/flink-lag.md with the table of what was measured in it. */
export function flinkLagPage(text: string, results: readonly FlinkResult[]): string {
  const [before = '', after = ''] = text.split(/<!-- measured -->.*<!-- \/measured -->/s)
  const lines = results.flatMap(({ version, reader, moments }) =>
    moments.map(
      ({ moment, trueLag, ours, pendingRecords = '–', recordsLagMax = '–' }, index) =>
        `| ${index === 0 ? `${version}, ${reader}` : ''} | ${moment} | ${trueLag} | ${ours} | ${pendingRecords} | ${recordsLagMax} |`,
    ),
  )
  const head = [
    '| Flink, source | moment | true lag | ours | `pendingRecords` | `records_lag_max` |',
    '|---|---|---|---|---|---|',
  ]
  return `${before}<!-- measured -->\n\n${[...head, ...lines].join('\n')}\n\n<!-- /measured -->${after}`
}

if (process.argv.includes('--write')) writeFileSync(page, flinkLagPage(readFileSync(page, 'utf8'), readFlinkResults()))
