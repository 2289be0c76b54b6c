import { formatDuration, parseDuration } from '../config/duration.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { Io } from './io.ts'
import { parseLagArguments, readOptions } from './lag-arguments.ts'
import { parseOptions } from './options.ts'
import type { ReadLagOptions } from './read-lag.ts'

/** What `lagkeeper record` was asked for. */
export interface RecordArguments {
  readonly target: ReadLagOptions
  readonly output: string
  readonly intervalMs: number
  /** Absent: until it is stopped. */
  readonly forMs: number | undefined
  readonly mostBytes: number
}

const INTERVAL = '15s'
const MOST_MIB = 1024

/** @throws ConfigError naming the option, its value and what was expected */
export function parseRecordArguments(argv: readonly string[], io: Io): RecordArguments {
  const {
    output,
    interval = INTERVAL,
    for: lasts,
    'max-size': size = String(MOST_MIB),
    ...where
  } = parseOptions(argv, {
    'kafka.bootstrap': { type: 'string' },
    'config.file': { type: 'string' },
    'kafka.cluster': { type: 'string' },
    consumer: { type: 'string' },
    topic: { type: 'string' },
    timeout: { type: 'string' },
    output: { type: 'string' },
    interval: { type: 'string' },
    for: { type: 'string' },
    'max-size': { type: 'string' },
  })
  if (output === undefined || output === '') throw new ConfigError(['--output: missing, expected FILE'])
  const lag = parseLagArguments(Object.entries(where).map(([name, value]) => `--${name}=${value}`))
  const mib = Number(size)
  if (!(Number.isInteger(mib) && mib >= 1 && mib <= 1_048_576))
    throw new ConfigError([`--max-size: "${size}", expected 1 to 1048576 MiB`])
  return {
    target: readOptions(lag, io),
    output,
    intervalMs: durationOf('--interval', interval, 1_000, 3_600_000),
    forMs: lasts === undefined ? undefined : durationOf('--for', lasts, 1_000, 31 * 86_400_000),
    mostBytes: mib * 2 ** 20,
  }
}

function durationOf(option: string, text: string, least: number, largest: number): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < least || ms > largest)
    throw new ConfigError([
      `${option}: "${text}", expected a duration from ${formatDuration(least)} to ${formatDuration(largest)} such as "15s" or "8h"`,
    ])
  return ms
}
