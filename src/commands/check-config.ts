import { effectiveConfig, parseFlags } from '../app/flags.ts'
import type { Config } from '../app/schema.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { Io, Output } from './io.ts'

const USAGE = `Usage: lagkeeper check config [--json] FILE

Says whether the daemon would start with the file; the files it names are read too. Prints a line on a
terminal, and one JSON object in a pipe or with --json. Exit codes: 0 right, 2 not right or wrong usage.
`

/**
 * `lagkeeper check config FILE`: says whether the daemon would start with the file, secret files included. On a
 * terminal in words, else (or with `--json`) as one JSON object `{"file", "ok", …}`.
 *
 * @param argv what stands behind `check config`
 * @returns 0 when the file is right, 2 when it is not, or the usage is wrong
 */
export async function checkConfigCommand(argv: readonly string[], io: Io): Promise<number> {
  const asJson = argv.includes('--json') || io.stdout.isTTY !== true
  const [file, ...rest] = argv.filter((argument) => argument !== '--json')
  if (file === '--help' || file === '-h') {
    io.stdout.write(USAGE)
    return 0
  }
  if (file === undefined || file === '' || file.startsWith('-') || rest.length > 0) {
    io.stderr.write(USAGE)
    return 2
  }
  try {
    const { config, demo } = effectiveConfig(parseFlags([`--config.file=${file}`]), io.env)
    const counts = countsOf(config)
    if (asJson)
      writeJson(io.stdout, {
        file,
        ok: true,
        demo,
        ...Object.fromEntries(counts.map(({ key, count }) => [key, count])),
      })
    else io.stdout.write(`${file}: ok (${[...counts.map(inWords), ...(demo ? ['demo'] : [])].join(', ')})\n`)
    return 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    if (asJson) writeJson(io.stdout, { file, ok: false, problems: error.problems })
    else io.stderr.write(`${error.problems.join('\n')}\n`)
    return 2
  }
}

interface Count {
  readonly key: string
  readonly noun: string
  readonly count: number
}

function countsOf(config: Config): readonly Count[] {
  return [
    { key: 'kafka_clusters', noun: 'Kafka cluster', count: config.kafka.length },
    { key: 'zookeeper_ensembles', noun: 'ZooKeeper ensemble', count: config.zookeeper === undefined ? 0 : 1 },
    { key: 'objectives', noun: 'objective', count: config.objectives.length },
  ]
}

function inWords({ noun, count }: Count): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function writeJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value)}\n`)
}
