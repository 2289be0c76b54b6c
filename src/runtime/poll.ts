import type { Bell } from './bell.ts'
import { childSignal } from './child-signal.ts'
import type { Clock } from './clock.ts'

export interface PollOptions {
  readonly intervalMs: number
  /** Share of the interval by which all but the first run are delayed at random, 0 to 1: pollers do not march in step. */
  readonly jitter?: number
  /** A ring asks for one run more, as soon as `gapMs` have passed since the last one began. */
  readonly sooner?: { readonly bell: Bell; readonly gapMs: number }
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
  const { intervalMs, clock, sooner } = options
  let due = clock.monotonic()
  const start = due + intervalMs * (options.jitter ?? 0) * Math.random()
  const rings = sooner?.bell.listen(signal)
  let ring = rings?.next()
  while (!signal.aborted) {
    if (await sleepOrRing(due - clock.monotonic(), ring, clock, signal)) ring = rings?.next()
    if (signal.aborted) return
    const began = clock.monotonic()
    await task(signal)
    const missed = Math.max(0, Math.floor((clock.monotonic() - start) / intervalMs))
    due = start + (missed + 1) * intervalMs
    if (sooner !== undefined) await clock.sleep(Math.min(due, began + sooner.gapMs) - clock.monotonic(), signal)
  }
}

/** Whether it was the ring that came first. */
async function sleepOrRing(
  ms: number,
  ring: Promise<unknown> | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  if (ring === undefined) {
    await clock.sleep(ms, signal)
    return false
  }
  const awake = childSignal(signal)
  try {
    return await Promise.race([clock.sleep(ms, awake.signal).then(() => false), ring.then(() => true)])
  } finally {
    awake.abort()
  }
}
