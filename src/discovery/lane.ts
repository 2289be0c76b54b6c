/** Runs work under a cap of how much runs at once; who comes first goes first. Work whose signal aborts does not begin. */
export type Lane = <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>

export function createLane(mostAtOnce: number): Lane {
  const waiting: (() => void)[] = []
  let running = 0
  return async (signal, work) => {
    while (running >= mostAtOnce) {
      await new Promise<void>((resolve) => waiting.push(resolve))
      // Another one may have to take the place.
      if (signal.aborted) waiting.shift()?.()
      signal.throwIfAborted()
    }
    signal.throwIfAborted()
    running++
    try {
      return await work()
    } finally {
      running--
      waiting.shift()?.()
    }
  }
}
