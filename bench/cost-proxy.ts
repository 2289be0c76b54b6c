import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { apis } from '../src/kafka-wire/apis.ts'

/** A request to a broker, and when it began to pass, in milliseconds of this process's clock. */
export interface CountedRequest {
  readonly at: number
  /** In Kafka's words, or its number where we do not know it. */
  readonly api: string
}

/** Stands between every client and one broker, which must advertise the proxy's port, and notes what is asked. */
export interface CountingProxy extends AsyncDisposable {
  readonly port: number
  /** From now on connections lead to this port of 127.0.0.1. */
  pointTo(port: number): void
  /** Requests since `from`. */
  since(from: number): readonly CountedRequest[]
}

const names: ReadonlyMap<number, string> = new Map(Object.values(apis).map(({ key, name }) => [key, name]))

export async function startCountingProxy(): Promise<CountingProxy> {
  const requests: CountedRequest[] = []
  const sockets = new Set<Socket>()
  let target = 0
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port: target, noDelay: true })
    const count = requestCounter((key) => {
      requests.push({ at: performance.now(), api: names.get(key) ?? `API ${key}` })
    })
    client.on('data', count)
    client.pipe(upstream)
    upstream.pipe(client)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    pointTo: (port) => {
      target = port
    },
    since: (from) => requests.filter(({ at }) => at >= from),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Told the bytes of one connection as they come, calls back with the API key of each request: size, then key. */
export function requestCounter(onRequest: (apiKey: number) => void): (bytes: Uint8Array) => void {
  const head = Buffer.alloc(6)
  let filled = 0
  let toSkip = 0
  return (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      const skipped = Math.min(toSkip, bytes.length - at)
      toSkip -= skipped
      at += skipped
      while (toSkip === 0 && filled < head.length && at < bytes.length) head[filled++] = bytes[at++] ?? 0
      if (filled < head.length) continue
      onRequest(head.readInt16BE(4))
      toSkip = head.readInt32BE(0) - 2
      filled = 0
    }
  }
}
