import { closeSync, openSync, readSync } from 'node:fs'

/** What the event loop did between two looks at it: several small steps count as one, a long one as itself. */
export interface StepWatch {
  /** By the clock, with every wait for a processor, be it of this thread or of those that it waits for. */
  readonly longestStepMs: number
  /** Processor time of this thread: the same on a machine that has other things to do. */
  readonly longestStepCpuMs: number
}

const LOOK_EVERY_MS = 5

export function watchSteps(): () => StepWatch {
  const scheduler = openSync('/proc/thread-self/schedstat', 'r')
  const text = Buffer.alloc(128)
  /** First field: nanoseconds on a processor. @see Documentation/scheduler/sched-stats.rst of Linux */
  const cpuMs = (): number =>
    Number(text.toString('latin1', 0, readSync(scheduler, text, 0, text.length, 0)).split(' ')[0]) / 1e6
  let longestStepMs = 0
  let longestStepCpuMs = 0
  let at = performance.now()
  let cpu = cpuMs()
  const look = (): void => {
    const now = performance.now()
    const cpuNow = cpuMs()
    longestStepMs = Math.max(longestStepMs, now - at - LOOK_EVERY_MS)
    longestStepCpuMs = Math.max(longestStepCpuMs, cpuNow - cpu)
    at = now
    cpu = cpuNow
  }
  const timer = setInterval(look, LOOK_EVERY_MS)
  return () => {
    look()
    clearInterval(timer)
    closeSync(scheduler)
    return { longestStepMs, longestStepCpuMs }
  }
}
