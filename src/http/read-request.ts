import type { IncomingMessage } from 'node:http'
import { Refusal, type Request } from './route.ts'

/** A request of node:http as routes see it; `waiting` is told while a body is awaited. */
export function readRequest(
  incoming: IncomingMessage,
  url: string,
  params: Readonly<Record<string, string | readonly string[]>>,
  signal: AbortSignal,
  waiting: (isWaiting: boolean) => void,
): Request {
  const [path = '', ...query] = url.split('?')
  return {
    method: incoming.method ?? '',
    path,
    query: new URLSearchParams(query.join('?')),
    headers: plain(incoming.headers),
    params: plain(params),
    remoteAddress: (incoming.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, ''),
    signal,
    body: async (maxBytes) => {
      waiting(true)
      try {
        return await readBody(incoming, maxBytes)
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

async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLong = new Refusal(413, `Body: longer than ${maxBytes} bytes`, { max_bytes: maxBytes })
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) throw tooLong
  if (incoming.closed) throw new Refusal(400, 'Body: cut off')
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
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
  })
}
