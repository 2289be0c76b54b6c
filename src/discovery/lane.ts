/** Runs work under a cap of how much runs at once; who comes first goes first. Work whose signal aborts does not begin. */
export type Lane = <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>

interface Waiter {
  readonly signal: AbortSignal
  /** Says whether it has a place; without one it goes away. */
  readonly call: (hasPlace: boolean) => void
}

/** Those that do not want any more go in groups: ten thousand at once would hold the event loop for long. */
const mostDropped = 256

export function createLane(mostAtOnce: number): Lane {
  const waiting: Waiter[] = []
  let running = 0
  let isPausing = false

  function callNext(): void {
    if (isPausing) return
    let called = 0
    let dropped = 0
    while (running < mostAtOnce && called < waiting.length && dropped < mostDropped) {
      const { signal, call } = waiting[called]!
      called++
      if (signal.aborted) dropped++
      else running++
      call(!signal.aborted)
    }
    waiting.splice(0, called)
    if (dropped < mostDropped) return
    isPausing = true
    setImmediate(() => {
      isPausing = false
      callNext()
    })
  }

  return async (signal, work) => {
    signal.throwIfAborted()
    if (running < mostAtOnce && waiting.length === 0) running++
    else if (!(await new Promise<boolean>((call) => waiting.push({ signal, call })))) throw signal.reason
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      running--
      callNext()
    }
  }
}
