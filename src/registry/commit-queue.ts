import { UnavailableError } from '../runtime/errors.ts'

/** A write that waits for its turn. */
interface Waiting<T> {
  readonly work: T
  resolve(): void
  reject(error: unknown): void
}

/** Collects writes while an earlier batch of them is being made durable, so that one fsync serves them all. */
export interface CommitQueue<T> {
  /** Resolves when the batch that holds the work is durable. @throws what the commit throws */
  add(work: T): Promise<void>
  /** Commits batch after batch, one at a time, until the signal aborts; what still waits then is refused. */
  run(commit: (batch: readonly T[]) => Promise<void>, signal: AbortSignal): Promise<void>
}

export function createCommitQueue<T>(): CommitQueue<T> {
  let waiting: Waiting<T>[] = []
  let isOpen = false
  let wake: () => void = () => undefined

  async function commitAll(commit: (batch: readonly T[]) => Promise<void>): Promise<void> {
    const batch = waiting
    waiting = []
    try {
      await commit(batch.map(({ work }) => work))
      for (const one of batch) one.resolve()
    } catch (error) {
      for (const one of batch) one.reject(error)
    }
  }

  return {
    add: (work) =>
      new Promise((resolve, reject) => {
        if (!isOpen) return reject(new UnavailableError('Write to the registry: it is not running yet, or no longer'))
        waiting.push({ work, resolve, reject })
        wake()
      }),
    run: async (commit, signal) => {
      isOpen = true
      const onAbort = (): void => wake()
      signal.addEventListener('abort', onAbort)
      try {
        while (!signal.aborted) {
          if (waiting.length > 0) await commitAll(commit)
          else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
      } finally {
        isOpen = false
        signal.removeEventListener('abort', onAbort)
        const error = new UnavailableError('Write to the registry: it is stopping')
        for (const one of waiting) one.reject(error)
        waiting = []
      }
    },
  }
}
