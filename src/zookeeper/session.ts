import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import { DecodeError, describeError, InvariantError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { CallOptions, Request } from './calls.ts'
import { type ConnectString, formatServer, type ServerAddress } from './connect-string.ts'
import { type Connection, openConnection } from './connection.ts'
import { createDispatcher } from './dispatcher.ts'
import { errorCodes, ZookeeperError } from './errors.ts'
import { createFeatures, type Feature } from './features.ts'
import { createRing, type Resolve } from './hosts.ts'
import { opcodes } from './opcodes.ts'
import { backOffMs, connectTimeoutMs, lifetimeMs } from './session-times.ts'
import { createAnnouncer, type SessionCredentials, type StateListener, type ZookeeperState } from './state.ts'
import { allKinds, createWatches, lastingKinds, type Watches } from './watches.ts'

export interface Auth {
  /** `digest` takes `user:password`. */
  readonly scheme: string
  readonly credential: string
}

export interface SessionOptions {
  readonly target: ConnectString
  readonly sessionTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly maxResponseBytes: number
  readonly auth: readonly Auth[]
  readonly tls: TlsOptions | undefined
  readonly savedSession: SessionCredentials | undefined
  readonly keepsSession: boolean
}

export interface SessionDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  readonly resolve: Resolve
}

/** Totals since the start. */
export interface ZookeeperCounters {
  readonly connections: number
  readonly expiries: number
  /** Frames that broke the protocol; each cost its connection. */
  readonly malformedFrames: number
  readonly requests: number
  readonly events: number
  /** Exceptions thrown by watchers and state listeners. */
  readonly listenerErrors: number
}

export interface Session {
  run(signal: AbortSignal): Promise<void>
  call<T>(request: Request<T>, options: CallOptions): Promise<T>
  state(): ZookeeperState
  credentials(): SessionCredentials | undefined
  confirmedUntil(): number | undefined
  onState(listener: StateListener): () => void
  readonly watches: Watches
  /** Whether the server at hand knows it; undefined before anything was learned. */
  known(feature: Feature): boolean | undefined
  learn(feature: Feature, isSupported: boolean): void
  counters(): ZookeeperCounters
}

/** Where to go on after a connection: the same server at once, the next one at once, or the next one with back-off. */
type Next = 'again' | 'next' | 'slower'

/** A connection that lived shorter counts as a failed attempt, so that a server that drops us is not hammered. */
const usefulLifeMs = 1_000
const farewellMs = 1_000

