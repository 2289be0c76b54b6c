import type { Call } from './calls.ts'

/** First in, first out, with a way to put some back in front; constant time however long it gets. */
export interface CallQueue {
  push(call: Call): void
  putBack(calls: readonly Call[]): void
  first(): Call | undefined
  shift(): void
  takeAll(): readonly Call[]
}

export function createCallQueue(): CallQueue {
  // What was taken out leaves a gap at once: a call holds its answer, and a thousand old answers are a lot of memory.
  let items: (Call | undefined)[] = []
  let start = 0

  function compact(): void {
    if (start < 1024 || start * 2 < items.length) return
    items = items.slice(start)
    start = 0
  }

  function drop(): void {
    items[start] = undefined
    start++
  }

  function waiting(): readonly Call[] {
    return items.slice(start).filter((call) => call !== undefined)
  }

  return {
    push: (call) => {
      items.push(call)
    },
    putBack: (calls) => {
      items = [...calls, ...waiting()]
      start = 0
    },
    first: () => {
      // What was given up while waiting is dropped here.
      while (start < items.length && items[start]?.isSettled()) drop()
      compact()
      return items[start]
    },
    shift: drop,
    takeAll: () => {
      const all = waiting()
      items = []
      start = 0
      return all
    },
  }
}
