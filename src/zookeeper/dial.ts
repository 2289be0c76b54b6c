import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { type FramedSocket, openFramedSocket } from '../runtime/framed-socket.ts'
import { formatServer, type ServerAddress } from './connect-string.ts'
import { ZookeeperError } from './errors.ts'
import type { Addresses } from './hosts.ts'
import { encode, JuteReader } from './jute.ts'
import { type ConnectRequest, type ConnectResponse, connectRequest, connectResponse, replyHeader } from './records.ts'
import { named } from './server-name.ts'

export interface DialOptions {
  readonly server: ServerAddress
  readonly tls: TlsOptions | undefined
  readonly hello: ConnectRequest
  /** For name look-up, TCP, TLS and the first answer together. */
  readonly connectTimeoutMs: number
  readonly maxFrameBytes: number
  /** Ends the attempt, and later the open connection. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly addresses: Pick<Addresses, 'pick'>
}

/** What a connection hears once hands are shaken. */
export interface Receiver {
  readonly onFrame: (frame: Buffer) => void
  readonly onClose: (reason: Error) => void
}

export type Dialled =
  | { readonly kind: 'open'; readonly socket: FramedSocket; readonly response: ConnectResponse }
  /** The session is over. */
  | { readonly kind: 'expired' }
  /** Closed without an answer: what a server does that has seen less than we have, or that has no quorum. */
  | { readonly kind: 'refused'; readonly reason: Error }

/**
 * Connects to one server and shakes hands.
 *
 * @throws UnavailableError when the server cannot be reached in time; DecodeError when its answer makes no sense; the
 * signal's reason.
 */
export async function dial(options: DialOptions, receiver: Receiver): Promise<Dialled> {
  const { server, signal } = options
  signal.throwIfAborted()
  const stop = new AbortController()
  const timer = new AbortController()
  const onAbort = (): void => stop.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  void options.clock.sleep(options.connectTimeoutMs, timer.signal).then(() => {
    if (timer.signal.aborted) return
    const message = `Connect to "${formatServer(server)}": no answer within ${Math.round(options.connectTimeoutMs)} ms`
    stop.abort(new UnavailableError(message, { timedOut: true }))
  })
  const greeting = createGreeting()
  let socket: FramedSocket | undefined
  try {
    const host = await lookUp(options, stop.signal)
    socket = await openFramedSocket({
      host,
      port: server.port,
      ...(options.tls !== undefined && { tls: named(options.tls, server.host) }),
      connectTimeoutMs: options.connectTimeoutMs,
      maxFrameBytes: options.maxFrameBytes,
      signal: stop.signal,
      onFrame: (frame) => {
        if (greeting.isOver()) receiver.onFrame(frame)
        else greeting.hear(readGreeting(frame, server))
      },
      onClose: (reason) => {
        signal.removeEventListener('abort', onAbort)
        if (greeting.isOver()) receiver.onClose(reason)
        else greeting.lose(reason)
      },
    })
    socket.send(encode((writer) => connectRequest.write(writer, options.hello)))
    const response = await greeting.answer
    if (response.timeoutMs > 0) return { kind: 'open', socket, response }
    const gone = new UnavailableError(`Connection to "${formatServer(server)}": the session is unknown there`)
    socket.destroy(gone)
    // A server that is cut off from the others knows no session that is younger than that.
    return response.readOnly ? { kind: 'refused', reason: gone } : { kind: 'expired' }
  } catch (error) {
    signal.removeEventListener('abort', onAbort)
    if (socket !== undefined && !stop.signal.aborted && error instanceof UnavailableError)
      return { kind: 'refused', reason: error }
    throw error
  } finally {
    timer.abort()
  }
}

/** The server's first frame, or the end of the connection before it. */
function createGreeting() {
  let isOver = false
  let resolve: (response: ConnectResponse) => void = () => undefined
  let reject: (reason: Error) => void = () => undefined
  const answer = new Promise<ConnectResponse>((yes, no) => {
    resolve = yes
    reject = no
  })
  answer.catch(() => undefined)
  return {
    answer,
    isOver: () => isOver,
    hear: (response: ConnectResponse): void => {
      // An expired session makes no connection that anybody would want to hear the end of.
      isOver = response.timeoutMs > 0
      resolve(response)
    },
    lose: (reason: Error): void => reject(reason),
  }
}

const headerBytes = 16

/** @throws UnavailableError when it is the header of an answer: a read-only server may make no new sessions (3.6 on). */
function readGreeting(frame: Buffer, server: ServerAddress): ConnectResponse {
  const reader = new JuteReader(frame)
  if (frame.length !== headerBytes) return connectResponse.read(reader)
  const what = `Connect to "${formatServer(server)}"`
  const cause = new ZookeeperError(what, replyHeader.read(reader).error)
  throw new UnavailableError(cause.message, { cause })
}

/** A look-up in the system's resolver cannot be cancelled, only left alone. */
function lookUp({ server, addresses }: DialOptions, signal: AbortSignal): Promise<string> {
  return new Promise((yes, no) => {
    signal.addEventListener('abort', () => no(signal.reason), { once: true })
    addresses.pick(server.host).then(yes, (cause: unknown) => {
      no(new UnavailableError(`Look up "${server.host}" failed: ${describeError(cause)}`, { cause }))
    })
  })
}
