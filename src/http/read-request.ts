import type { IncomingMessage } from 'node:http'
import { certificateName } from './client-certificate.ts'
import { Refusal, type Request } from './route.ts'

/** Slower than this nobody sends who means it: a long body may take longer than a short one. */
const leastBytesPerMs = 400

/**
 * A request of node:http as routes see it; `waiting` is told while a body is awaited. A body has `bodyMs` to come, and a
 * second more for each 400 kB that it may be long.
 */
export function readRequest(
  incoming: IncomingMessage,
  url: string,
  params: Readonly<Record<string, string | readonly string[]>>,
  signal: AbortSignal,
  waiting: (isWaiting: boolean) => void,
  bodyMs: number,
): Request {
  const [path = '', ...query] = url.split('?')
  const certificate = certificateName(incoming.socket)
  return {
    method: incoming.method ?? '',
    path,
    query: new URLSearchParams(query.join('?')),
    headers: plain(incoming.headers),
    params: plain(params),
    remoteAddress: (incoming.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, ''),
    ...(certificate === undefined ? {} : { certificate }),
    signal,
    body: async (maxBytes) => {
      waiting(true)
      try {
        return await readBody(incoming, maxBytes, bodyMs + maxBytes / leastBytesPerMs)
      } finally {
        waiting(false)
      }
    },
  }
}

function plain(values: Readonly<Record<string, string | readonly string[] | undefined>>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) found[name] = typeof value === 'string' ? value : value.join(', ')
  return found
}

async function readBody(incoming: IncomingMessage, maxBytes: number, ms: number): Promise<Buffer> {
  const tooLong = new Refusal(413, `Body: longer than ${maxBytes} bytes`, { max_bytes: maxBytes })
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) throw tooLong
  if (incoming.closed) throw new Refusal(400, 'Body: cut off')
  const chunks: Buffer[] = []
  let timer: NodeJS.Timeout | undefined
  return new Promise<Buffer>((resolve, reject) => {
    timer = setTimeout(() => {
      incoming.pause()
      reject(new Refusal(408, `Body: not complete after ${Math.round(ms)} ms`))
    }, ms)
    let length = 0
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBytes) {
        incoming.pause()
        chunks.length = 0
        reject(tooLong)
      } else chunks.push(chunk)
    })
    incoming.once('end', () => resolve(Buffer.concat(chunks)))
    incoming.once('error', () => reject(new Refusal(400, 'Body: cut off')))
    incoming.once('close', () => reject(new Refusal(400, 'Body: cut off')))
  }).finally(() => clearTimeout(timer))
}
