import type { Clock } from '../runtime/clock.ts'
import { type Authentication, authenticate, type Grant } from './authenticate.ts'

/** Keeps one open connection authenticated. */
export interface SaslSession {
  /** What the next request has to wait for; undefined: nothing, now. */
  due(): Promise<void> | undefined
}

/** After this share of what the broker allowed, plus up to a tenth more so that connections do not come in step. */
const USED_SHARE = 0.85
/** A broker does not take the next authentication within a second of the one before. */
const AT_LEAST_MS = 1_000

/**
 * Authenticates again on the same connection before the broker's time for it is over (KIP-368): it would hang up at the
 * first request past that. As Java's clients do, this happens before a request and not by a timer, so an idle connection
 * costs nothing; a broker takes it past the time as well. One that is refused ends the connection.
 */
export function createSaslSession(
  asking: Authentication,
  first: Grant,
  clock: Clock,
  signal: AbortSignal,
  random: () => number = Math.random,
): SaslSession {
  let renewAt = renewalOf(first, clock, random)
  let renewing: Promise<void> | undefined

  async function renew(): Promise<void> {
    try {
      renewAt = renewalOf(await authenticate(asking, signal), clock, random)
    } catch (error) {
      asking.raw.close(error instanceof Error ? error : new Error(String(error)))
      throw error
    } finally {
      renewing = undefined
    }
  }

  return {
    due: () => {
      if (renewing === undefined && clock.monotonic() >= renewAt) renewing = renew()
      return renewing
    },
  }
}

function renewalOf({ lifetimeMs, askedAt }: Grant, clock: Clock, random: () => number): number {
  if (lifetimeMs <= 0) return Number.POSITIVE_INFINITY
  return Math.max(askedAt + lifetimeMs * (USED_SHARE + 0.1 * random()), clock.monotonic() + AT_LEAST_MS)
}
