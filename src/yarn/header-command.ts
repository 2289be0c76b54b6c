import { spawn } from 'node:child_process'
import { describeError, UnavailableError } from '../runtime/errors.ts'

const TIMEOUT_MS = 20_000
const MAX_BYTES = 64 * 1024
const MOST_HEADERS = 16

/** RFC 9110: a name is a token; a value is printable here, because anything else could forge another header. */
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)$/
/** Ours to set: they say what is asked of whom. */
const ours = /^(?:host|connection|content-length|transfer-encoding|upgrade|expect|te|trailer|accept-encoding)$/i

/**
 * The header lines that a program writes to its standard output, run without a shell. What it writes elsewhere, its
 * arguments and its headers are in no message: they may hold secrets.
 *
 * @param origin in the environment of the program as `YARN_URL`: a ticket is good for one host
 * @throws UnavailableError when it fails, takes more than 20 s, or writes anything but header lines
 */
export async function headersFromCommand(
  command: readonly string[],
  origin: string,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<Readonly<Record<string, string>>> {
  const [program = '', ...args] = command
  const what = `header command ${JSON.stringify(program)}`
  const output = await run(what, program, args, origin, timeoutMs, signal)
  const lines = output.split(/\r?\n/).filter((line) => line.trim() !== '')
  if (lines.length === 0) throw new UnavailableError(`Run ${what}: no output, expected header lines`)
  if (lines.length > MOST_HEADERS)
    throw new UnavailableError(`Run ${what}: ${lines.length} lines, expected at most ${MOST_HEADERS} headers`)
  const headers: Record<string, string> = {}
  for (const [index, line] of lines.entries()) {
    const match = headerLine.exec(line.trim())
    if (match === null)
      throw new UnavailableError(`Run ${what}: line ${index + 1} is no header, expected "name: value"`)
    const [, name = '', value = ''] = match
    if (ours.test(name))
      throw new UnavailableError(`Run ${what}: it sets ${JSON.stringify(name)}, which is not its own`)
    headers[name.toLowerCase()] = value
  }
  return headers
}

function run(
  what: string,
  program: string,
  args: readonly string[],
  origin: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const chunks: Buffer[] = []
    let bytes = 0
    // A process group of its own, so that what a script has started ends with it.
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
      env: { ...process.env, YARN_URL: origin },
    })
    const timer = setTimeout(() => end(`no headers within ${timeoutMs} ms`, { timedOut: true }), timeoutMs)
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
      reject(signal.aborted ? signal.reason : new UnavailableError(`Run ${what}: ${why}, expected header lines`, more))
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
