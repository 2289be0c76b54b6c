import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startKafka } from '../../test/rigs/kafka.ts'
import { withCases } from './cases.ts'
import { type Comparison, compare } from './compare.ts'
import { type Exporter, exporters, type KnownExporter, useExporter } from './exporters.ts'
import { conformanceLoad } from './load.ts'
import { findNameSet, readPrinted } from './name-sets.ts'
import { parsePage } from './page.ts'
import { type Result, type Results, summarise, writeResults } from './results.ts'
import { resultTables, writePage } from './results-page.ts'
import type { TruthRow } from './truth.ts'

const INTERVAL_SECONDS = 5

const usage = `npm run bench -- conformance [options]
  --exporter NAME     ${Object.keys(exporters).join(', ')};
                      or any name, with --url. May be given several times. Default: all of those
  --url URL           page of an exporter of your own, such as http://127.0.0.1:9308/metrics
  --names NAMES       how it names what it prints: a name set or a file *.json. Default: lagkeeper
  --command COMMAND   starts it; {bootstrap} in it stands for the brokers. Default: you start it when asked to
  --exporter-version  for the table. Default: unknown
  --kafka VERSION     of the broker. Default: 3.9.2
  --wait SECONDS      how long a page may take to be complete. Default: 60
  --settle SECONDS    how long after that the page is judged. Default: 15
  --write             writes bench/conformance/results.json and the tables of docs/conformance.md
`

/**
 * A real broker with the edge load, one exporter after the other beside it, and what each prints beside the truth.
 * Returns true when Lagkeeper, if it was among them, was right everywhere.
 */
export async function run(args: readonly string[]): Promise<boolean> {
  const options = readOptions(args)
  if (options === undefined) {
    process.stderr.write(usage)
    return false
  }
  const { kafkaVersion, waitMs, settleMs, write } = options
  const wanted = await options.wanted()
  await using kafka = await startKafka({
    version: kafkaVersion,
    heap: '512m',
    // Who asks about the topic that is gone must not bring it back.
    properties: { 'auto.create.topics.enable': 'false' },
  })
  const load = await conformanceLoad(kafka)
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-conformance-'))
  try {
    const truth = withCases(load.truth)
    const found: Result[] = []
    for (const { title, version, start } of wanted) {
      const { bootstrap } = kafka
      process.stderr.write(`${title}: the brokers are at ${bootstrap}\n`)
      await using exporter = await start({
        bootstrap,
        intervalSeconds: INTERVAL_SECONDS,
        folder: join(folder, title.replaceAll('/', '_')),
      })
      const comparison = await judge(exporter, truth, waitMs, settleMs)
      found.push(summarise(title, version, comparison))
    }
    const results: Results = { kafka: kafkaVersion, exporters: found }
    process.stdout.write(`\n${resultTables(results)}\n`)
    if (write) {
      writeResults(results)
      writePage(results)
    }
    return found.every(({ exporter, counts, cases }) => {
      if (!exporter.startsWith('Lagkeeper')) return true
      const isRight = Object.values(cases).every((one) => one.isRight)
      return isRight && counts?.wrongSums === 0 && counts.madeUp === 0 && counts.duplicates === 0
    })
  } finally {
    await load.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Waits until the page is complete, or does not get better; then once more, since a page may also get worse. */
async function judge(
  exporter: Exporter,
  truth: readonly TruthRow[],
  waitMs: number,
  settleMs: number,
): Promise<Comparison> {
  let last: unknown
  for (const givenUpAt = performance.now() + waitMs; performance.now() < givenUpAt; await sleep(500)) {
    try {
      const { counts } = compare(truth, await readPage(exporter))
      if (counts.missing + counts.wrong + counts.explained === 0) break
    } catch (error) {
      last = error
    }
  }
  await sleep(settleMs)
  try {
    return compare(truth, await readPage(exporter))
  } catch (error) {
    throw new Error(`Scrape "${exporter.name}" at ${exporter.url}: no page within ${waitMs / 1_000} s`, {
      cause: last ?? error,
    })
  }
}

async function readPage({ url, names }: Exporter) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`Scrape "${url}": answered ${answer.status} ${text.slice(0, 200)}`)
  return readPrinted(parsePage(text), names)
}

function readOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      options: {
        exporter: { type: 'string', multiple: true },
        url: { type: 'string' },
        names: { type: 'string' },
        command: { type: 'string' },
        'exporter-version': { type: 'string' },
        kafka: { type: 'string' },
        wait: { type: 'string' },
        settle: { type: 'string' },
        write: { type: 'boolean' },
      },
    })
    const { url, command, names = 'lagkeeper' } = values
    const wanted = async (): Promise<readonly KnownExporter[]> => {
      const nameSet = await findNameSet(names)
      return (values.exporter ?? Object.keys(exporters)).map((name): KnownExporter => {
        const known = exporters[name]
        if (known !== undefined) return known
        if (url === undefined)
          throw new Error(`Exporter "${name}": unknown, expected ${Object.keys(exporters).join(', ')} or a --url`)
        const foreign = { name, url, names: nameSet, ...(command !== undefined && { command }) }
        return {
          title: name,
          version: values['exporter-version'] ?? '(version not given)',
          start: (options) => useExporter(foreign, options),
        }
      })
    }
    return {
      wanted,
      kafkaVersion: values.kafka ?? '3.9.2',
      waitMs: seconds('wait', values.wait, 60),
      settleMs: seconds('settle', values.settle, 15),
      write: values.write === true,
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return undefined
  }
}

function seconds(option: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text)
  if (!(value >= 0)) throw new Error(`Option --${option} "${text}": expected a number of seconds`)
  return value * 1_000
}
