import type { Socket } from 'node:net'
import type { Entrance } from './entrance.ts'

/** Keeps the number of connections bounded without ever locking out somebody who asks something. */
export interface Connections {
  /** A request has come, or its reader goes on: we are at work. */
  working(socket: Socket): void
  /** An answer or a body is under way and the client is slow. */
  blocked(socket: Socket): void
  /** The answer is sent: the connection waits for another request. */
  idle(socket: Socket): void
  /** Closes the connections that wait for a request. */
  closeIdle(): void
  closeAll(): void
}

/**
 * Watches the connections of a server. The newcomer above `max` takes the place of the connection that has kept us
 * waiting longest: one without a request if there is any, else a slow reader or writer. So 256 idle connections, or
 * 2,000 that send their head byte by byte, never keep a health check out. Only when we are at work for all of them the
 * newcomer is closed.
 */
export function watchConnections({ server, below }: Pick<Entrance, 'server' | 'below'>, max: number): Connections {
  const open = new Set<Socket>()
  // Sets keep the order of insertion: the first one has waited longest.
  const idle = new Set<Socket>()
  const blocked = new Set<Socket>()

  function forget(socket: Socket): void {
    open.delete(socket)
    idle.delete(socket)
    blocked.delete(socket)
  }

  function close(socket: Socket): void {
    forget(socket)
    socket.destroy()
  }

  function move(upper: Socket, to: Set<Socket> | undefined): void {
    const socket = below(upper)
    if (!open.has(socket)) return
    idle.delete(socket)
    blocked.delete(socket)
    to?.add(socket)
  }

  server.on('connection', (socket: Socket) => {
    if (open.size >= max) {
      const [longest] = idle.size > 0 ? idle : blocked
      if (longest === undefined) {
        socket.destroy()
        return
      }
      close(longest)
    }
    open.add(socket)
    idle.add(socket)
    socket.once('close', () => forget(socket))
  })

  return {
    working: (socket) => move(socket, undefined),
    blocked: (socket) => move(socket, blocked),
    idle: (socket) => move(socket, idle),
    closeIdle: () => {
      for (const socket of [...idle]) close(socket)
    },
    closeAll: () => {
      for (const socket of [...open]) close(socket)
    },
  }
}
