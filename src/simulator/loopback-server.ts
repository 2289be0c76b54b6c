import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { HttpAnswer } from './http-answer.ts'

/** An HTTP server on loopback that answers GETs. */
export interface LoopbackServer {
  readonly port: number
  /** From now on somebody else answers, as when a port changes hands: connections that are open are cut. */
  handOver(answer: Answerer): void
  /** Settles when the sockets are gone. */
  close(): Promise<void>
}

/** Answers a request target such as `/metrics?name[]=a`; undefined leaves whoever asks waiting. */
export type Answerer = (target: string) => HttpAnswer | undefined

const compress = promisify<Buffer, Buffer>(gzip)

/**
 * @param host an IP address of loopback
 * @param ports the first of these that is free; 0 is one that the kernel chooses
 * @returns undefined when none is free
 */
export async function openServer(
  host: string,
  ports: Iterable<number>,
  answer: Answerer,
): Promise<LoopbackServer | undefined> {
  for (const port of ports) {
    const server = await openAt(host, port, answer)
    if (server !== undefined) return server
  }
  return undefined
}

async function openAt(host: string, wanted: number, first: Answerer): Promise<LoopbackServer | undefined> {
  let answer = first
  const server = createServer((request, response) => {
    if (request.method !== 'GET') response.writeHead(405).end()
    else respond(answer(request.url ?? '/'), request.headers['accept-encoding'], response)
  })
  server.listen(wanted, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined
    throw error
  }
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : wanted
  return {
    port,
    handOver(next) {
      answer = next
      server.closeAllConnections()
    },
    close: () => closed(server),
  }
}

function respond(answer: HttpAnswer | undefined, encodings: string | undefined, response: ServerResponse): void {
  if (answer === undefined) return
  const { status, contentType, body, headers = {}, isPackable } = answer
  const send = (bytes: Buffer, more: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': bytes.length, ...headers, ...more })
    response.end(bytes)
  }
  const plain = Buffer.from(body)
  if (isPackable !== true || !/\bgzip\b/.test(encodings ?? '')) send(plain)
  else
    compress(plain).then(
      (packed) => send(packed, { 'Content-Encoding': 'gzip' }),
      () => response.destroy(),
    )
}

async function closed(server: Server): Promise<void> {
  const gone = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await gone
}

/** So many ports that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => openServer('127.0.0.1', [0], () => undefined)))
  const ports = servers.flatMap((server) => server?.port ?? [])
  await Promise.all(servers.map((server) => server?.close()))
  return ports
}
