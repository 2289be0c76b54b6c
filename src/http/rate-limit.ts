import type { Clock } from '../runtime/clock.ts'

/** What somebody may ask for: so much at once, and so much a second in the long run. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** One token bucket for each key. */
export interface RateLimit {
  /** Takes one token: undefined when there was one, else the seconds until there is. */
  take(key: string, rate: Rate): number | undefined
}

interface Bucket {
  tokens: number
  at: number
}

/** Keys may be chosen by strangers (addresses): past this many the one that was asked for longest ago is forgotten. */
const mostBuckets = 10_000

export function createRateLimit(clock: Pick<Clock, 'monotonic'>): RateLimit {
  const buckets = new Map<string, Bucket>()

  return {
    take: (key, { perSecond, burst }) => {
      const now = clock.monotonic()
      const known = buckets.get(key)
      const { tokens, at } = known ?? { tokens: burst, at: now }
      const filled = Math.min(burst, tokens + ((now - at) / 1000) * perSecond)
      const isThere = filled >= 1
      // At the end of the map: what has not been asked for longest stands first.
      buckets.delete(key)
      const [oldest] = buckets.keys()
      if (buckets.size >= mostBuckets && oldest !== undefined) buckets.delete(oldest)
      buckets.set(key, { tokens: isThere ? filled - 1 : filled, at: now })
      return isThere ? undefined : (1 - filled) / perSecond
    },
  }
}
