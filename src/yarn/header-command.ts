import { UnavailableError } from '../runtime/errors.ts'
import { runProgram } from '../runtime/run-program.ts'

const TIMEOUT_MS = 20_000
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
  const what = `header command ${JSON.stringify(command[0] ?? '')}`
  const env = { YARN_URL: origin }
  const output = await runProgram({ command, what, expected: 'header lines', timeoutMs, env }, signal)
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
