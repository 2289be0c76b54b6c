import { ConfigError, describeError } from '../runtime/errors.ts'
import type { ReadOptions } from './compare-read.ts'
import { parseOptions, parsePattern } from './options.ts'

/** What `lagkeeper compare` was asked for. */
export interface CompareArguments {
  /** The page of the other exporter. */
  readonly url: URL
  /** A running Lagkeeper; absent when Kafka itself is to be read as a configuration file says. */
  readonly daemon: URL | undefined
  readonly configFile: string | undefined
  /** Our name of the Kafka cluster. */
  readonly clusterName: string | undefined
  /** The name that the other exporter has for it, where its series say one. */
  readonly theirCluster: string | undefined
  readonly read: ReadOptions
  /** Between the two readings; 0: read once. */
  readonly waitMs: number
  readonly json: boolean
  /** Print what is equal too. */
  readonly all: boolean
}

export const compareUsage = `Usage: lagkeeper compare --url=http://old-exporter:9308/metrics [options]

Explains, series by series, how another exporter differs from Lagkeeper: kafka_exporter, kafka-lag-exporter,
klag-exporter, kminion or Burrow. Prints the differences as a table on a terminal and as JSON lines in a pipe.

  --url=URL                the metrics page of the other exporter; user:password@ in it is sent as basic authentication
  --daemon=URL             the Lagkeeper to compare with (default http://127.0.0.1:10390)
  --config.file=FILE       in its place: read Kafka now, as a cluster of this configuration says
  --kafka.cluster=NAME     which Kafka cluster, when there are several
  --their.cluster=NAME     its name at the other exporter, when its page has several
  --consumer=RE            only consumers whose whole name matches (RE2)
  --topic=RE               only topics whose whole name matches (RE2)
  --wait=SECONDS           between two readings of both sides, longer than either takes for a new number (default 35;
                           0: read once, and movement counts as a difference)
  --timeout=SECONDS        how long one page may take (default 60)
  --all                    print what is equal too
  --json                   JSON lines on a terminal too
  --help                   this text

Exit codes: 0 every difference is explained, 1 one is not, 2 wrong usage, 3 a side could not be read.
`

const MOST_BYTES = 256 * 2 ** 20

/** @throws ConfigError naming every option that is wrong, its value and what was expected */
export function parseCompareArguments(argv: readonly string[]): CompareArguments {
  const values = parsed(argv)
  const problems: string[] = []
  const checked = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      problems.push(describeError(error))
      return undefined
    }
  }
  const configFile = values['config.file']
  const url = checked(() => urlOf('--url', values.url))
  const daemon = checked(() => urlOf('--daemon', values.daemon ?? 'http://127.0.0.1:10390'))
  if (configFile !== undefined && values.daemon !== undefined)
    problems.push('--daemon: expected it alone, or --config.file in its place')
  const consumer = checked(() => ({ text: values.consumer, fits: parsePattern('--consumer', values.consumer) }))
  const topic = checked(() => ({ text: values.topic, fits: parsePattern('--topic', values.topic) }))
  const waitMs = checked(() => secondsOf('--wait', values.wait ?? '35', 0))
  const deadlineMs = checked(() => secondsOf('--timeout', values.timeout ?? '60', 1))
  const read =
    consumer && topic && deadlineMs !== undefined ? { consumer, topic, deadlineMs, mostBytes: MOST_BYTES } : undefined
  if (problems.length > 0 || url === undefined || read === undefined || waitMs === undefined)
    throw new ConfigError(problems)
  return {
    url,
    daemon: configFile === undefined ? daemon : undefined,
    configFile,
    clusterName: values['kafka.cluster'],
    theirCluster: values['their.cluster'],
    read,
    waitMs,
    json: values.json === true,
    all: values.all === true,
  }
}

function parsed(argv: readonly string[]) {
  return parseOptions(argv, {
    url: { type: 'string' },
    daemon: { type: 'string' },
    'config.file': { type: 'string' },
    'kafka.cluster': { type: 'string' },
    'their.cluster': { type: 'string' },
    consumer: { type: 'string' },
    topic: { type: 'string' },
    wait: { type: 'string' },
    timeout: { type: 'string' },
    all: { type: 'boolean' },
    json: { type: 'boolean' },
  })
}

function urlOf(option: string, text: string | undefined): URL {
  const expected = 'expected a URL such as http://old-exporter:9308/metrics'
  if (text === undefined) throw new ConfigError([`${option}: missing, ${expected}`])
  const url = URL.canParse(text) ? new URL(text) : undefined
  // What was given is not shown: it may hold a password.
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw new ConfigError([`${option}: not an http or https URL, ${expected}`])
  return url
}

function secondsOf(option: string, text: string, least: number): number {
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (!(seconds >= least && seconds <= 600))
    throw new ConfigError([`${option}: "${text}", expected ${least} to 600 seconds`])
  return seconds * 1_000
}
