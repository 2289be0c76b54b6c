#!/usr/bin/env node
import { setMaxListeners } from 'node:events'
import type { Io } from './commands/io.ts'
import { ConfigError, describeError } from './runtime/errors.ts'

type Command = (argv: readonly string[], io: Io) => Promise<number>

/** Exit codes: 0 fine, 2 the user must act (sysexits has no better), 70 our bug; commands have more of their own. */
const USAGE = 2
const BUG = 70

/** Only the code of the one command is loaded: nobody waits for that of the others. */
async function commandFor(
  argv: readonly string[],
): Promise<{ readonly command: Command; readonly rest: readonly string[] } | undefined> {
  const [first, second, ...rest] = argv
  if (first === undefined || first.startsWith('-'))
    return { command: (await import('./commands/daemon.ts')).daemonCommand, rest: argv }
  if (first === 'lag') return { command: (await import('./commands/lag.ts')).lagCommand, rest: argv.slice(1) }
  if (first === 'compare')
    return { command: (await import('./commands/compare.ts')).compareCommand, rest: argv.slice(1) }
  if (first === 'register')
    return { command: (await import('./commands/register.ts')).registerCommand, rest: argv.slice(1) }
  if (first === 'record') return { command: (await import('./commands/record.ts')).recordCommand, rest: argv.slice(1) }
  if (first === 'replay') return { command: (await import('./commands/replay.ts')).replayCommand, rest: argv.slice(1) }
  if (first === 'rules') return { command: (await import('./commands/rules.ts')).rulesCommand, rest: argv.slice(1) }
  if (first === 'check' && second === 'config')
    return { command: (await import('./commands/check-config.ts')).checkConfigCommand, rest }
  return undefined
}

const stop = new AbortController()
// Everything that waits listens to this one signal.
setMaxListeners(0, stop.signal)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal))
// A reader that goes away (`lagkeeper lag | head`) is no error of ours.
process.stdout.on('error', () => process.exit(0))

const argv = process.argv.slice(2)
const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
  onHangUp: (listener) => {
    process.on('SIGHUP', listener)
    return () => process.off('SIGHUP', listener)
  },
}

try {
  const chosen = await commandFor(argv)
  if (chosen === undefined) {
    process.stderr.write(`Unknown command "${argv.slice(0, 2).join(' ')}", see lagkeeper --help\n`)
    process.exitCode = USAGE
  } else process.exitCode = await chosen.command(chosen.rest, io)
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`)
  process.exitCode = error instanceof ConfigError ? USAGE : BUG
}
