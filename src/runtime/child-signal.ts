import { setMaxListeners } from 'node:events'

/** A signal of its own, which aborts with another one as well. */
export interface ChildSignal {
  readonly signal: AbortSignal
  /** Aborts it, and lets go of the other one. */
  abort(): void
  /** From now on nothing aborts it any more. */
  release(): void
}

/**
 * What is made of a signal that lives long has to be let go of: Node 20 keeps every signal that AbortSignal.any made of
 * it, which is a gigabyte a day where a few hundred are made each second.
 */
export function childSignal(parent: AbortSignal): ChildSignal {
  const own = new AbortController()
  // Many requests may wait under one signal; that is no leak.
  setMaxListeners(0, own.signal, parent)
  const follow = (): void => own.abort(parent.reason)
  if (parent.aborted) follow()
  else parent.addEventListener('abort', follow, { once: true })
  const release = (): void => parent.removeEventListener('abort', follow)
  return {
    signal: own.signal,
    abort: () => {
      release()
      own.abort()
    },
    release,
  }
}
