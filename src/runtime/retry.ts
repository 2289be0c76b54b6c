import type { Clock } from './clock.ts'

/** How long to wait before the next attempt, as data. */
export interface RetryPolicy {
  readonly firstMs: number
  readonly factor: number
  readonly maxMs: number
  /** Share of the delay that is random, 0 to 1, so that many clients do not come back in step. */
  readonly jitter: number
}

export const gentle: RetryPolicy = { firstMs: 200, factor: 2, maxMs: 30_000, jitter: 0.3 }

/** The delay before attempt `attempt` (1 is the first repetition), in milliseconds; `random` is in [0, 1). */
export function retryDelay(policy: RetryPolicy, attempt: number, random: number): number {
  const full = Math.min(policy.maxMs, policy.firstMs * policy.factor ** Math.max(0, attempt - 1))
  return full * (1 - policy.jitter * random)
}

/** Sleeps as the policy says before attempt `attempt`; wakes at once when the signal aborts. */
export async function backOff(policy: RetryPolicy, attempt: number, clock: Clock, signal: AbortSignal): Promise<void> {
  await clock.sleep(retryDelay(policy, attempt, Math.random()), signal)
}
