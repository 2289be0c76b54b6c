import type { Target } from '../model/target.ts'
import type { Departure } from './target-report.ts'

/** The last who left, so that "where is my target?" has an answer. */
export interface RecentDepartures {
  /** `at` in milliseconds since 1970. */
  note(gone: Target, at: number, why: string): void
  /** Newest first. */
  of(id: string): readonly Departure[]
}

const mostKept = 1_000

export function createRecentDepartures(): RecentDepartures {
  let kept: Departure[] = []
  return {
    note: ({ registration: { id, incarnation, address } }, at, why) => {
      kept.push({ id, incarnation, address, at, why })
      // Cut now and then, not each time.
      if (kept.length >= 2 * mostKept) kept = kept.slice(-mostKept)
    },
    of: (id) =>
      kept
        .slice(-mostKept)
        .filter((one) => one.id === id)
        .toReversed(),
  }
}
