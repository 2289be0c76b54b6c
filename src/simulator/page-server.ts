import { once } from 'node:events'
import { createServer, type Server } from 'node:http'

/** A tiny HTTP server on loopback that answers `/metrics` and nothing else. */
export interface PageServer {
  /** `host:port`, the same after every opening. */
  address(): string
  open(): Promise<void>
  /** Settles when the sockets are gone. */
  close(): Promise<void>
}

export function createPageServer(page: () => string): PageServer {
  let server: Server | undefined
  let port = 0
  return {
    address: () => `127.0.0.1:${port}`,
    async open() {
      if (server !== undefined) return
      server = createServer((request, response) => {
        const isPage = request.method === 'GET' && request.url?.split('?')[0] === '/metrics'
        response.writeHead(isPage ? 200 : 404, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
        response.end(isPage ? page() : 'Only /metrics is here\n')
      })
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      if (address !== null && typeof address === 'object') port = address.port
    },
    async close() {
      const closing = server
      server = undefined
      if (closing === undefined) return
      const closed = new Promise((resolve) => closing.close(resolve))
      closing.closeAllConnections()
      await closed
    },
  }
}
