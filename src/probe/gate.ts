import { setMaxListeners } from 'node:events'
import type { Clock } from '../runtime/clock.ts'

export interface GateOptions {
  readonly mostAtOnce: number
  readonly mostPerSecond: number
  readonly clock: Clock
}

/** Runs work under a cap of how much runs at once and how much begins in a second; who comes first goes first. */
export type Gate = <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>

/** Work whose signal aborts while it waits rejects with the signal's reason. */
export function createGate({ mostAtOnce, mostPerSecond, clock }: GateOptions): Gate {
  const waiting: (() => void)[] = []
  let running = 0
  let nextAt = Number.NEGATIVE_INFINITY

  const leave = (): void => {
    running--
    waiting.shift()?.()
  }

  return async (signal, work) => {
    signal.throwIfAborted()
    // All that wait share one signal; that is no leak.
    setMaxListeners(0, signal)
    while (running >= mostAtOnce) {
      await new Promise<void>((resolve) => waiting.push(resolve))
      // Another one may have to take the place.
      if (signal.aborted) waiting.shift()?.()
      signal.throwIfAborted()
    }
    running++
    try {
      const now = clock.monotonic()
      const at = Math.max(now, nextAt)
      nextAt = at + 1000 / mostPerSecond
      if (at > now) await clock.sleep(at - now, signal)
      signal.throwIfAborted()
      return await work()
    } finally {
      leave()
    }
  }
}
