import { setMaxListeners } from 'node:events'

/** Work under way, all of which can be ended at once. */
export interface Operations {
  /**
   * Hands `work` a signal of its own: what listens to it, and every signal made of it, is gone with the work, however
   * long the caller's signal lives.
   */
  run<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Everything under way, and all that is begun from now on, rejects with the reason. */
  end(reason: Error): void
}

export function createOperations(): Operations {
  const running = new Set<AbortController>()
  let over: Error | undefined
  return {
    run: async (signal, work) => {
      signal.throwIfAborted()
      if (over !== undefined) throw over
      const own = new AbortController()
      setMaxListeners(0, own.signal)
      const abort = (): void => own.abort(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      running.add(own)
      try {
        return await work(own.signal)
      } finally {
        running.delete(own)
        signal.removeEventListener('abort', abort)
      }
    },
    end: (reason) => {
      over = reason
      for (const one of running) one.abort(reason)
    },
  }
}
