import { spawn } from 'node:child_process'
import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { createTokenSource, type TokenSource } from './sasl-token.ts'

const TIMEOUT_MS = 20_000
const MAX_BYTES = 64 * 1024

/**
 * The standard output of a program, without a shell in between; it is run again when its token is no longer fresh. Its
 * arguments and its other output are in no message: they may hold secrets.
 */
export function tokenFromCommand(command: readonly string[], clock: Clock, timeoutMs = TIMEOUT_MS): TokenSource {
  const [program = '', ...args] = command
  const what = `token command ${JSON.stringify(program)}`
  return createTokenSource(
    what,
    async (signal) => ({ text: (await run(what, program, args, timeoutMs, signal)).trim() }),
    clock,
  )
}

function run(
  what: string,
  program: string,
  args: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const chunks: Buffer[] = []
    let bytes = 0
    // A process group of its own, so that what a script has started ends with it.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
    const timer = setTimeout(() => end(`no token within ${timeoutMs} ms`, { timedOut: true }), timeoutMs)
    const onAbort = (): void => end('stopped')
    signal.addEventListener('abort', onAbort, { once: true })

    function release(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    function end(why: string, more: { readonly timedOut?: boolean; readonly cause?: unknown } = {}): void {
      release()
      child.stdout.destroy()
      killGroup(child.pid)
      reject(signal.aborted ? signal.reason : new UnavailableError(`Run ${what}: ${why}, expected a token`, more))
    }
    child.once('error', (cause) => end(describeError(cause), { cause }))
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_BYTES) end(`more than ${MAX_BYTES} bytes`)
      else chunks.push(chunk)
    })
    child.once('close', (code, killedBy) => {
      if (code !== 0) return end(code === null ? `ended by ${killedBy}` : `exit code ${code}`)
      release()
      resolve(Buffer.concat(chunks).toString('utf8'))
    })
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
