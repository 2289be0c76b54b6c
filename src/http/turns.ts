import type { Socket } from 'node:net'

/** More requests than that sent ahead of their answers cost their sender the connection. */
const MAX_AHEAD = 100

/** Lets the requests of one connection be served one after another, as their answers must be sent. */
export interface Turns {
  next(socket: Socket, work: () => Promise<void>): Promise<void>
}

/**
 * Without turns ten thousand requests sent in one go would all be rendered at once, each keeping its answer in memory
 * until those before it are read. `work` must not reject.
 */
export function createTurns(): Turns {
  const queues = new WeakMap<Socket, { last: Promise<void>; length: number }>()
  return {
    next: (socket, work) => {
      const queue = queues.get(socket) ?? { last: Promise.resolve(), length: 0 }
      queues.set(socket, queue)
      if (++queue.length > MAX_AHEAD) socket.destroy()
      queue.last = queue.last.then(async () => {
        if (!socket.destroyed) await work()
        queue.length--
      })
      return queue.last
    },
  }
}
