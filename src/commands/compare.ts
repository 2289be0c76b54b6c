import { compareReadings } from '../compare/explain.ts'
import { type Compared, type Difference, differences } from '../compare/known.ts'
import type { OurNumbers } from '../compare/ours.ts'
import { withOurNames } from '../compare/renamed.ts'
import { type TheirNumbers, theirNumbers } from '../compare/their.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConfigError, describeError, UnavailableError } from '../runtime/errors.ts'
import { type CompareArguments, compareUsage, parseCompareArguments } from './compare-arguments.ts'
import { shownUrl } from './compare-http.ts'
import { fromSnapshot, readDaemon, readTheirPage } from './compare-read.ts'
import { compareJson, compareTable } from './compare-table.ts'
import type { Io } from './io.ts'
import { readOptions } from './lag-arguments.ts'
import { readLag } from './read-lag.ts'

/** `lagkeeper compare`: explains how another exporter differs. Returns the exit code. */
export async function compareCommand(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    io.stdout.write(compareUsage)
    return 0
  }
  try {
    const options = parseCompareArguments(argv)
    const found = await compare(options, io)
    print(found, options, io)
    return found.compared.some(({ difference }) => !differences[difference]) ? 1 : 0
  } catch (error) {
    if (io.signal.aborted) {
      io.stderr.write('Stopped\n')
      return 3
    }
    if (!(error instanceof ConfigError) && !(error instanceof UnavailableError)) throw error
    io.stderr.write(`${describeError(error)}\n`)
    if (error instanceof UnavailableError) return 3
    io.stderr.write('\nSee lagkeeper compare --help\n')
    return 2
  }
}

interface Found {
  readonly kafkaCluster: string
  readonly compared: readonly Compared[]
}

/** Reads both sides once, and once more when something differs that movement might explain. */
async function compare(options: CompareArguments, io: Io): Promise<Found> {
  const theirs: TheirNumbers[] = []
  const ours: OurNumbers[] = []
  for (;;) {
    ours.push(await readOurs(options, io))
    theirs.push(await readTheirs(options, io))
    const compared = compareAll(theirs, ours)
    const isDone =
      theirs.length > 1 || options.waitMs === 0 || compared.every(({ difference }) => differences[difference])
    if (isDone) return { kafkaCluster: ours[0]!.kafkaCluster, compared }
    if (io.stderr.isTTY)
      io.stderr.write(`They differ; both are read once more in ${options.waitMs / 1_000} s, to see what has moved\n`)
    await systemClock.sleep(options.waitMs, io.signal)
    io.signal.throwIfAborted()
  }
}

function compareAll(theirs: readonly TheirNumbers[], ours: readonly OurNumbers[]): readonly Compared[] {
  const { renamed, numbers } = withOurNames(theirs, ours)
  return [...renamed, ...compareReadings(numbers, ours)]
}

async function readOurs({ daemon, configFile, clusterName, read }: CompareArguments, io: Io): Promise<OurNumbers> {
  if (daemon !== undefined) return await readDaemon(daemon, clusterName, read, io.signal)
  const target = readOptions(
    {
      bootstrap: [],
      configFile,
      clusterName,
      consumer: read.consumer.fits,
      topic: read.topic.fits,
      isFiltered: false,
      maxLag: undefined,
      json: false,
      timeoutMs: read.deadlineMs,
    },
    io,
  )
  return fromSnapshot(await readLag(target, io.signal))
}

async function readTheirs({ url, theirCluster, read }: CompareArguments, io: Io): Promise<TheirNumbers> {
  const page = await readTheirPage(url, read, io.signal)
  const numbers = theirNumbers(page.samples, theirCluster)
  if (numbers.clusters.length > 1 && theirCluster === undefined)
    throw new ConfigError([`--their.cluster: missing, expected one of ${numbers.clusters.join(', ')}`])
  if (numbers.numbers.size === 0)
    throw new UnavailableError(
      `Read ${shownUrl(url)}: no series that can be compared, expected those of kafka_exporter, kafka-lag-exporter, kminion or Burrow`,
    )
  if (page.broken > 0)
    io.stderr.write(
      `${page.broken} lines of ${shownUrl(url)} are no samples, such as ${JSON.stringify(page.firstBroken)}\n`,
    )
  for (const text of numbers.unclear) io.stderr.write(`Left out: ${text}\n`)
  return numbers
}

function print({ kafkaCluster, compared }: Found, options: CompareArguments, io: Io): void {
  const shown = compared.filter(({ difference }) => options.all || difference !== 'equal')
  if (options.json || io.stdout.isTTY !== true)
    for (const one of shown) io.stdout.write(`${compareJson(one, kafkaCluster)}\n`)
  else if (shown.length > 0) io.stdout.write(compareTable(shown))
  const counts = new Map<Difference, number>()
  for (const { difference } of compared) counts.set(difference, (counts.get(difference) ?? 0) + 1)
  const parts = Object.keys(differences).flatMap((name) => {
    const count = [...counts].find(([difference]) => difference === name)?.[1]
    return count === undefined ? [] : [`${name} ${count}`]
  })
  io.stderr.write(`${compared.length} compared: ${parts.join(', ')}\n`)
}
