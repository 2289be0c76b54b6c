import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A connection on which anything can be said. */
export interface RawClient {
  readonly socket: Socket
  /** All that came so far. */
  received(): string
  /** The status of the first answer, once its first line is there; undefined when the peer closed without one. */
  status(ms: number): Promise<number | undefined>
  /** True when the peer has closed within `ms`. */
  closes(ms: number): Promise<boolean>
  close(): void
}

/** @throws Error when nobody accepts */
export async function rawClient(port: number, text = ''): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'connect')
  // What the peer thinks of us is seen in what it sends and in its closing.
  socket.on('error', () => undefined)
  if (text !== '') socket.write(text)
  const received = (): string => Buffer.concat(chunks).toString('latin1')
  return {
    socket,
    received,
    status: async (ms) => {
      const until = performance.now() + ms
      for (;;) {
        const match = /^HTTP\/1\.1 (\d{3}) /.exec(received())
        if (match !== null) return Number(match[1])
        if (socket.closed || performance.now() > until) return undefined
        await sleep(10)
      }
    },
    closes: async (ms) => {
      const until = performance.now() + ms
      while (!socket.closed && performance.now() < until) await sleep(10)
      return socket.closed
    },
    close: () => socket.destroy(),
  }
}

/**
 * Sends `bytes` for as long as the peer takes them, and no more than `most`.
 * @returns how many were handed to the kernel
 */
export async function pour(socket: Socket, piece: Uint8Array, most: number, stop: () => boolean): Promise<number> {
  let sent = 0
  while (sent < most && !socket.destroyed && !stop()) {
    const isTaken = socket.write(piece)
    sent += piece.length
    if (!isTaken) await Promise.race([once(socket, 'drain').catch(() => undefined), once(socket, 'close')])
    else await sleep(0)
  }
  return sent
}
