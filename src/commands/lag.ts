import { parseArgs } from 'node:util'
import { compilePattern } from '../config/pattern.ts'
import { jsonRow } from '../exposition/json-row.ts'
import { type LagRow, lagRows } from '../model/lag-row.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConfigError, describeError } from '../runtime/errors.ts'
import type { Io } from './io.ts'
import { lagTable } from './lag-table.ts'
import { readLag } from './read-lag.ts'

const lagUsage = `Usage: lagkeeper lag --kafka.bootstrap=host:9092[,…] [options]

Prints how far every consumer is behind, partition by partition: a table on a terminal, JSON lines in a pipe.

  --kafka.bootstrap=LIST   brokers to ask first, host:port separated by commas
  --consumer=RE            only consumers whose whole name matches (RE2)
  --topic=RE               only topics whose whole name matches (RE2)
  --max-lag=N              exit with 1 when a partition lags more than N records
  --json                   JSON lines on a terminal too
  --timeout=SECONDS        how long one request may take (default 10)
  --help                   this text

Exit codes: 0 all known, 1 over --max-lag, 2 wrong usage, 3 unreachable, or a lag is unknown (a partition without a
position is not).
`

interface LagArguments {
  readonly bootstrap: readonly string[]
  readonly consumer: (name: string) => boolean
  readonly topic: (name: string) => boolean
  readonly isFiltered: boolean
  readonly maxLag: bigint | undefined
  readonly json: boolean
  readonly timeoutMs: number
  readonly help: boolean
}

/** After this long without an answer a person is told that we are still at it. */
const PATIENCE_MS = 1_000

/** `lagkeeper lag`: reads a cluster once and prints it. Returns the exit code. */
export async function lagCommand(argv: readonly string[], io: Io): Promise<number> {
  let options: LagArguments
  try {
    options = parseLagArguments(argv)
  } catch (error) {
    io.stderr.write(`${describeError(error)}\n\nSee lagkeeper lag --help\n`)
    return 2
  }
  if (options.help) {
    io.stdout.write(lagUsage)
    return 0
  }
  const startedAt = Date.now()
  const progress = setInterval(() => {
    if (io.stderr.isTTY)
      io.stderr.write(`\rreading ${options.bootstrap.join(',')} … ${Math.round((Date.now() - startedAt) / 1_000)} s `)
  }, PATIENCE_MS)
  let snapshot: Snapshot
  try {
    snapshot = await readLag(
      {
        kafkaCluster: 'default',
        bootstrap: options.bootstrap,
        requestTimeoutMs: options.timeoutMs,
        clock: systemClock,
        keepConsumer: options.consumer,
        keepTopic: options.topic,
      },
      io.signal,
    )
  } catch (error) {
    io.stderr.write(
      `${describeError(error)}\nCheck the address, that the port speaks Kafka without TLS or SASL, and the network\n`,
    )
    return 3
  } finally {
    clearInterval(progress)
    if (io.stderr.isTTY && Date.now() - startedAt > PATIENCE_MS) io.stderr.write('\r\u001b[K')
  }
  const rows = [...lagRows(snapshot)].sort(byName)
  print(rows, snapshot, options, io)
  return exitCode(rows, snapshot, options, io)
}

/** @throws ConfigError naming the option, its value and what was expected */
export function parseLagArguments(argv: readonly string[]): LagArguments {
  const { values } = parsed(argv)
  const help = values.help === true
  const bootstrap = (values['kafka.bootstrap'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
  if (!help && bootstrap.length === 0)
    throw new ConfigError(['--kafka.bootstrap: missing, expected host:port separated by commas'])
  for (const one of bootstrap)
    if (!/^(\[[^\]]+\]|[^:]+):\d{1,5}$/.test(one) || Number(one.slice(one.lastIndexOf(':') + 1)) > 65_535)
      throw new ConfigError([`--kafka.bootstrap: "${one}", expected host:port`])
  const maxLag = values['max-lag']
  if (maxLag !== undefined && !/^\d{1,19}$/.test(maxLag))
    throw new ConfigError([`--max-lag: "${maxLag}", expected a number of records`])
  const timeout = Number(values.timeout ?? '10')
  if (!(timeout >= 1 && timeout <= 600))
    throw new ConfigError([`--timeout: "${values.timeout}", expected 1 to 600 seconds`])
  return {
    help,
    bootstrap,
    consumer: filter('--consumer', values.consumer),
    topic: filter('--topic', values.topic),
    isFiltered: values.consumer !== undefined || values.topic !== undefined,
    maxLag: maxLag === undefined ? undefined : BigInt(maxLag),
    json: values.json === true,
    timeoutMs: timeout * 1_000,
  }
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: false,
      options: {
        'kafka.bootstrap': { type: 'string' },
        consumer: { type: 'string' },
        topic: { type: 'string' },
        'max-lag': { type: 'string' },
        timeout: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new ConfigError([describeError(error).replace(/ \(ERR_[A-Z_]+\)$/, '')], { cause: error })
  }
}

function filter(option: string, pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined) return () => true
  try {
    return compilePattern(pattern)
  } catch (error) {
    throw new ConfigError([`${option}: "${pattern}", expected an RE2 pattern: ${describeError(error)}`], {
      cause: error,
    })
  }
}

function print(rows: readonly LagRow[], snapshot: Snapshot, options: LagArguments, io: Io): void {
  if (options.json || io.stdout.isTTY !== true) {
    for (const row of rows) io.stdout.write(`${jsonRow(row)}\n`)
  } else if (rows.length > 0) io.stdout.write(lagTable(rows))
  if (rows.length === 0)
    io.stderr.write(options.isFiltered ? 'No consumer matches\n' : 'No consumer has a position in this cluster\n')
  for (const problem of snapshot.problems) io.stderr.write(`${problem.reason}: ${problem.message}\n`)
}

function exitCode(rows: readonly LagRow[], snapshot: Snapshot, options: LagArguments, io: Io): number {
  const { maxLag } = options
  const over = rows.filter((row) => maxLag !== undefined && row.recordsLag !== undefined && row.recordsLag > maxLag)
  if (over.length > 0) {
    io.stderr.write(
      `${over.length} ${over.length === 1 ? 'partition lags' : 'partitions lag'} more than ${maxLag} records\n`,
    )
    return 1
  }
  const isUnknown = rows.some((row) => row.recordsLag === undefined && row.reason !== 'no_position')
  const isNothing = rows.length === 0 && options.isFiltered
  return isUnknown || isNothing || snapshot.problems.length > 0 ? 3 : 0
}

function byName(a: LagRow, b: LagRow): number {
  if (a.consumer !== b.consumer) return a.consumer < b.consumer ? -1 : 1
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
