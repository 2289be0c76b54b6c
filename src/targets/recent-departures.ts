import type { Departure } from './target-report.ts'

/** The last who left, so that "where is my target?" has an answer. */
export interface RecentDepartures {
  note(departure: Departure): void
  /** Newest first. */
  of(id: string): readonly Departure[]
}

const mostKept = 1_000

export function createRecentDepartures(): RecentDepartures {
  let kept: Departure[] = []
  return {
    note: (departure) => {
      kept.push(departure)
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
