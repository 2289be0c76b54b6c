import { parseArgs } from 'node:util'
import { effectiveConfig, parseFlags } from '../app/flags.ts'
import { kafkaFilters } from '../app/kafka-filters.ts'
import { objectiveRules } from '../app/objectives.ts'
import { parseDuration } from '../config/duration.ts'
import type { ReplayOptions } from '../replay/replay-cycles.ts'
import { ConfigError, describeError } from '../runtime/errors.ts'
import { expandGlob } from './glob.ts'
import type { Io } from './io.ts'

/** What `lagkeeper replay` was asked for. */
export interface ReplayArguments {
  readonly file: string
  /** Absent: no alerts are asked for. */
  readonly rules: readonly string[] | undefined
  readonly windowMs: number
  readonly json: boolean
  /** What a configuration says about a cluster; without one nothing is promised. */
  readonly promises: (kafkaCluster: string) => Pick<ReplayOptions, 'objectives' | 'noPosition'>
}

const WINDOW = '10m'
const nothing: Pick<ReplayOptions, 'objectives' | 'noPosition'> = { objectives: () => [], noPosition: () => 'ignore' }

/** @throws ConfigError naming the option, its value and what was expected */
export function parseReplayArguments(argv: readonly string[], io: Io): ReplayArguments {
  const { values, positionals } = parsed(argv)
  // A shell that knows what a pattern stands for has put further files where it stood.
  const [file, ...more] = positionals
  if (file === undefined) throw new ConfigError(['FILE: missing, expected a recording of lagkeeper record'])
  const patterns = [...(values.rules ?? []), ...(values.rules === undefined ? [] : more)]
  if (values.rules === undefined && more.length > 0)
    throw new ConfigError([`"${more[0]}": unexpected argument, expected one FILE`])
  const { window = WINDOW, 'config.file': configFile } = values
  const windowMs = parseDuration(window)
  if (windowMs === undefined || windowMs < 60_000 || windowMs > 86_400_000)
    throw new ConfigError([`--window: "${window}", expected a duration from 1m to 1d such as "10m"`])
  return {
    file,
    rules: values.rules === undefined ? undefined : patterns.flatMap(pathsOf),
    windowMs,
    json: values.json === true,
    promises: configFile === undefined ? () => nothing : promisesOf(configFile, io),
  }
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        rules: { type: 'string', multiple: true },
        'config.file': { type: 'string' },
        window: { type: 'string' },
        json: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new ConfigError([describeError(error).replace(/ \(ERR_[A-Z_]+\)$/, '')], { cause: error })
  }
}

function pathsOf(pattern: string): readonly string[] {
  const paths = expandGlob(pattern)
  if (paths.length === 0) throw new ConfigError([`--rules: "${pattern}", expected rule files: nothing has such a name`])
  return paths
}

function promisesOf(path: string, io: Io): ReplayArguments['promises'] {
  const { config } = effectiveConfig(parseFlags([`--config.file=${path}`]), io.env)
  return (kafkaCluster) => {
    let now = 0
    const rules = objectiveRules(config.objectives, () => now)
    const cluster = config.kafka.find(({ name }) => name === kafkaCluster)
    return {
      noPosition: cluster === undefined ? nothing.noPosition : kafkaFilters(cluster).noPosition,
      objectives: (consumer, topic, wall) => {
        now = wall
        return rules(consumer, topic)
      },
    }
  }
}
