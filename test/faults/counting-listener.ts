import { once } from 'node:events'
import { createServer } from 'node:net'

export interface CountingListener extends AsyncDisposable {
  readonly port: number
  readonly connections: () => number
}

/** Listens on every address of this host, and counts who comes. */
export async function countingListener(): Promise<CountingListener> {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  server.listen(0, '::')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Listen: it has no port')
  return {
    port: address.port,
    connections: () => connections,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
