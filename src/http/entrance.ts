import type { Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { clientObjection } from './client-certificate.ts'
import { latest } from './latest.ts'
import type { ServerTls } from './protection.ts'

export interface EntranceDeps {
  readonly http: HttpServer
  /** Asked at each new connection; absent is plain HTTP. */
  readonly tls: () => ServerTls | undefined
  /** A client that has not done its handshake by then is cut off. */
  readonly handshakeMs: number
  readonly logger: Logger
}

/** Where connections come in. */
export interface Entrance {
  /** To be told to listen; its connections are those of the network, below TLS. */
  readonly server: Server
  /** The connection of the network below a socket of the HTTP server. */
  below(socket: Socket): Socket
  /** Begins to hand connections over; what listens to `connection` of the server by then comes first. */
  open(): void
}

/**
 * Hands connections to an HTTP server that does not listen itself, plain or once they have spoken TLS. Certificates,
 * versions and what is asked of clients may change at any time: each new connection gets a TLS server of the present
 * kind, and those that are open go on as they are. A new TLS server also has new ticket keys, so that nobody resumes a
 * session that a certificate authority of before has vouched for.
 */
export function createEntrance({ http, tls, handshakeMs, logger }: EntranceDeps): Entrance {
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  const handshaking = new Map<string, Socket>()
  const belowTls = new WeakMap<Socket, Socket>()
  const present = latest((options: ServerTls | undefined) => (options === undefined ? undefined : secure(options)))

  function secure(options: ServerTls): TlsServer {
    const made = createTlsServer(tlsOptions(options, handshakeMs))
    made.on('secureConnection', (socket) => {
      const raw = handshaking.get(keyOf(socket))
      const why = clientObjection(socket, options)
      if (why !== undefined) {
        logger.debug({ remote_address: socket.remoteAddress, why }, 'Client refused')
        socket.destroy()
        return
      }
      if (raw !== undefined) belowTls.set(socket, raw)
      http.emit('connection', socket)
    })
    made.on('tlsClientError', (error, socket) => {
      logger.debug({ remote_address: socket.remoteAddress, error: describeError(error) }, 'TLS handshake failed')
      socket.destroy()
    })
    return made
  }

  return {
    server,
    below: (socket) => belowTls.get(socket) ?? socket,
    open: () =>
      server.on('connection', (socket: Socket) => {
        if (socket.destroyed) return
        const inner = present(tls())
        if (inner === undefined) {
          http.emit('connection', socket)
          return
        }
        const key = keyOf(socket)
        handshaking.set(key, socket)
        socket.once('close', () => handshaking.delete(key))
        socket.on('error', () => socket.destroy())
        inner.emit('connection', socket)
      }),
  }
}

/** No two open connections share all four. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

function tlsOptions(tls: ServerTls, handshakeTimeout: number) {
  return {
    cert: tls.cert,
    key: tls.key.reveal(),
    ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa }),
    requestCert: tls.clientAuth !== 'NoClientCert',
    rejectUnauthorized: tls.clientAuth === 'RequireAndVerifyClientCert',
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    ...(tls.curves === undefined ? {} : { ecdhCurve: tls.curves }),
    honorCipherOrder: tls.honorCipherOrder,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout,
  }
}
