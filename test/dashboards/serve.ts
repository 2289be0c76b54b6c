import { createServer } from 'node:http'

/** Something that answers HTTP for a test until it is disposed of. */
export interface Served extends AsyncDisposable {
  /** Without a path, such as `http://127.0.0.1:10390`. */
  readonly url: string
}

/** A small HTTP server on loopback that gives the same kind of body whatever is asked. */
export async function serve(contentType: string, body: () => string): Promise<Served> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', contentType)
    response.end(body())
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('Listen on 127.0.0.1: it has no port'))
      else resolve(address.port)
    })
  })
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
