import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Broker } from '../model/catalog.ts'
import { DecodeError } from '../runtime/errors.ts'
import { createFrameReader } from '../runtime/framed-socket.ts'
import type { Lie } from './kafka-faults.ts'
import { type ClusterParts, createSession, type Reply } from './kafka-session.ts'

/** As `socket.request.max.bytes` of real brokers. */
const MAX_REQUEST_BYTES = 100 * 1024 * 1024

/** One simulated broker behind a real port of the loopback interface. */
export interface SimulatedBroker {
  address(): Broker
  /** Listens, again on the same port after the first time; does nothing when open. */
  open(): Promise<void>
  /** Ends all connections and refuses new ones; settles when the sockets are gone. */
  close(): Promise<void>
  /** Ends all connections. */
  disconnect(): void
  /** As a stopped process: the kernel still connects and takes bytes, nothing is answered until it goes on. */
  freeze(): void
  thaw(): void
}

/** `onBug` gets what should never happen: an error that is not the client's nonsense. */
export function createBroker(id: number, cluster: ClusterParts, onBug: (error: unknown) => void): SimulatedBroker {
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let port = 0
  let frozen: Promise<void> | undefined
  let thaw: () => void = () => undefined

  function serve(socket: Socket): void {
    const reply = createSession(cluster, id)
    let before = Promise.resolve()
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.on(
      'data',
      createFrameReader(
        MAX_REQUEST_BYTES,
        (frame) => {
          before = before.then(() => answer(socket, () => reply(frame)))
        },
        () => socket.destroy(),
      ),
    )
  }

  /** Answers go out in the order of the requests, as brokers promise. */
  async function answer(socket: Socket, reply: () => Reply | 'close' | 'silence'): Promise<void> {
    try {
      await frozen
      if (socket.destroyed) return
      const given = reply()
      if (given === 'silence') return
      if (given === 'close') socket.destroy()
      else await send(socket, given)
    } catch (error) {
      socket.destroy()
      if (!(error instanceof DecodeError)) onBug(error)
    }
  }

  async function send(socket: Socket, { api, version, correlation, parts, last }: Reply): Promise<void> {
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, 0))
    const bytes = Buffer.concat([length, ...parts])
    await put(socket, cluster.faults.onWire({ broker: id, api, version, correlation, bytes }))
    if (last) socket.end()
  }

  return {
    address: () => ({ id, host: '127.0.0.1', port }),
    async open() {
      if (server !== undefined) return
      const opening = createServer(serve)
      server = opening
      opening.listen(port, '127.0.0.1')
      await once(opening, 'listening')
      port = portOf(opening.address())
    },
    async close() {
      const closing = server
      server = undefined
      const closed = closing === undefined ? undefined : new Promise((resolve) => closing.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
    disconnect() {
      for (const socket of sockets) socket.destroy()
    },
    freeze() {
      frozen ??= new Promise((resolve) => {
        thaw = resolve
      })
    },
    thaw() {
      frozen = undefined
      thaw()
    },
  }
}

async function put(socket: Socket, lie: Lie): Promise<void> {
  if (lie === 'silence') return
  if (lie === 'close') {
    socket.destroy()
    return
  }
  for await (const chunk of lie instanceof Uint8Array ? [lie] : lie) {
    if (socket.destroyed) return
    if (!socket.write(chunk)) await writable(socket)
  }
}

async function writable(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = () => {
      socket.off('drain', go).off('close', go)
      resolve()
    }
    socket.on('drain', go).on('close', go)
  })
}

function portOf(address: AddressInfo | string | null): number {
  return address !== null && typeof address === 'object' ? address.port : 0
}
