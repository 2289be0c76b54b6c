import { setTimeout as sleep } from 'node:timers/promises'

const waitAtMostMs = 120_000
const lookEveryMs = 100

/**
 * Looks again and again until `look` answers with something other than undefined and false; a look that throws counts
 * as none.
 *
 * @throws Error with what was waited for, and the last error of `look`, after two minutes
 */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + waitAtMostMs
  let cause: unknown
  for (;;) {
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (Date.now() > deadline) throw new Error(`Wait for ${what}: not so after ${waitAtMostMs} ms`, { cause })
    await sleep(lookEveryMs)
  }
}
