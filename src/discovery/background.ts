/** Work that goes on when nobody waits for it any more; never two at once for one key. */
export interface Background<T> {
  /** The outcome, or undefined when `patience` is over before: whoever asks next joins what is under way. */
  join(key: string, work: () => Promise<T>, patience: Promise<unknown>): Promise<T | undefined>
  /** Resolves when nothing is under way. */
  settled(): Promise<void>
}

export function createBackground<T>(): Background<T> {
  const running = new Map<string, Promise<T>>()

  function begin(key: string, work: () => Promise<T>): Promise<T> {
    const begun = work().finally(() => running.delete(key))
    // Perhaps nobody is there to hear of a failure.
    begun.catch(() => undefined)
    running.set(key, begun)
    return begun
  }

  return {
    join: (key, work, patience) => {
      const begun = running.get(key) ?? begin(key, work)
      return Promise.race([begun, patience.then(() => undefined)])
    },
    settled: async () => {
      await Promise.allSettled(running.values())
    },
  }
}
