import { spawn } from 'node:child_process'
import { guard, signalGroup } from './guard.ts'

export interface RunResult {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly timeoutMs?: number
  readonly cwd?: string
  readonly signal?: AbortSignal
}

/**
 * Runs a program to its end and returns what it wrote, whatever its exit code; `code` is absent when a signal ended it.
 * @throws Error when the program cannot be started, or is not done in time (default 120 s) and was killed.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const timeoutMs = options.timeoutMs ?? 120_000
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: options.cwd, detached: true })
  const release = guard(child.pid)
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const abort = () => {
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
  }
  signal.addEventListener('abort', abort)
  try {
    const code = await new Promise<number | undefined>((resolve, reject) => {
      child.once('error', (cause) => reject(new Error(`Run "${command}": cannot be started`, { cause })))
      child.once('close', (exitCode) => resolve(exitCode ?? undefined))
    })
    if (signal.aborted)
      throw new Error(`Run "${command} ${args.join(' ')}": killed, not done in ${timeoutMs} ms\n${output.stderr}`, {
        cause: signal.reason,
      })
    return { code, ...output }
  } finally {
    signal.removeEventListener('abort', abort)
    release()
  }
}

/** As `run`, and a failure when the exit code is not 0: its message carries the end of what the program wrote. */
export async function runOrThrow(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const result = await run(command, args, options)
  if (result.code === 0) return result
  const said = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-30).join('\n')
  throw new Error(`Run "${command} ${args.join(' ')}": exit code ${result.code ?? 'none (signal)'}\n${said}`)
}
