import { createServer } from 'node:http'
import { listenOnLoopback } from '../fakes/listen.ts'

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
  const { url, close } = await listenOnLoopback(server)
  return { url, [Symbol.asyncDispose]: close }
}
