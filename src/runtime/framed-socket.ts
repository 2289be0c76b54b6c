import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { DecodeError, describeError, UnavailableError } from './errors.ts'

export interface FramedSocketOptions {
  readonly host: string
  readonly port: number
  /** TLS when given; the server name is the host unless it is an IP address or set here. */
  readonly tls?: ConnectionOptions
  /** Until connected, TLS handshake included. */
  readonly connectTimeoutMs: number
  /** A longer frame ends the connection before a byte of it is stored. */
  readonly maxFrameBytes: number
  readonly signal: AbortSignal
  /** Each whole frame without its length. What it throws ends the connection. */
  readonly onFrame: (frame: Buffer) => void
  /** Called once, after which no frame comes any more. */
  readonly onClose: (reason: Error) => void
}

/** Shorter frames are copied into one piece, which is cheaper than several. */
const joinedBytes = 4096

/** A TCP or TLS connection that carries frames behind a 4-byte big-endian length, as Kafka and ZooKeeper do. */
export interface FramedSocket {
  /** Sends one frame; the parts are written after each other behind their common length. */
  send(...parts: readonly Uint8Array[]): void
  /** Ends the connection now; `onClose` gets the reason. A second call does nothing. */
  destroy(reason: Error): void
  readonly remote: string
  readonly bytesRead: () => number
}

/**
 * Connects within the time-out.
 *
 * @throws UnavailableError when the peer refuses, the name is unknown, TLS fails or the time is over.
 */
export function openFramedSocket(options: FramedSocketOptions): Promise<FramedSocket> {
  const remote = `${options.host.includes(':') ? `[${options.host}]` : options.host}:${options.port}`
  return new Promise((resolve, reject) => {
    if (options.signal.aborted) return reject(options.signal.reason)
    let open = false
    let closed = false
    const socket = dial(options)
    const timer = setTimeout(
      () =>
        finish(
          new UnavailableError(`Connect to "${remote}": no connection within ${options.connectTimeoutMs} ms`, {
            timedOut: true,
          }),
        ),
      options.connectTimeoutMs,
    )
    const onAbort = (): void => finish(asError(options.signal.reason))
    options.signal.addEventListener('abort', onAbort, { once: true })

    function finish(reason: Error): void {
      if (closed) return
      closed = true
      clearTimeout(timer)
      options.signal.removeEventListener('abort', onAbort)
      socket.destroy()
      if (open) options.onClose(reason)
      else reject(reason)
    }

    let isHeld = false
    /** What is sent in one go leaves in one system call: a thousand small requests would cost as many otherwise. */
    function holdUntilNextTick(): void {
      if (isHeld) return
      isHeld = true
      socket.cork()
      process.nextTick(() => {
        isHeld = false
        socket.uncork()
      })
    }

    socket.on('error', (error) =>
      finish(new UnavailableError(`Connection to "${remote}" failed: ${describeError(error)}`, { cause: error })),
    )
    socket.on('close', () => finish(new UnavailableError(`Connection to "${remote}" closed by the peer`)))
    socket.on(
      'data',
      createFrameReader(
        options.maxFrameBytes,
        (frame) => {
          if (!closed) options.onFrame(frame)
        },
        finish,
      ),
    )
    socket.once(options.tls === undefined ? 'connect' : 'secureConnect', () => {
      if (closed) return
      open = true
      clearTimeout(timer)
      resolve({
        remote,
        destroy: finish,
        bytesRead: () => socket.bytesRead,
        send: (...parts) => {
          if (closed) return
          holdUntilNextTick()
          const length = parts.reduce((sum, part) => sum + part.byteLength, 0)
          const head = Buffer.allocUnsafe(4)
          head.writeUInt32BE(length)
          if (length <= joinedBytes) socket.write(Buffer.concat([head, ...parts], length + 4))
          else for (const part of [head, ...parts]) socket.write(part)
        },
      })
    })
  })
}

function dial(options: FramedSocketOptions): Socket {
  const { host, port } = options
  const socket =
    options.tls === undefined
      ? connectTcp({ host, port })
      : connectTls({ host, port, servername: serverName(host), ...options.tls })
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 30_000)
  return socket
}

/** SNI must not be an IP address (RFC 6066, section 3). */
function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new UnavailableError(String(reason))
}

/**
 * Cuts a byte stream into frames. The length is checked before anything is stored, and only bytes that have arrived
 * take memory, so a lying length costs nothing.
 */
export function createFrameReader(
  maxFrameBytes: number,
  onFrame: (frame: Buffer) => void,
  onError: (error: Error) => void,
): (chunk: Buffer) => void {
  let waiting: Buffer[] = []
  let have = 0
  let need = 4
  let inBody = false
  let broken = false

  return (chunk) => {
    if (broken) return
    let rest = chunk
    try {
      while (rest.length > 0 || (inBody && need === 0)) {
        const take = Math.min(need - have, rest.length)
        waiting.push(rest.subarray(0, take))
        have += take
        rest = rest.subarray(take)
        if (have < need) return
        const part = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, have)
        waiting = []
        have = 0
        if (inBody) {
          inBody = false
          need = 4
          onFrame(part)
        } else {
          need = part.readInt32BE(0)
          if (need < 0 || need > maxFrameBytes)
            throw new DecodeError(`Read frame: length ${need}, expected 0 to ${maxFrameBytes}`, { tooLong: need > 0 })
          inBody = true
        }
      }
    } catch (error) {
      broken = true
      waiting = []
      onError(error instanceof Error ? error : new DecodeError(String(error)))
    }
  }
}
