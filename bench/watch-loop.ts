import { closeSync, openSync, readSync } from 'node:fs'

/** How long the event loop was held. */
export interface LoopWatch {
  /** By the clock. */
  readonly longestBlockMs: number
  /** The same without the time in which the kernel gave the processor to others: what our own work is to blame for. */
  readonly longestOwnBlockMs: number
  /** So long the kernel gave the processor to others in all. */
  readonly queuedMs: number
}

/** Looks every millisecond how late it is, and how long this thread has stood in the kernel's queue meanwhile. */
export function watchLoop(): () => LoopWatch {
  const scheduler = openSync('/proc/thread-self/schedstat', 'r')
  const text = Buffer.alloc(128)
  /** Second field: nanoseconds in the queue. @see Documentation/scheduler/sched-stats.rst of Linux */
  const queuedMs = (): number =>
    Number(text.toString('latin1', 0, readSync(scheduler, text, 0, text.length, 0)).split(' ')[1]) / 1e6
  let longestBlockMs = 0
  let longestOwnBlockMs = 0
  let at = performance.now()
  let queued = queuedMs()
  const queuedBefore = queued
  const look = (): void => {
    const now = performance.now()
    const nowQueued = queuedMs()
    longestBlockMs = Math.max(longestBlockMs, now - at)
    longestOwnBlockMs = Math.max(longestOwnBlockMs, now - at - (nowQueued - queued))
    at = now
    queued = nowQueued
  }
  const timer = setInterval(look, 1)
  return () => {
    look()
    clearInterval(timer)
    closeSync(scheduler)
    return { longestBlockMs, longestOwnBlockMs, queuedMs: queued - queuedBefore }
  }
}
