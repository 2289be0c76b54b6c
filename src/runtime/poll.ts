import type { Clock } from './clock.ts'

export interface PollOptions {
  readonly intervalMs: number
  /** Share of the interval by which the first run is delayed at random, 0 to 1, so that pollers do not march in step. */
  readonly jitter?: number
  readonly clock: Clock
}

/**
 * Runs `task` every `intervalMs` until the signal aborts: never two at once, without drift, and without making up for
 * runs that a slow task missed. An error of the task ends the loop and rejects.
 */
export async function poll(
  options: PollOptions,
  signal: AbortSignal,
  task: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { intervalMs, clock } = options
  const start = clock.monotonic() + intervalMs * (options.jitter ?? 0) * Math.random()
  let due = start
  while (!signal.aborted) {
    await clock.sleep(due - clock.monotonic(), signal)
    if (signal.aborted) return
    await task(signal)
    const missed = Math.floor((clock.monotonic() - start) / intervalMs)
    due = start + (missed + 1) * intervalMs
  }
}
