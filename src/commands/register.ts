import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { keepRegistered, type RegistrationState } from '../client/register.ts'
import { ConfigError, describeError } from '../runtime/errors.ts'
import type { Io } from './io.ts'
import { findAddress } from './register-address.ts'
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
  const { pid, exit } = runCommand(command, args, io)
  if (pid === undefined) return exit
  // The command has started already: registration never delays it, and whatever becomes of it does not end it.
  const kept = keep(options, io, stop.signal, pid)
  const code = await exit
  stop.abort()
  await kept
  return code
}

/** Registered until the signal aborts; false when Lagkeeper refused for good. */
async function keep(
  { urls, token, registrant, endpoint }: RegisterArguments,
  io: CommandIo,
  signal: AbortSignal,
  pid?: number,
): Promise<boolean> {
  const say = (text: string): void => {
    io.stderr.write(`lagkeeper register: ${text}\n`)
  }
  const address = await findAddress(endpoint, { urls, pid, say }, signal)
  if (address === undefined) return true
  const daemon = { url: urls, ...(token === undefined ? {} : { token }) }
  const onState = (state: RegistrationState): void => {
    const text = textOf(state, address)
    if (text !== undefined) say(text)
  }
  const { state } = await keepRegistered(daemon, { ...registrant, address }, signal, { onState })
  return state !== 'refused'
}

function textOf(state: RegistrationState, address: string): string | undefined {
  switch (state.state) {
    case 'registered':
      return `registered as ${state.registered.id} at ${address}`
    case 'retrying':
      return `${state.error.message}; trying again`
    case 'refused':
      return `${state.error.message}; giving up`
    case 'left':
      return `not withdrawn: ${state.error.message}`
    case 'withdrawn':
      return undefined
  }
}

/** Signals that end or steer a process and that a person or a service manager may send to us instead of to it. */
const passedOn = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

interface RunningCommand {
  readonly pid: number | undefined
  /** The exit code as a shell gives it. */
  readonly exit: Promise<number>
}

function runCommand(command: string, args: readonly string[], io: CommandIo): RunningCommand {
  const child = spawn(command, args, { stdio: 'inherit' })
  const exit = new Promise<number>((resolve) => {
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
  return { pid: child.pid, exit }
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
