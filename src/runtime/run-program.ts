import { spawn } from 'node:child_process'
import { describeError, UnavailableError } from './errors.ts'

export interface ProgramRun {
  /** The program and its arguments; no shell in between. */
  readonly command: readonly string[]
  /** For messages, such as `token command "get-token"`: arguments may hold secrets and are in none. */
  readonly what: string
  /** For messages, such as `a token`. */
  readonly expected: string
  readonly timeoutMs: number
  /** Besides our own environment. */
  readonly env?: Readonly<Record<string, string>>
}

const MAX_BYTES = 64 * 1024

/**
 * The standard output of a program, as text. What it writes elsewhere is passed over. When it is given up, all that it has
 * started ends with it.
 *
 * @throws UnavailableError when it fails, takes too long or writes more than 64 KiB
 */
export function runProgram({ command, what, expected, timeoutMs, env }: ProgramRun, signal: AbortSignal) {
  const [program = '', ...args] = command
  return new Promise<string>((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const chunks: Buffer[] = []
    let bytes = 0
    // A process group of its own, so that what a script has started ends with it.
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
      env: { ...process.env, ...env },
    })
    const timer = setTimeout(() => end(`no output within ${timeoutMs} ms`, { timedOut: true }), timeoutMs)
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
      reject(signal.aborted ? signal.reason : new UnavailableError(`Run ${what}: ${why}, expected ${expected}`, more))
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
