import type { Clock } from './clock.ts'

export interface PollOptions {
  readonly intervalMs: number
  /** Share of the interval by which all but the first run are delayed at random, 0 to 1: pollers do not march in step. */
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
  let due = clock.monotonic()
  const start = due + intervalMs * (options.jitter ?? 0) * Math.random()
  while (!signal.aborted) {
    await clock.sleep(due - clock.monotonic(), signal)
    if (signal.aborted) return
    await task(signal)
    const missed = Math.max(0, Math.floor((clock.monotonic() - start) / intervalMs))
    due = start + (missed + 1) * intervalMs
  }
}
