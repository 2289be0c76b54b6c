import { jsonRow } from '../exposition/json-row.ts'
import { type LagRow, lagRows } from '../model/lag-row.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { describeError } from '../runtime/errors.ts'
import type { Io } from './io.ts'
import { type LagArguments, parseLagArguments, readOptions } from './lag-arguments.ts'
import { lagTable } from './lag-table.ts'
import { type ReadLagOptions, readLag } from './read-lag.ts'

const lagUsage = `Usage: lagkeeper lag --kafka.bootstrap=host:9092[,…] [options]

Prints how far every consumer is behind, partition by partition: a table on a terminal, JSON lines in a pipe.

  --kafka.bootstrap=LIST   brokers to ask first, host:port separated by commas
  --config.file=FILE       in its place: a cluster of the daemon's configuration, with its TLS, SASL and filters
  --kafka.cluster=NAME     which one, when the file has several
  --consumer=RE            only consumers whose whole name matches (RE2)
  --topic=RE               only topics whose whole name matches (RE2)
  --max-lag=N              exit with 1 when a partition lags more than N records
  --json                   JSON lines on a terminal too
  --timeout=SECONDS        how long one request may take (default 10)
  --help                   this text

Exit codes: 0 all known, 1 over --max-lag, 2 wrong usage, 3 unreachable, or a lag is unknown (a partition without a
position is not).
`

/** After this long without an answer a person is told that we are still at it. */
const PATIENCE_MS = 1_000

/** `lagkeeper lag`: reads a cluster once and prints it. Returns the exit code. */
export async function lagCommand(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    io.stdout.write(lagUsage)
    return 0
  }
  let options: LagArguments
  let target: ReadLagOptions
  try {
    options = parseLagArguments(argv)
    target = readOptions(options, io)
  } catch (error) {
    io.stderr.write(`${describeError(error)}\n\nSee lagkeeper lag --help\n`)
    return 2
  }
  const startedAt = Date.now()
  const progress = setInterval(() => {
    if (io.stderr.isTTY)
      io.stderr.write(`\rreading ${target.bootstrap.join(',')} … ${Math.round((Date.now() - startedAt) / 1_000)} s `)
  }, PATIENCE_MS)
  let snapshot: Snapshot
  try {
    snapshot = await readLag(target, io.signal)
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
