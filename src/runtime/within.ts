import { childSignal } from './child-signal.ts'
import type { Clock } from './clock.ts'
import { UnavailableError } from './errors.ts'

/**
 * Waits for `work` at most `ms` of the clock, and only while `signal` lives. The signal handed to `work` covers both;
 * what is not done with by then is left behind: work closes its sockets when its signal aborts.
 *
 * @throws UnavailableError with `timedOut` when the time is over; the signal's reason when the caller aborts
 */
export async function within<T>(
  what: string,
  ms: number,
  clock: Clock,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const both = childSignal(signal)
  const done = childSignal(signal)
  const running = work(both.signal)
  // Whatever becomes of it after its time: nobody waits for it any more.
  running.catch(() => undefined)
  const timer = clock.sleep(ms, done.signal).then(() => {
    signal.throwIfAborted()
    if (done.signal.aborted) return undefined
    both.abort()
    throw new UnavailableError(`${what}: no answer within ${Math.round(ms)} ms`, { timedOut: true })
  })
  timer.catch(() => undefined)
  try {
    const first = await Promise.race([running.then((value) => ({ value })), timer])
    if (first === undefined) throw new UnavailableError(`${what}: given up`)
    return first.value
  } finally {
    done.abort()
    both.release()
  }
}
