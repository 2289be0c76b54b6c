import type { Clock } from '../runtime/clock.ts'
import { runProgram } from '../runtime/run-program.ts'
import { createTokenSource, type TokenSource } from './sasl-token.ts'

const TIMEOUT_MS = 20_000

/**
 * The standard output of a program, without a shell in between; it is run again when its token is no longer fresh. Its
 * arguments and its other output are in no message: they may hold secrets.
 */
export function tokenFromCommand(command: readonly string[], clock: Clock, timeoutMs = TIMEOUT_MS): TokenSource {
  const what = `token command ${JSON.stringify(command[0] ?? '')}`
  const run = { command, what, expected: 'a token', timeoutMs }
  return createTokenSource(what, async (signal) => ({ text: (await runProgram(run, signal)).trim() }), clock)
}
