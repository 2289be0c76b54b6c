import { connect, createServer, type Socket } from 'node:net'
import { createFrameReader } from '../../src/runtime/framed-socket.ts'
import { encode, JuteReader } from '../../src/zookeeper/jute.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { replyHeader, requestHeader } from '../../src/zookeeper/records.ts'
import { framed } from '../fakes/zookeeper.ts'

export interface Verdict {
  readonly error?: number
  readonly token?: Buffer
  readonly closes?: boolean
  readonly isSilent?: boolean
}

export interface Middleman extends AsyncDisposable {
  readonly connect: string
  /** Of every request, on all connections. */
  readonly opcodes: readonly number[]
  /** Answers the request numbered from 0 on its connection in place of a server that knows SASL. */
  sasl: (token: Buffer, step: number) => Verdict
  /** Makes the server's greeting that of a read-only one. */
  isReadOnly: boolean
  readonly connections: () => number
}

/** Stands before the fake server and does what that cannot: SASL and read-only mode. */
export async function startMiddleman(port: number): Promise<Middleman> {
  const seen: number[] = []
  const sockets = new Set<Socket>()
  let connections = 0

  const server = createServer((client) => {
    connections++
    const upstream = connect({ host: '127.0.0.1', port })
    const frames = { client: 0, server: 0, sasl: 0 }
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => other.destroy())
    }
    const destroy = (): void => {
      client.destroy()
    }
    const fromClient = (frame: Buffer): void => {
      if (frames.client++ > 0) {
        const reader = new JuteReader(frame)
        const { xid, opcode } = requestHeader.read(reader)
        seen.push(opcode)
        if (opcode === opcodes.sasl) {
          answerSasl(xid, reader.buffer() ?? Buffer.alloc(0))
          return
        }
      }
      upstream.write(framed(frame))
    }
    const answerSasl = (xid: number, token: Buffer): void => {
      const verdict = middleman.sasl(token, frames.sasl++)
      const { error = 0, token: reply = Buffer.alloc(0), closes = false, isSilent = false } = verdict
      if (isSilent) return
      const head = encode((writer) => replyHeader.write(writer, { xid, zxid: 0n, error }))
      const body = encode((writer) => writer.buffer(reply))
      if (!closes) client.write(framed(head, error === 0 ? body : Buffer.alloc(0)))
      if (closes || error !== 0) client.end()
    }
    const read = createFrameReader(1 << 20, fromClient, destroy)
    client.on('data', (chunk) => {
      if (frames.client === 0 && chunk.toString('latin1') === 'isro') client.end(middleman.isReadOnly ? 'ro' : 'rw')
      else read(chunk)
    })
    const fromServer = (frame: Buffer): void => {
      if (frames.server++ === 0 && middleman.isReadOnly) frame[frame.length - 1] = 1
      client.write(framed(frame))
    }
    upstream.on('data', createFrameReader(1 << 20, fromServer, destroy))
  })
  const own = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })

  const middleman: Middleman = {
    connect: `127.0.0.1:${own}`,
    opcodes: seen,
    sasl: () => ({ closes: true }),
    isReadOnly: false,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
    },
  }
  return middleman
}
