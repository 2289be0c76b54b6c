import { effectiveConfig, parseFlags } from '../app/flags.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { Io } from './io.ts'
import { parseOptions } from './options.ts'
import { staticRules } from './rules-text.ts'

const USAGE = `Usage: lagkeeper rules --config.file=FILE [options]

Prints the objectives of a configuration as alerting rules with fixed thresholds (YAML, Prometheus 2.42 and later), for a
Prometheus that has the lags of Lagkeeper but not its objectives. Whoever scrapes Lagkeeper itself loads alerts/lag.yaml
in their place: docs/objectives.md.

  --config.file=FILE       the configuration; the files it names are read too
  --kafka.cluster=NAME     only for this Kafka cluster
  --help                   this text

Exit codes: 0 all is said, 1 parts of a schedule cannot be said in PromQL (standard error and the rules name them),
2 the configuration is not right, or wrong usage.
`

/**
 * `lagkeeper rules --config.file=FILE`: static alerting rules for the objectives, on standard output.
 *
 * @param argv what stands behind `rules`
 * @returns 0 when all is said, 1 when entries of schedules had to be left out, 2 when the user must act
 */
export async function rulesCommand(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    io.stdout.write(USAGE)
    return 0
  }
  try {
    const values = parseOptions(argv, { 'config.file': { type: 'string' }, 'kafka.cluster': { type: 'string' } })
    const { 'config.file': file, 'kafka.cluster': cluster } = values
    if (file === undefined || file === '') throw new ConfigError(['--config.file: missing, expected FILE'])
    const { config } = effectiveConfig(parseFlags([`--config.file=${file}`]), io.env)
    const names = config.kafka.map(({ name }) => name)
    if (cluster !== undefined && !names.includes(cluster))
      throw new ConfigError([
        `--kafka.cluster: "${cluster}", expected one of ${names.join(', ') || 'none: the file has no cluster'}`,
      ])
    const { text, leftOut } = staticRules(config.objectives, cluster)
    io.stdout.write(text)
    if (config.objectives.length === 0) io.stderr.write(`${file}: objectives: none, so there are no rules\n`)
    for (const line of leftOut) io.stderr.write(`Left out: ${line}\n`)
    return leftOut.length > 0 ? 1 : 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    io.stderr.write(`${error.problems.join('\n')}\n\nSee lagkeeper rules --help\n`)
    return 2
  }
}
