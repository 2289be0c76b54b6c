import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Route } from '../../src/http/route.ts'
import { createHttpServer, type HttpLimits } from '../../src/http/server.ts'
import { silentLogger } from '../../src/runtime/logger.ts'

export interface RunningServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Aborts the server. */
  stop(): void
  /** Settles as `run` does. */
  readonly done: Promise<void>
}

/** Starts our server on a free port of loopback; it stops at the end of the block that `await using` stands in. */
export async function startServer(routes: readonly Route[], limits: Partial<HttpLimits> = {}): Promise<RunningServer> {
  const stop = new AbortController()
  let listening: (port: number) => void = () => undefined
  const bound = new Promise<number>((resolve) => {
    listening = resolve
  })
  const server = createHttpServer({ host: '127.0.0.1', port: 0, limits }, () => routes, {
    logger: silentLogger,
    onListening: (address) => listening(address.port),
  })
  const done = server.run(stop.signal)
  done.catch(() => undefined)
  const port = await bound
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    done,
    stop: () => stop.abort(),
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await done.catch(() => undefined)
    },
  }
}

/** A raw connection that has sent `text`; errors are left to `close`. */
export async function rawConnection(port: number, text = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  if (text !== '') socket.write(text)
  return socket
}

/** Everything that the server sends until it closes the connection. */
export async function readToClose(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (!socket.closed) await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}
