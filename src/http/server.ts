import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:net'
import { ConfigError, describeError, type InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { watchConnections } from './connections.ts'
import { type Door, openDoor } from './door.ts'
import { createEntrance } from './entrance.ts'
import { createExpressApp } from './express-app.ts'
import { latest } from './latest.ts'
import type { Route } from './route.ts'
import type { SendLimits } from './send.ts'
import { createServe } from './serve.ts'

export interface HttpServerOptions {
  /** All addresses when absent. */
  readonly host?: string
  /** 0 takes any free port. */
  readonly port: number
  readonly limits?: Partial<HttpLimits>
}

export interface HttpLimits extends SendLimits {
  readonly connections: number
  readonly headerBytes: number
  /** Until the head of a request is there, until a short body is, and until a request of any length is. */
  readonly headerMs: number
  readonly bodyMs: number
  readonly requestMs: number
  /** How long a connection may wait for its next request: longer than most scrape intervals. */
  readonly idleMs: number
  /** How long requests under way may take when the server stops. */
  readonly shutdownMs: number
}

const defaults: HttpLimits = {
  connections: 256,
  headerBytes: 16 * 1024,
  headerMs: 10_000,
  bodyMs: 10_000,
  requestMs: 45_000,
  idleMs: 75_000,
  stalledReaderMs: 30_000,
  answerMs: 120_000,
  shutdownMs: 5000,
}

export interface HttpServerDeps {
  readonly logger: Logger
  /** Who may come in, and how; everybody without TLS when absent. */
  readonly door?: Door
  /** Told where the server listens, once it does. */
  readonly onListening?: (address: { readonly host: string; readonly port: number }) => void
}

/**
 * The HTTP server. Its `run` rejects with a ConfigError when it cannot listen where it should, and with an
 * InvariantError that a route threw. On abort it takes no new connection, closes those that wait, and lets requests
 * under way finish within `shutdownMs`; an answer that is not done by then is cut so that its reader sees it. The routes
 * are asked for at each request: another list takes the place of the one before, and no connection notices.
 */
export function createHttpServer(
  options: HttpServerOptions,
  routes: () => readonly Route[],
  deps: HttpServerDeps,
): Service {
  const limits = { ...defaults, ...options.limits }
  const { logger, door = openDoor } = deps

  async function run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const http = createServer({
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headerMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1000, limits.headerMs),
    })
    const entrance = createEntrance({
      http,
      tls: () => door.protection().tls,
      handshakeMs: limits.headerMs,
      logger,
    })
    const { server } = entrance
    const connections = watchConnections(entrance, limits.connections)
    entrance.open()
    const failed = new AbortController()
    const stop = AbortSignal.any([signal, failed.signal])
    const fail = (error: InvariantError): void => failed.abort(error)
    const serve = createServe({ limits, connections, door, logger, isStopping: () => stop.aborted, fail })
    const appOf = latest((present: readonly Route[]) => createExpressApp(present, serve))
    http.on('request', (incoming, outgoing) => {
      // Thousands that were sent without waiting are still parsed after their connection was cut.
      if (!incoming.socket.destroyed) appOf(routes())(incoming, outgoing)
    })
    await listen(server, options)
    // The HTTP server does not listen itself; it looks after slow heads and bodies from this event on.
    http.emit('listening')
    // Such as EMFILE: a connection that could not be accepted is no reason to end.
    server.on('error', (error) => logger.warn({ error: describeError(error) }, 'Connection not accepted'))
    deps.onListening?.(addressOf(server))
    if (!stop.aborted) await once(stop, 'abort')

    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    connections.closeIdle()
    const timer = setTimeout(() => connections.closeAll(), limits.shutdownMs)
    await closed
    clearTimeout(timer)
    http.close()
    await door.close()
    if (failed.signal.aborted) throw failed.signal.reason
  }

  return { name: 'http', run }
}

/** Connections that wait to be accepted: a burst past the usual 511 would make a health check try again for seconds. */
const BACKLOG = 2048

/** @throws ConfigError when the address is taken, not ours, or not allowed */
async function listen(server: Server, { host, port }: HttpServerOptions): Promise<void> {
  try {
    server.listen({ port, backlog: BACKLOG, ...(host === undefined ? {} : { host }) })
    await once(server, 'listening')
  } catch (cause) {
    const where = `Listen on "${host ?? ''}:${port}"`
    throw new ConfigError([`${where}: ${hints.get(codeOf(cause)) ?? describeError(cause)}`], { cause })
  }
}

const hints: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'the port is in use by another process, expected a free one (is Lagkeeper already running?)'],
  ['EADDRNOTAVAIL', 'no interface of this host has the address, expected one of its own or none'],
  ['EACCES', 'not permitted, expected a port above 1023 or more rights'],
  ['ENOTFOUND', 'the host name is unknown, expected one that resolves'],
])

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function addressOf(server: Server): { readonly host: string; readonly port: number } {
  const address = server.address()
  return address === null || typeof address === 'string'
    ? { host: address ?? '', port: 0 }
    : { host: address.address, port: address.port }
}
