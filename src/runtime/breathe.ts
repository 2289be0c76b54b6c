import { setImmediate } from 'node:timers/promises'

/** Lets sockets and timers run once: between two steps that are long each. */
export async function turn(): Promise<void> {
  await setImmediate()
}

/**
 * Gives long computations a way to let sockets and timers run: the returned function awaits a turn of the event loop
 * only when more than `budgetMs` have passed since the last one, so it is cheap to call often (invariant I7).
 */
export function breather(budgetMs = 10): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < budgetMs) return
    await turn()
    since = performance.now()
  }
}

/** Gives each caller a turn of the event loop of its own, in the order of their calls. */
export function turns(): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return () => {
    last = last.then(turn)
    return last
  }
}

/** Runs a computation that yields between its steps, and gives its result; sockets and timers run in between. */
export async function runInTurns<T>(steps: Iterator<void, T>): Promise<T> {
  const breathe = breather()
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) await breathe()
  return step.value
}
