import type { Clock } from '../runtime/clock.ts'

/** Who counts as alive until when, on a clock that stands still while our own process is held up. */
export interface LeaseBook {
  /** A full lease from now on. */
  grant(id: string, seconds: number): void
  forget(id: string): void
  has(id: string): boolean
  /** To be called every `tickMs`: takes out the leases that are over, and says whose they were. */
  tick(): readonly string[]
}

/**
 * Leases run on the monotonic clock minus our own stalls: what is far beyond `tickMs` between two ticks is time in which
 * no heartbeat could have been heard, and it ends nobody's lease.
 */
export function createLeaseBook(clock: Clock, tickMs: number): LeaseBook {
  const until = new Map<string, number>()
  let counted = 0
  let last = clock.monotonic()
  const sinceLast = (): number => Math.min(clock.monotonic() - last, 2 * tickMs)
  return {
    grant: (id, seconds) => {
      until.set(id, counted + sinceLast() + seconds * 1000)
    },
    forget: (id) => {
      until.delete(id)
    },
    has: (id) => until.has(id),
    tick: () => {
      counted += sinceLast()
      last = clock.monotonic()
      const over: string[] = []
      for (const [id, end] of until) if (end <= counted) over.push(id)
      for (const id of over) until.delete(id)
      return over
    },
  }
}
