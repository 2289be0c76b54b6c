#!/usr/bin/env node
import { setMaxListeners } from 'node:events'
import type { Io } from './commands/io.ts'
import { lagCommand } from './commands/lag.ts'
import { describeError } from './runtime/errors.ts'

type Command = (argv: readonly string[], io: Io) => Promise<number>

const commands: Readonly<Record<string, Command>> = {
  lag: lagCommand,
}

const stop = new AbortController()
// Everything that waits listens to this one signal.
setMaxListeners(0, stop.signal)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
// A reader that goes away (`lagkeeper lag | head`) is no error of ours.
process.stdout.on('error', () => process.exit(0))

const [name, ...rest] = process.argv.slice(2)
const command = commands[name ?? '']
const io: Io = { stdout: process.stdout, stderr: process.stderr, env: process.env, signal: stop.signal }

try {
  process.exitCode = command === undefined ? 2 : await command(rest, io)
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`)
  process.exitCode = 70
}
