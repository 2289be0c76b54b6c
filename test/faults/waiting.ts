import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Looks again and again until `look` answers with something other than undefined and false.
 *
 * @throws Error with what was waited for, and the last error of `look`, after `ms`
 */
export async function eventually<T>(
  what: string,
  ms: number,
  look: () => Promise<T | undefined | false>,
  everyMs = 50,
): Promise<T> {
  const from = performance.now()
  let cause: unknown
  for (;;) {
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() - from > ms) throw new Error(`Wait for ${what}: not so after ${ms} ms`, { cause })
    await sleep(everyMs)
  }
}

/** A fault that could not be injected is a failure like any other: nothing was shown. */
export function injected(isInjected: boolean, how: string): void {
  if (!isInjected) throw new Error(`Inject: ${how}`)
}
