import type { Problem } from '../model/problem.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'

/** A read that failed, as a problem. `what` stands before a message that does not name it. */
export function readProblem(error: unknown, what?: string): Problem {
  const text = describeError(error)
  const timedOut = error instanceof UnavailableError && error.timedOut
  const denied = error instanceof UnavailableError && error.denied
  return {
    reason: timedOut ? 'timeout' : denied ? 'unauthorized' : 'read_failed',
    message: what === undefined || text.includes(what) ? text : `Read "${what}": ${text}`,
  }
}
