import { effectiveConfig, parseFlags } from '../app/flags.ts'
import { kafkaClientOptions } from '../app/kafka-client.ts'
import { kafkaFilters } from '../app/kafka-filters.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { Io } from './io.ts'
import { parseOptions, parsePattern } from './options.ts'
import type { ReadLagOptions } from './read-lag.ts'

/** What `lagkeeper lag` was asked for. */
export interface LagArguments {
  /** Empty when a configuration file is given. */
  readonly bootstrap: readonly string[]
  readonly configFile: string | undefined
  readonly clusterName: string | undefined
  readonly consumer: (name: string) => boolean
  readonly topic: (name: string) => boolean
  readonly isFiltered: boolean
  readonly maxLag: bigint | undefined
  readonly json: boolean
  readonly timeoutMs: number
}

/** Where to read, and what: from the arguments alone, or from a cluster of a configuration file and the arguments. */
export function readOptions(options: LagArguments, io: Io): ReadLagOptions {
  const { consumer, topic, configFile, clusterName } = options
  if (configFile === undefined)
    return {
      kafkaCluster: 'default',
      bootstrap: options.bootstrap,
      requestTimeoutMs: options.timeoutMs,
      clock: systemClock,
      keepConsumer: consumer,
      keepTopic: topic,
    }
  const { config } = effectiveConfig(parseFlags([`--config.file=${configFile}`]), io.env)
  const names = config.kafka.map((cluster) => cluster.name)
  const cluster = config.kafka.find(({ name }) =>
    clusterName === undefined ? names.length === 1 : name === clusterName,
  )
  if (cluster === undefined)
    throw new ConfigError([
      `--kafka.cluster: ${clusterName === undefined ? 'missing' : `"${clusterName}"`}, expected one of ${names.join(', ') || 'none: the file has no cluster'}`,
    ])
  const { keepConsumer, keepTopic } = kafkaFilters(cluster)
  return {
    ...kafkaClientOptions(cluster),
    kafkaCluster: cluster.name,
    clock: systemClock,
    keepConsumer: (name) => keepConsumer(name) && consumer(name),
    keepTopic: (name) => keepTopic(name) && topic(name),
    old: cluster,
  }
}

/** @throws ConfigError naming the option, its value and what was expected */
export function parseLagArguments(argv: readonly string[]): LagArguments {
  const values = parsed(argv)
  const configFile = values['config.file']
  const clusterName = values['kafka.cluster']
  const bootstrap = (values['kafka.bootstrap'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
  if (bootstrap.length === 0 && configFile === undefined)
    throw new ConfigError(['--kafka.bootstrap: missing, expected host:port separated by commas'])
  if (bootstrap.length > 0 && (configFile !== undefined || clusterName !== undefined))
    throw new ConfigError(['--kafka.bootstrap: expected it alone, or --config.file with --kafka.cluster in its place'])
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
    bootstrap,
    configFile,
    clusterName,
    consumer: parsePattern('--consumer', values.consumer),
    topic: parsePattern('--topic', values.topic),
    isFiltered: values.consumer !== undefined || values.topic !== undefined,
    maxLag: maxLag === undefined ? undefined : BigInt(maxLag),
    json: values.json === true,
    timeoutMs: timeout * 1_000,
  }
}

function parsed(argv: readonly string[]) {
  return parseOptions(argv, {
    'kafka.bootstrap': { type: 'string' },
    'config.file': { type: 'string' },
    'kafka.cluster': { type: 'string' },
    consumer: { type: 'string' },
    topic: { type: 'string' },
    'max-lag': { type: 'string' },
    timeout: { type: 'string' },
    json: { type: 'boolean' },
  })
}
