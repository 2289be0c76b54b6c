import { childSignal } from './child-signal.ts'
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
  const both = childSignal(signal)
  const handle = setTimeout(both.abort, ms)
  let stop: () => void = () => undefined
  const over = new Promise<never>((_, reject) => {
    stop = () =>
      reject(
        signal.aborted
          ? signal.reason
          : new UnavailableError(`${what}: no answer within ${Math.round(ms)} ms`, { timedOut: true }),
      )
    both.signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work(both.signal), over])
  } finally {
    clearTimeout(handle)
    both.release()
    both.signal.removeEventListener('abort', stop)
  }
}
