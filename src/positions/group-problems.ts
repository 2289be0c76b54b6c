import { errorCodes } from '../kafka-wire/error-codes.ts'
import { consumerName } from '../model/consumer.ts'
import type { Problem } from '../model/problem.ts'
import type { Reason } from '../model/reason.ts'

/** The group has another coordinator by now, or its own is not ready: worth a second try. */
export function isMoving(error: number): boolean {
  return (
    error === errorCodes.NOT_COORDINATOR ||
    error === errorCodes.COORDINATOR_LOAD_IN_PROGRESS ||
    error === errorCodes.COORDINATOR_NOT_AVAILABLE
  )
}

export function reasonOfCode(code: number): Reason {
  if (isMoving(code)) return 'coordinator_loading'
  switch (code) {
    case errorCodes.GROUP_AUTHORIZATION_FAILED:
    case errorCodes.CLUSTER_AUTHORIZATION_FAILED:
    case errorCodes.TOPIC_AUTHORIZATION_FAILED:
      return 'unauthorized'
    case errorCodes.UNSUPPORTED_VERSION:
      return 'unsupported'
    case errorCodes.REQUEST_TIMED_OUT:
      return 'timeout'
    // Listed a moment ago and gone when it was asked about: the next listing decides.
    case errorCodes.GROUP_ID_NOT_FOUND:
      return 'stale'
    default:
      return 'read_failed'
  }
}

export function consumerProblem(group: string, reason: Reason, why: string): Problem {
  const consumer = consumerName(group)
  return { reason, consumer, message: `Positions of "${consumer}": ${why}` }
}

/** Names no consumer: what is known of it was read, and is shown. */
export function partialProblem(group: string): Problem {
  const message = `Positions of "${consumerName(group)}": its members read topics that we may not describe`
  return { reason: 'incomplete', message }
}
