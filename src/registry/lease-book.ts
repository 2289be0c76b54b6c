import type { SteadyTime } from '../runtime/steady-time.ts'

/** Who counts as alive until when: a stall of our own process ends nobody's lease. */
export interface LeaseBook {
  /** A full lease from now on. */
  grant(id: string, seconds: number): void
  forget(id: string): void
  has(id: string): boolean
  /** Milliseconds; undefined without a lease. */
  left(id: string): number | undefined
  /** Takes out the leases that are over, and says whose they were. */
  over(): readonly string[]
}

export function createLeaseBook(time: SteadyTime): LeaseBook {
  const until = new Map<string, number>()
  return {
    grant: (id, seconds) => {
      until.set(id, time.now() + seconds * 1000)
    },
    forget: (id) => {
      until.delete(id)
    },
    has: (id) => until.has(id),
    left: (id) => {
      const end = until.get(id)
      return end === undefined ? undefined : Math.max(0, end - time.now())
    },
    over: () => {
      const now = time.now()
      const over: string[] = []
      for (const [id, end] of until) if (end <= now) over.push(id)
      for (const id of over) until.delete(id)
      return over
    },
  }
}
