import type { Clock } from './clock.ts'

/** Milliseconds that stand still while our own process is held up. */
export interface SteadyTime {
  now(): number
  /** To be called every `tickMs`. */
  tick(): void
}

/**
 * The monotonic clock minus our own stalls: of what lies between two ticks no more counts than two of them, since in the
 * rest (a stopped process, a suspended machine, a blocked event loop) no sign of life could have been heard.
 */
export function createSteadyTime(clock: Clock, tickMs: number): SteadyTime {
  let counted = 0
  let last = clock.monotonic()
  const now = (): number => counted + Math.min(clock.monotonic() - last, 2 * tickMs)
  return {
    now,
    tick: () => {
      counted = now()
      last = clock.monotonic()
    },
  }
}
