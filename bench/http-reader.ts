import { once } from 'node:events'
import { connect } from 'node:net'

/** One answer; `body` is a view of a buffer that the next request writes over. */
interface Answer {
  readonly status: number
  readonly etag: string
  readonly body: Buffer
}

/** A connection of HTTP that costs the reader nearly nothing: answers of known length are copied into one buffer. */
export interface HttpReader {
  get(path: string, headers: Readonly<Record<string, string>>): Promise<Answer>
  close(): void
}

const mostHeadBytes = 16_384

export async function openHttpReader(url: string, mostBytes: number): Promise<HttpReader> {
  const { hostname, port, host } = new URL(url)
  const buffer = Buffer.alloc(mostBytes)
  let filled = 0
  let wanted = Number.POSITIVE_INFINITY
  let headBytes = 0
  let done: () => void = () => undefined
  const take = (bytes: number, from: Uint8Array): boolean => {
    buffer.set(from.subarray(0, bytes), filled)
    filled += bytes
    if (headBytes === 0) {
      const at = buffer.subarray(0, Math.min(filled, mostHeadBytes)).indexOf('\r\n\r\n')
      if (at !== -1) {
        headBytes = at + 4
        const head = buffer.toString('latin1', 0, headBytes)
        wanted = headBytes + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
      }
    }
    if (filled >= wanted) done()
    return true
  }
  const socket = connect({
    host: hostname,
    port: Number(port),
    onread: { buffer: Buffer.alloc(1 << 20), callback: take },
  })
  await once(socket, 'connect')
  return {
    get: async (path, headers) => {
      filled = 0
      headBytes = 0
      wanted = Number.POSITIVE_INFINITY
      const whole = new Promise<void>((resolve, reject) => {
        done = resolve
        if (socket.destroyed) reject(new Error(`Read "${path}": the connection was closed before`))
        socket.once('close', () => reject(new Error(`Read "${path}": the connection was closed`)))
      })
      const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
      await whole
      socket.removeAllListeners('close')
      const head = buffer.toString('latin1', 0, headBytes)
      return {
        status: Number(head.slice(9, 12)),
        etag: /^etag: (.*)\r$/im.exec(head)?.[1] ?? '',
        body: buffer.subarray(headBytes, filled),
      }
    },
    close: () => void socket.destroy(),
  }
}
