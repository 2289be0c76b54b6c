import type { Clock } from '../../src/runtime/clock.ts'

/** A clock that a test moves. Sleepers wake when their time has come, or when their signal aborts. */
export interface FakeClock extends Clock {
  /** Moves both clocks and lets what woke run. */
  advance(ms: number): Promise<void>
  /** Moves only the wall clock, as an operator or NTP does. */
  jumpWall(ms: number): void
}

export function fakeClock(wallStart = 1_700_000_000_000): FakeClock {
  let now = 0
  let wall = wallStart
  const sleepers = new Set<{ readonly until: number; readonly wake: () => void }>()
  return {
    monotonic: () => now,
    wall: () => wall,
    sleep: (ms, signal) =>
      new Promise<void>((resolve) => {
        if (signal.aborted || ms <= 0) return resolve()
        const sleeper = { until: now + ms, wake: () => finish() }
        function finish(): void {
          sleepers.delete(sleeper)
          signal.removeEventListener('abort', finish)
          resolve()
        }
        sleepers.add(sleeper)
        signal.addEventListener('abort', finish, { once: true })
      }),
    advance: async (ms) => {
      const end = now + ms
      for (;;) {
        const next = [...sleepers].filter((one) => one.until <= end).sort((a, b) => a.until - b.until)[0]
        if (next === undefined) break
        wall += next.until - now
        now = next.until
        next.wake()
        await new Promise((resolve) => setImmediate(resolve))
      }
      wall += end - now
      now = end
      await new Promise((resolve) => setImmediate(resolve))
    },
    jumpWall: (ms) => {
      wall += ms
    },
  }
}
