/** Tells any number of listeners that something has changed. */
export interface Bell {
  ring(): void
  /** Yields once for one or more rings since the last turn; ends when the signal aborts. */
  listen(signal: AbortSignal): AsyncGenerator<void>
}

export function createBell(): Bell {
  let rings = 0
  const waiting = new Set<() => void>()
  return {
    ring: () => {
      rings++
      const all = [...waiting]
      waiting.clear()
      for (const wake of all) wake()
    },
    listen: (signal) => {
      // Counted from now on, not from the first turn: a ring between the two must not be lost.
      let heard = rings
      return (async function* () {
        while (!signal.aborted) {
          if (heard === rings) await nextRing(waiting, signal)
          if (signal.aborted) return
          heard = rings
          yield
        }
      })()
    },
  }
}

async function nextRing(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  let wake: () => void = () => undefined
  const rung = new Promise<void>((resolve) => {
    wake = resolve
  })
  waiting.add(wake)
  signal.addEventListener('abort', wake, { once: true })
  await rung
  signal.removeEventListener('abort', wake)
  waiting.delete(wake)
}
