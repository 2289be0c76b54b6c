import type { Clock } from '../runtime/clock.ts'

interface Deadline {
  /** On the monotonic clock. */
  readonly at: number
  expire(): void
}

export interface Deadlines {
  add(deadline: Deadline): void
  remove(deadline: Deadline): void
  /** Forgets all and gives back the timer. */
  stop(): void
}

/**
 * Many deadlines on one timer: thousands of requests in flight must not cost as many timers. The timer is left alone
 * when a request is answered and looks again when it goes off.
 */
export function createDeadlines(clock: Clock): Deadlines {
  const waiting = new Set<Deadline>()
  let wakeAt = Number.POSITIVE_INFINITY
  let wake = new AbortController()
  let isWatching = false

  async function watch(): Promise<void> {
    isWatching = true
    while (waiting.size > 0) {
      wakeAt = earliest(waiting)
      wake = new AbortController()
      await clock.sleep(wakeAt - clock.monotonic(), wake.signal)
      const now = clock.monotonic()
      for (const deadline of [...waiting]) {
        if (deadline.at > now) continue
        waiting.delete(deadline)
        deadline.expire()
      }
    }
    wakeAt = Number.POSITIVE_INFINITY
    isWatching = false
  }

  return {
    add: (deadline) => {
      waiting.add(deadline)
      if (!isWatching) void watch()
      else if (deadline.at < wakeAt) wake.abort()
    },
    remove: (deadline) => {
      waiting.delete(deadline)
    },
    stop: () => {
      waiting.clear()
      wake.abort()
    },
  }
}

function earliest(deadlines: Iterable<Deadline>): number {
  let first = Number.POSITIVE_INFINITY
  for (const { at } of deadlines) first = Math.min(first, at)
  return first
}
