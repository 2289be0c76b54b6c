import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { UnavailableError } from '../runtime/errors.ts'

/** Compares passwords with bcrypt hashes, away from the event loop. */
export interface Passwords {
  /** @throws UnavailableError when too many wait already, or the thread failed */
  matches(password: string, hash: string): Promise<boolean>
  /** Ends the thread; the next comparison starts another. */
  close(): Promise<void>
}

/** A text, because the same thread is started from TypeScript in tests and from JavaScript else. */
const program = `
const { parentPort, workerData } = require('node:worker_threads')
const { compareSync } = require(workerData.bcrypt)
parentPort.on('message', ({ id, password, hash }) => {
  parentPort.postMessage({ id, isRight: compareSync(password, hash) })
})`

const mostWaiting = 64

/** One thread: however many guess, they take one core at most. */
export function createPasswords(): Passwords {
  const require = createRequire(import.meta.url)
  const waiting = new Map<number, { resolve(isRight: boolean): void; reject(error: Error): void }>()
  let thread: Worker | undefined
  let lastId = 0

  function start(): Worker {
    const worker = new Worker(program, { eval: true, workerData: { bcrypt: require.resolve('bcryptjs') } })
    worker.unref()
    worker.on('message', ({ id, isRight }: { readonly id: number; readonly isRight: boolean }) => {
      waiting.get(id)?.resolve(isRight)
      waiting.delete(id)
    })
    const fail = (cause: unknown): void => {
      if (thread !== worker) return
      thread = undefined
      for (const { reject } of waiting.values())
        reject(new UnavailableError('Compare a password: the thread for it has ended', { cause }))
      waiting.clear()
    }
    worker.on('error', fail)
    worker.on('exit', fail)
    return worker
  }

  return {
    matches: (password, hash) => {
      if (waiting.size >= mostWaiting)
        return Promise.reject(new UnavailableError(`Compare a password: ${waiting.size} are waiting, try again later`))
      thread ??= start()
      const id = ++lastId
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        thread?.postMessage({ id, password, hash })
      })
    },
    close: async () => {
      await thread?.terminate()
    },
  }
}
