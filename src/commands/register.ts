import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { keepRegistered, type Registered, RegistrationError } from '../client/register.ts'
import { ConfigError, describeError } from '../runtime/errors.ts'
import type { Io } from './io.ts'
import { parseRegisterArguments, type RegisterArguments, registerUsage } from './register-arguments.ts'

type CommandIo = Pick<Io, 'stdout' | 'stderr' | 'signal'>

/** `lagkeeper register`: keeps an endpoint registered while a command runs. Returns the exit code. */
export async function registerCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  let options: RegisterArguments
  try {
    options = parseRegisterArguments(argv)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    io.stderr.write(`${error.problems.join('\n')}\n\nSee lagkeeper register --help\n`)
    return 2
  }
  if (options.help) {
    io.stdout.write(registerUsage)
    return 0
  }
  const [command, ...args] = options.command
  if (command === undefined) return (await keep(options, io, io.signal)) ? 0 : 1

  const stop = new AbortController()
  const exit = runCommand(command, args, io)
  // The command has started already: registration never delays it, and whatever becomes of it does not end it.
  const kept = keep(options, io, stop.signal)
  const code = await exit
  stop.abort()
  await kept
  return code
}

/** Registered until the signal aborts; false when Lagkeeper refused for good. */
async function keep(
  { url, token, registrant }: RegisterArguments,
  io: CommandIo,
  signal: AbortSignal,
): Promise<boolean> {
  const say = (text: string): void => {
    io.stderr.write(`lagkeeper register: ${text}\n`)
  }
  try {
    await keepRegistered({ url, ...(token === undefined ? {} : { token }) }, registrant, signal, {
      onChange: (change: Registered | RegistrationError) =>
        say(change instanceof RegistrationError ? `${change.message}; trying again` : `registered as ${change.id}`),
    })
    return true
  } catch (error) {
    const isFinal = error instanceof RegistrationError && error.isFinal
    say(isFinal ? `${describeError(error)}; giving up` : `not withdrawn: ${describeError(error)}`)
    return !isFinal
  }
}

/** Signals that end or steer a process and that a person or a service manager may send to us instead of to it. */
const passedOn = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

function runCommand(command: string, args: readonly string[], io: CommandIo): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit' })
    const stops = [
      ...passedOn.map((signal) => {
        const pass = (): void => void child.kill(signal)
        process.on(signal, pass)
        return () => process.off(signal, pass)
      }),
      passOnEnd(child, io.signal),
    ]
    const finish = (code: number): void => {
      for (const stop of stops) stop()
      resolve(code)
    }
    child.once('error', (error) => {
      io.stderr.write(`lagkeeper register: Run "${command}": ${describeError(error)}\n`)
      finish('code' in error && error.code === 'ENOENT' ? 127 : 126)
    })
    child.once('exit', (code, signal) => finish(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}

/** A Ctrl-C on a terminal reaches the command by itself, as it does everything in the foreground. */
function passOnEnd(child: ChildProcess, signal: AbortSignal): () => void {
  const pass = (): void => {
    const name = signal.reason === 'SIGINT' ? 'SIGINT' : 'SIGTERM'
    if (name === 'SIGTERM' || !process.stdin.isTTY) child.kill(name)
  }
  if (signal.aborted) pass()
  signal.addEventListener('abort', pass, { once: true })
  return () => signal.removeEventListener('abort', pass)
}
