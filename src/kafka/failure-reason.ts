import type { Reason } from '../model/reason.ts'
import { UnavailableError } from '../runtime/errors.ts'

/** Why a number is missing after a request failed. */
export function failureReason(error: unknown): Reason {
  if (!(error instanceof UnavailableError)) return 'read_failed'
  if (error.denied) return 'unauthorized'
  if (error.unsupported) return 'unsupported'
  return error.timedOut ? 'timeout' : 'read_failed'
}
