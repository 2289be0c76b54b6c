import { setTimeout as delay } from 'node:timers/promises'

/** Time as the code sees it. Durations and deadlines use `monotonic`; `wall` is for display and Prometheus only. */
export interface Clock {
  /** Milliseconds since some fixed moment; never jumps. */
  monotonic(): number
  /** Milliseconds since the Unix epoch; may jump. */
  wall(): number
  /** Resolves after `ms`, or at once when the signal aborts (it never rejects: look at the signal). */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  sleep: async (ms, signal) => {
    const until = performance.now() + ms
    try {
      // A timer may fire a fraction of a millisecond early, and whoever then finds that it is not time yet runs twice.
      do await delay(Math.max(0, Math.ceil(until - performance.now())), undefined, { signal })
      while (performance.now() < until)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  },
}
