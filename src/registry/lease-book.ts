import type { SteadyTime } from '../runtime/steady-time.ts'

/** Who counts as alive until when: a stall of our own process ends nobody's lease. */
export interface LeaseBook {
  /** A full lease from now on. */
  grant(id: string, seconds: number): void
  forget(id: string): void
  /** Milliseconds; undefined without a lease. */
  left(id: string): number | undefined
  /** Whose lease is over now. They stay until each is taken out: thousands at once need not be one long step. */
  over(): readonly string[]
  /** Takes out a lease if it is over, still. */
  end(id: string): boolean
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
    left: (id) => {
      const end = until.get(id)
      return end === undefined ? undefined : Math.max(0, end - time.now())
    },
    over: () => {
      const now = time.now()
      const over: string[] = []
      for (const [id, end] of until) if (end <= now) over.push(id)
      return over
    },
    end: (id) => {
      const end = until.get(id)
      return end !== undefined && end <= time.now() && until.delete(id)
    },
  }
}
