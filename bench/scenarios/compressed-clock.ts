import type { Clock } from '../../src/runtime/clock.ts'

/** A clock on which hours pass in seconds. Sleepers wake in the order of their times, each at its own moment. */
export interface CompressedClock extends Clock {
  /** Moves to `ms` of the monotonic clock; whoever wakes on the way has done its work before time goes on. */
  advanceTo(ms: number): Promise<void>
}

export interface CompressedClockOptions {
  /** Milliseconds since the Unix epoch at which it begins. */
  readonly wallStart: number
  /** Called at each moment before anybody wakes. */
  readonly onMove: (nowMs: number) => void
  /** Settles when everybody who woke has come to rest. */
  readonly settle: () => Promise<void>
}

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

export function createCompressedClock({ wallStart, onMove, settle }: CompressedClockOptions): CompressedClock {
  let now = 0
  const sleepers = new Set<Sleeper>()

  function moveTo(ms: number): void {
    if (ms > now) now = ms
    onMove(now)
  }

  return {
    monotonic: () => now,
    wall: () => wallStart + now,
    sleep: (ms, signal) =>
      new Promise<void>((resolve) => {
        if (signal.aborted || ms <= 0) return resolve()
        const sleeper: Sleeper = { until: now + ms, wake: finish }
        function finish(): void {
          sleepers.delete(sleeper)
          signal.removeEventListener('abort', finish)
          resolve()
        }
        sleepers.add(sleeper)
        signal.addEventListener('abort', finish, { once: true })
      }),
    advanceTo: async (ms) => {
      for (;;) {
        let next = Number.POSITIVE_INFINITY
        for (const { until } of sleepers) next = Math.min(next, until)
        if (next > ms) break
        moveTo(next)
        for (const sleeper of [...sleepers]) if (sleeper.until <= next) sleeper.wake()
        await settle()
      }
      moveTo(ms)
      await settle()
    },
  }
}
