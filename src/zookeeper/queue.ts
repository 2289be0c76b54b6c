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
  let items: Call[] = []
  let start = 0

  function compact(): void {
    if (start < 1024 || start * 2 < items.length) return
    items = items.slice(start)
    start = 0
  }

  return {
    push: (call) => {
      items.push(call)
    },
    putBack: (calls) => {
      items = [...calls, ...items.slice(start)]
      start = 0
    },
    first: () => {
      // What was given up while waiting is dropped here.
      while (start < items.length && items[start]?.isSettled()) start++
      compact()
      return items[start]
    },
    shift: () => {
      start++
    },
    takeAll: () => {
      const all = items.slice(start)
      items = []
      start = 0
      return all
    },
  }
}