/** One session after another over one connection after another. */
export function createSession(options: SessionOptions, deps: SessionDeps): Session {
  const { clock, logger } = deps
  const { servers } = options.target
  const counters = { connections: 0, expiries: 0, malformedFrames: 0, events: 0, listenerErrors: 0 }
  const onListenerError = (thrown: unknown): void => {
    counters.listenerErrors++
    logger.error({ error: describeError(thrown) }, 'ZooKeeper listener threw')
  }
  const dispatcher = createDispatcher(clock, options.requestTimeoutMs)
  const announcer = createAnnouncer(onListenerError)
  const watches = createWatches(onListenerError)
  const features = createFeatures()
  const refusedBy = new Set<string>()
  let session = options.savedSession
  let lastZxid = 0n
  let connection: Connection | undefined
  let heardAt = 0
  let confirmedAt = 0
  let server = ''

  function expire(why: string): void {
    if (session === undefined) return
    const reason = new UnavailableError(why)
    session = undefined
    lastZxid = 0n
    refusedBy.clear()
    counters.expiries++
    logger.warn({ reason: why }, 'ZooKeeper session expired')
    announcer.announce({ state: 'expired', reason })
    watches.lose(allKinds)
    dispatcher.failWaiting((what) => new ZookeeperError(what, errorCodes.SESSION_EXPIRED, { detail: why }))
  }

  /** How long until the session is given up; endless without one. */
  function leftMs(): number {
    if (session === undefined) return Number.POSITIVE_INFINITY
    return heardAt + lifetimeMs(session.timeoutMs) - clock.monotonic()
  }

  /** Ends a session that no server wants or can be asked about any more. */
  function giveUpIfLost(): void {
    if (session === undefined) return
    const silentMs = clock.monotonic() - heardAt
    if (leftMs() <= 0) expire(`No server answered for ${Math.round(silentMs)} ms`)
    // Restored from an empty or older backup, a server refuses every client that has seen more, for ever.
    else if (refusedBy.size === servers.length && silentMs >= session.timeoutMs)
      expire(`Every server refused the session for ${Math.round(silentMs)} ms`)
  }

  function adopt(opened: Connection): void {
    const { response } = opened
    if (session !== undefined && session.id !== response.sessionId)
      expire(`Server "${server}" handed out another session`)
    const isNewSession = session === undefined
    session = { id: response.sessionId, password: response.password, timeoutMs: response.timeoutMs }
    connection = opened
    counters.connections++
    refusedBy.clear()
    for (const { scheme, credential } of options.auth) opened.authenticate(scheme, Buffer.from(credential))
    if (features.known(server, 'addWatch') === false) watches.lose(lastingKinds)
    for (const { opcode, packet } of watches.replay(lastZxid)) opened.setWatches(opcode, packet)
    dispatcher.attach(opened)
    logger.info({ server, isNewSession, timeoutMs: response.timeoutMs }, 'ZooKeeper connected')
    announcer.announce({ state: 'connected', sessionId: response.sessionId, isNewSession, server })
  }

  function hello() {
    return {
      lastZxidSeen: lastZxid,
      timeoutMs: session?.timeoutMs ?? options.sessionTimeoutMs,
      sessionId: session?.id ?? 0n,
      password: session?.password ?? Buffer.alloc(16),
      readOnly: false,
    }
  }

  /** Connects once and stays until the connection or the service ends. */
  async function connectOnce(address: ServerAddress, signal: AbortSignal): Promise<Next> {
    const startedAt = clock.monotonic()
    const dialling = new AbortController()
    const onAbort = (): void => dialling.abort(signal.reason)
    const ended = createLatch()
    let isUnimplemented = false
    server = formatServer(address)
    signal.addEventListener('abort', onAbort, { once: true })
    const opened = await openConnection({
      ...deps,
      server: address,
      tls: options.tls,
      hello: hello(),
      connectTimeoutMs: connectTimeoutMs(session?.timeoutMs ?? options.sessionTimeoutMs, servers.length, leftMs()),
      maxFrameBytes: options.maxResponseBytes,
      signal: dialling.signal,
      onEvent: (event) => {
        counters.events++
        watches.dispatch(event)
      },
      onReply: (opcode, header) => {
        if (header.zxid > lastZxid) lastZxid = header.zxid
        features.learnFromReply(server, opcode, header.error === errorCodes.UNIMPLEMENTED)
        if (header.error !== errorCodes.UNIMPLEMENTED) return dispatcher.pump()
        // The server will close this connection, but the session lives: go first, and come back at once.
        isUnimplemented = opcode !== opcodes.setWatches
        connection?.destroy(new UnavailableError(`Connection to "${server}": request type ${opcode} is unknown there`))
      },
      onClose: (reason, unanswered) => {
        heardAt = connection?.heardAt() ?? heardAt
        confirmedAt = connection?.confirmedAt() ?? confirmedAt
        connection = undefined
        if (reason instanceof DecodeError) counters.malformedFrames++
        dispatcher.detach(reason, unanswered)
        ended.open()
        if (signal.aborted) return
        logger.warn({ server, error: describeError(reason) }, 'ZooKeeper connection lost')
        announcer.announce({ state: 'connecting', reason })
      },
    }).finally(() => signal.removeEventListener('abort', onAbort))
    if (opened.kind === 'refused') {
      refusedBy.add(server)
      logger.debug({ server, error: describeError(opened.reason) }, 'ZooKeeper refused the session')
      return 'slower'
    }
    if (opened.kind === 'expired') {
      const hadOne = session !== undefined
      expire(`Server "${server}" says that the session has expired`)
      return hadOne ? 'again' : 'slower'
    }
    adopt(opened.connection)
    await ended.passed(signal)
    if (signal.aborted) {
      await leave(opened.connection)
      return 'next'
    }
    if (isUnimplemented) return 'again'
    features.forget(server)
    return clock.monotonic() - startedAt < usefulLifeMs ? 'slower' : 'next'
  }

  /** Says good-bye, so that ephemerals go at once, unless the session is to be resumed. Never waits for long. */
  async function leave(from: Connection): Promise<void> {
    if (!options.keepsSession) {
      const request = { what: 'Close session', opcode: opcodes.closeSession, read: () => undefined }
      const isOver = dispatcher.sendLast(request, Math.min(farewellMs, options.sessionTimeoutMs / 3))
      if (await isOver) session = undefined
    }
    from.destroy(new UnavailableError('The ZooKeeper client is closed'))
  }

  async function run(signal: AbortSignal): Promise<void> {
    const nextServer = createRing(servers, deps.random)
    let address = nextServer()
    let failures = 0
    heardAt = clock.monotonic()
    dispatcher.open()
    const onAbort = (): void => dispatcher.close()
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    while (!signal.aborted) {
      giveUpIfLost()
      const next = await connectOnce(address, signal).catch((error: unknown): Next => {
        if (!signal.aborted) noteFailure(error, failures === 0)
        return 'slower'
      })
      if (next === 'again') continue
      failures = next === 'slower' ? failures + 1 : 0
      address = nextServer()
      await clock.sleep(Math.min(leftMs(), backOffMs(failures, servers.length, deps.random())), signal)
    }
    dispatcher.stop()
    announcer.announce({ state: 'closed' })
  }

  function noteFailure(error: unknown, isFirst: boolean): void {
    if (error instanceof InvariantError) throw error
    if (error instanceof DecodeError) counters.malformedFrames++
    features.forget(server)
    refusedBy.delete(server)
    if (isFirst) logger.warn({ server, error: describeError(error) }, 'ZooKeeper not reached')
    else logger.debug({ server, error: describeError(error) }, 'ZooKeeper not reached')
  }

  return {
    run,
    call: dispatcher.call,
    state: announcer.state,
    credentials: () => session,
    confirmedUntil: () => {
      if (session === undefined || announcer.state() === 'expired') return undefined
      return (connection?.confirmedAt() ?? confirmedAt) + session.timeoutMs
    },
    onState: announcer.listen,
    watches,
    known: (feature) => features.known(server, feature),
    learn: (feature, isSupported) => features.learn(server, feature, isSupported),
    counters: () => ({ ...counters, requests: dispatcher.started() }),
  }
}

/** Something that happens once. */
function createLatch() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return {
    open,
    /** Resolves when it has happened or the signal aborts. */
    passed: (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        const done = (): void => {
          signal.removeEventListener('abort', done)
          resolve()
        }
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', done, { once: true })
        void opened.then(done)
      }),
  }
}
