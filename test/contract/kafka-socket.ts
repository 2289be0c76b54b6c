import { type Api, apis } from '../../src/kafka-wire/apis.ts'
import { decodeResponseHeader, encodeRequestHeader } from '../../src/kafka-wire/headers.ts'
import { withDeadline } from '../../src/runtime/deadline.ts'
import { openFramedSocket } from '../../src/runtime/framed-socket.ts'

/** A bare connection to a broker, one question at a time unless the caller sends frames itself. */
export interface KafkaSocket extends AsyncDisposable {
  /** The body of the answer. Rejects when the connection ends or nothing comes within 10 s. */
  ask(api: Api, version: number, body: Buffer): Promise<Buffer>
  /** Sends a frame as it is. */
  send(...parts: readonly Uint8Array[]): void
  /** The next frame that nobody asked for with `ask`. */
  frame(withinMs?: number): Promise<Buffer>
  /** Settles when the connection has ended. */
  readonly closed: Promise<void>
}

export async function openKafkaSocket(address: string): Promise<KafkaSocket> {
  const [host = '', port = ''] = address.split(':')
  const frames: Buffer[] = []
  let wake: () => void = () => undefined
  let end: (() => void) | undefined
  let reason: Error | undefined
  let correlation = 0
  const closed = new Promise<void>((resolve) => {
    end = resolve
  })
  const stop = new AbortController()
  const socket = await openFramedSocket({
    host,
    port: Number(port),
    connectTimeoutMs: 5_000,
    maxFrameBytes: 2 ** 30,
    signal: stop.signal,
    onFrame: (frame) => {
      frames.push(frame)
      wake()
    },
    onClose: (why) => {
      reason = why
      end?.()
      wake()
    },
  })

  async function frame(withinMs = 10_000): Promise<Buffer> {
    return withDeadline('Wait for a frame', withinMs, stop.signal, async () => {
      for (;;) {
        const next = frames.shift()
        if (next !== undefined) return next
        if (reason !== undefined) throw reason
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    })
  }

  return {
    async ask(api, version, body) {
      socket.send(encodeRequestHeader(api, version, ++correlation), body)
      const answer = decodeResponseHeader(api, version, await frame())
      if (answer.correlation !== correlation)
        throw new Error(`Answer to ${correlation} expected: ${answer.correlation}`)
      return answer.body
    },
    send: (...parts) => socket.send(...parts),
    frame,
    closed,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('Test is over'))
      await closed
    },
  }
}

/** One question on a connection of its own. */
export async function askOnce(address: string, api: keyof typeof apis, version: number, body: Buffer): Promise<Buffer> {
  await using socket = await openKafkaSocket(address)
  return await socket.ask(apis[api], version, body)
}
