/** What is to be done when: thousands of entries at once cost no sorting. */
export interface Timetable<T> {
  /** `at` in milliseconds; done in the second after it. */
  add(at: number, entry: T): void
  /** One entry whose time has come, the earliest seconds first. */
  take(now: number): T | undefined
}

export function createTimetable<T>(): Timetable<T> {
  const seconds = new Map<number, T[]>()
  /** Nothing stands before it. */
  let first = Number.POSITIVE_INFINITY

  return {
    add: (at, entry) => {
      const second = Math.ceil(at / 1000)
      const same = seconds.get(second)
      if (same === undefined) seconds.set(second, [entry])
      else same.push(entry)
      first = Math.min(first, second)
    },
    take: (now) => {
      const last = Math.floor(now / 1000)
      for (; first <= last; first++) {
        const entry = seconds.get(first)?.pop()
        if (entry !== undefined) return entry
        seconds.delete(first)
      }
      if (seconds.size === 0) first = Number.POSITIVE_INFINITY
      return undefined
    },
  }
}
