import { runDaemon } from '../app/daemon.ts'
import { effectiveConfig, helpText, parseFlags } from '../app/flags.ts'
import type { Effective } from '../app/reloading.ts'
import { packageVersion } from '../app/version.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConfigError } from '../runtime/errors.ts'
import { createLogger } from '../runtime/logger.ts'
import type { Io } from './io.ts'

const commands = [
  { usage: 'lag --kafka.bootstrap=…', summary: 'Print how far every consumer of a cluster is behind.' },
  { usage: 'compare --url=…', summary: 'Explain how another lag exporter differs from Lagkeeper.' },
  { usage: 'register --url=… -- COMMAND', summary: 'Keep a registration alive while a command runs.' },
  { usage: 'rules --config.file=…', summary: 'Print alerting rules with fixed thresholds for the objectives.' },
  { usage: 'record --output=FILE …', summary: 'Keep the offsets of a cluster as they are read.' },
  { usage: 'replay FILE', summary: 'Judge a recording anew: statuses, objectives, alerts that would have fired.' },
  { usage: 'check config FILE', summary: 'Say whether the daemon would start with a file.' },
]

/** `lagkeeper [flags]`: the daemon. Exit codes: 0 after a signal, 2 for wrong usage or configuration. */
export async function daemonCommand(argv: readonly string[], io: Io): Promise<number> {
  try {
    const flags = parseFlags(argv)
    if (flags.help) {
      io.stdout.write(helpText(commands))
      return 0
    }
    if (flags.version) {
      io.stdout.write(`lagkeeper ${packageVersion()}\n`)
      return 0
    }
    const read = (): Effective => effectiveConfig(flags, io.env)
    const { level, format } = read().config.log
    const logger = createLogger(level, format)
    const { onHangUp } = io
    try {
      await runDaemon(
        {
          clock: systemClock,
          logger,
          version: packageVersion(),
          read,
          onConfig: ({ log }) => logger.setLevel(log.level),
          ...(onHangUp === undefined ? {} : { onHangUp }),
        },
        io.signal,
      )
    } finally {
      logger.end()
    }
    return 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) io.stderr.write(`${problem}\n`)
    io.stderr.write('See lagkeeper --help and docs/configuration.md\n')
    return 2
  }
}
