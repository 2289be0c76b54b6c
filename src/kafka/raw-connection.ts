import type { ConnectionOptions } from 'node:tls'
import type { Api, ApiName } from '../kafka-wire/apis.ts'
import { decodeResponseHeader, encodeRequestHeader } from '../kafka-wire/headers.ts'
import type { Evidence } from '../model/evidence.ts'
import { childSignal } from '../runtime/child-signal.ts'
import type { Clock } from '../runtime/clock.ts'
import { DecodeError, UnavailableError } from '../runtime/errors.ts'
import { type FramedSocket, type FramedSocketOptions, openFramedSocket } from '../runtime/framed-socket.ts'
import { withTlsRefusal } from './tls-refusal.ts'

export type TlsOptions = ConnectionOptions | (() => ConnectionOptions)

/** What a connection needs before anything is said on it. */
export interface RawSettings {
  /** A function is asked at each connection: certificates are renewed in their files while we run. */
  readonly tls?: TlsOptions
  readonly connectTimeoutMs: number
  readonly maxFrameBytes: number
  readonly clock: Clock
  /** Called for each request sent, for the counters. */
  readonly onRequest: (api: ApiName) => void
  /** Called for each answer that could not be read, for the counters. */
  readonly onDecodeError: (broker: string) => void
}

/** One kind of request: how to write it and how to read its answer, in whatever version the broker has. */
export interface Exchange<T> {
  readonly api: Api
  encode(version: number): Buffer
  decode(version: number, body: Buffer): T
}

export interface Answer<T> {
  readonly value: T
  readonly version: number
  readonly evidence: Evidence
  readonly bytes: number
}

interface Waiting {
  readonly correlation: number
  readonly settle: (frame: Buffer) => void
  readonly fail: (reason: Error) => void
}

/** A connection without a version table yet: requests name their version. */
export interface RawConnection {
  readonly isOpen: () => boolean
  /** `hold` is asked right before the request goes out, and again after what it gave to wait for. */
  send<T>(
    exchange: Exchange<T>,
    version: number,
    timeoutMs: number,
    signal: AbortSignal,
    hold?: () => Promise<void> | undefined,
  ): Promise<Answer<T>>
  /** A frame without a Kafka header and its answer: SASL tokens after SaslHandshake v0. */
  sendBare(token: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<Buffer>
  close(reason: Error): void
}

/** Opens a connection on which nothing has been said yet. */
export async function openRaw(
  name: string,
  { host, port }: { readonly host: string; readonly port: number },
  settings: RawSettings,
  signal: AbortSignal,
): Promise<RawConnection> {
  const { clock } = settings
  const waiting: Waiting[] = []
  let closed: Error | undefined
  let correlation = 0
  let throttledUntil = 0
  const life = childSignal(signal)

  const socket: FramedSocket = await openSocket({
    host,
    port,
    ...(settings.tls === undefined ? {} : { tls: tlsNow(name, settings.tls) }),
    connectTimeoutMs: settings.connectTimeoutMs,
    maxFrameBytes: settings.maxFrameBytes,
    signal: life.signal,
    onFrame: (frame) => {
      const next = waiting[0]
      if (next === undefined) throw new DecodeError(`Read from ${name}: an answer that nobody asked for`)
      next.settle(frame)
      waiting.shift()
    },
    onClose: (trouble) => {
      const reason = withTlsRefusal(trouble)
      closed = reason
      if (reason instanceof DecodeError) settings.onDecodeError(name)
      for (const one of waiting.splice(0)) one.fail(reason)
      life.release()
    },
  }).catch((error: unknown) => {
    life.release()
    throw error
  })

  /** Queues for one frame; the deadline ends the connection, an abort only the wait. */
  function expectFrame<T>(
    what: string,
    read: (frame: Buffer) => T,
    timeoutMs: number,
    id: number,
    abort: AbortSignal,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          socket.destroy(
            new UnavailableError(`${what} at ${name}: no answer within ${timeoutMs} ms`, { timedOut: true }),
          ),
        timeoutMs,
      )
      const onAbort = (): void => reject(abort.reason)
      abort.addEventListener('abort', onAbort, { once: true })
      const done = (): void => {
        clearTimeout(timer)
        abort.removeEventListener('abort', onAbort)
      }
      waiting.push({
        correlation: id,
        settle: (frame) => {
          const value = read(frame)
          done()
          resolve(value)
        },
        fail: (reason) => {
          done()
          reject(reason)
        },
      })
    })
  }

  return {
    isOpen: () => closed === undefined,
    close: (reason) => {
      socket.destroy(reason)
      life.abort()
    },
    send: async (exchange, version, timeoutMs, abort, hold) => {
      await clock.sleep(throttledUntil - clock.monotonic(), abort)
      for (let wait = hold?.(); wait !== undefined; wait = hold?.()) await wait
      abort.throwIfAborted()
      if (closed !== undefined) throw closed
      const id = correlation++
      const body = exchange.encode(version)
      const sentAt = clock.monotonic()
      settings.onRequest(exchange.api.name)
      const answer = expectFrame(
        exchange.api.name,
        (frame) => {
          const receivedAt = clock.monotonic()
          const { correlation: got, body: content } = decodeResponseHeader(exchange.api, version, frame)
          if (got !== id)
            throw new DecodeError(`Read ${exchange.api.name} from ${name}: correlation ${got}, expected ${id}`)
          const value = exchange.decode(version, content)
          // Of answers to requests that were under way together a later one may ask for less.
          throttledUntil = Math.max(throttledUntil, receivedAt + throttleOf(value))
          return {
            value,
            version,
            bytes: frame.length,
            evidence: { from: name, api: exchange.api.name, version, correlation: id, sentAt, receivedAt, code: 0 },
          }
        },
        timeoutMs,
        id,
        abort,
      )
      socket.send(encodeRequestHeader(exchange.api, version, id), body)
      return answer
    },
    sendBare: async (token, timeoutMs, abort) => {
      if (closed !== undefined) throw closed
      const answer = expectFrame('SASL token', (frame) => Buffer.from(frame), timeoutMs, -1, abort)
      socket.send(token)
      return answer
    },
  }
}

/** @throws UnavailableError when the certificates cannot be read */
function tlsNow(name: string, tls: TlsOptions): ConnectionOptions {
  if (typeof tls !== 'function') return tls
  try {
    return tls()
  } catch (error) {
    throw new UnavailableError(`Read the certificates for "${name}": failed`, { cause: error })
  }
}

/** A certificate that is not accepted is a refusal, whichever side it is that does not accept it. */
async function openSocket(options: FramedSocketOptions): Promise<FramedSocket> {
  try {
    return await openFramedSocket(options)
  } catch (error) {
    // TLS refuses keys and certificates that do not fit before it connects, with errors of its own.
    throw withTlsRefusal(
      error instanceof UnavailableError
        ? error
        : new UnavailableError(`Connection to "${options.host}:${options.port}" failed`, { cause: error }),
    )
  }
}

/** A broker that asks us to slow down (KIP-219) is obeyed, for a minute at most: past that it is trouble, not a quota. */
function throttleOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || !('throttleMs' in value)) return 0
  return typeof value.throttleMs === 'number' ? Math.min(Math.max(0, value.throttleMs), 60_000) : 0
}
