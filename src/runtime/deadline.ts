import { setMaxListeners } from 'node:events'
import { UnavailableError } from './errors.ts'

/**
 * Waits for `work` at most `ms` milliseconds and only while `signal` lives; the signal handed to `work` covers both.
 *
 * @throws UnavailableError with `timedOut` when the time is over; the signal's reason when the caller aborts.
 */
export async function withDeadline<T>(
  what: string,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const timer = new AbortController()
  const both = AbortSignal.any([signal, timer.signal])
  // Many requests wait under one deadline; that is no leak.
  setMaxListeners(0, both)
  const handle = setTimeout(() => timer.abort(), ms)
  let stop: () => void = () => undefined
  const over = new Promise<never>((_, reject) => {
    stop = () =>
      reject(
        signal.aborted
          ? signal.reason
          : new UnavailableError(`${what}: no answer within ${Math.round(ms)} ms`, { timedOut: true }),
      )
    both.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work(both), over])
  } finally {
    clearTimeout(handle)
    both.removeEventListener('abort', stop)
  }
}
