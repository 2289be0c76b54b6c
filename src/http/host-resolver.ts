import { lookup as systemLookup } from 'node:dns/promises'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'

/**
 * All IP addresses of a host name, IPv4 first, in a fixed order; none when there is no such name.
 *
 * @throws UnavailableError when the name service does not answer in time
 */
export type HostResolver = (host: string, signal: AbortSignal) => Promise<readonly string[]>

export interface HostResolverDeps {
  readonly clock: Clock
  /** As of `node:dns/promises`, for tests. */
  readonly lookup?: (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>
}

const keepMs = 30_000
const deadlineMs = 3_000
const mostAtOnce = 2
const restMs = 5_000
const mostKept = 10_000

/**
 * Asks the system, as Prometheus does, so that /etc/hosts counts. The system's resolver shares four threads with the
 * disk, so only two names are asked for at once, and answers are kept for half a minute. After a name that got no answer
 * in time nothing new is asked for a few seconds, so that a long batch does not wait for each of its names.
 */
export function createHostResolver({ clock, lookup = askSystem }: HostResolverDeps): HostResolver {
  const known = new Map<string, { readonly at: number; readonly answer: Promise<readonly string[]> }>()
  const waiting: (() => void)[] = []
  let running = 0
  let restUntil = Number.NEGATIVE_INFINITY

  async function ask(host: string): Promise<readonly string[]> {
    while (running >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    running++
    try {
      const found = await lookup(host)
      return found.toSorted(byFamilyAndText).map(({ address }) => address)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOTFOUND') return []
      known.delete(host)
      throw new UnavailableError(`Resolve "${host}": ${describeError(error)}`, { cause: error })
    } finally {
      running--
      waiting.shift()?.()
    }
  }

  return async (host, signal) => {
    const now = clock.monotonic()
    let entry = known.get(host)
    if (entry === undefined || now - entry.at > keepMs) {
      if (now < restUntil) throw new UnavailableError(`Resolve "${host}": the name service gave no answer a moment ago`)
      if (known.size >= mostKept) known.clear()
      entry = { at: now, answer: ask(host) }
      // Whoever waits hears of a failure; when all have given up, nobody else needs to.
      entry.answer.catch(() => undefined)
      known.set(host, entry)
    }
    const { answer } = entry
    try {
      return await withDeadline(`Resolve "${host}"`, deadlineMs, signal, () => answer)
    } catch (error) {
      if (error instanceof UnavailableError && error.timedOut) restUntil = clock.monotonic() + restMs
      throw error
    }
  }
}

function askSystem(host: string): ReturnType<NonNullable<HostResolverDeps['lookup']>> {
  return systemLookup(host, { all: true })
}

function byFamilyAndText(a: { address: string; family: number }, b: { address: string; family: number }): number {
  return a.family - b.family || (a.address < b.address ? -1 : 1)
}
