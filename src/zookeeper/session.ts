import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import { DecodeError, describeError, InvariantError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Call, CallOptions, Request } from './calls.ts'
import { type ConnectString, formatServer, type ServerAddress } from './connect-string.ts'
import { type Connection, openConnection } from './connection.ts'
import { createDispatcher } from './dispatcher.ts'
import { errorCodes, ZookeeperError } from './errors.ts'
import { createFeatures, type Feature } from './features.ts'
import { createAddresses, createRing, type Resolve } from './hosts.ts'
import { createIdentity } from './identity.ts'
import { type Auth, introduce } from './introduce.ts'
import { createLatch } from './latch.ts'
import { UnknownRequest, WritableElsewhere } from './leaving.ts'
import { opcodes } from './opcodes.ts'
import type { ReplyHeader } from './records.ts'
import type { SaslCredentials } from './sasl.ts'
import { backOffMs, connectTimeoutMs } from './session-times.ts'
import { createAnnouncer, type SessionCredentials, type StateListener, type ZookeeperState } from './state.ts'
import { allKinds, createWatches, lastingKinds, type Watches } from './watches.ts'
import { findWritable } from './writable-server.ts'

export interface SessionOptions {
  readonly target: ConnectString
  readonly sessionTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly maxResponseBytes: number
  readonly auth: readonly Auth[]
  readonly sasl: SaslCredentials | undefined
  readonly tls: TlsOptions | undefined
  readonly allowsReadOnly: boolean
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
  /** No more calls are taken. */
  isStopping(): boolean
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
  const addresses = createAddresses(deps.resolve, deps.random)
  const addressCount = (): number => addresses.count(servers.map(({ host }) => host))
  const identity = createIdentity(
    options.savedSession,
    options.sessionTimeoutMs,
    new Set(servers.map((address) => formatServer(address))),
    options.allowsReadOnly,
  )
  let connection: Connection | undefined
  /** Whether listeners know of the connection: not before we are authenticated. */
  let isAnnounced = false
  /** Of which listeners know, or that they gave us. */
  let knownSession = options.savedSession?.id
  /** Where to go next, whoever's turn it is. */
  let wanted: ServerAddress | undefined
  /** The last server that was tried. */
  let server = ''
  /** Attempts in a row that led to no connection, or to one that did not last. */
  let failures = 0
  /** The last connection did not last. */
  let isFlapping = false

  /** Of a series of failures only the first is for the operator. */
  function note(fields: Readonly<Record<string, unknown>>, message: string): void {
    if (failures === 0) logger.warn(fields, message)
    else logger.debug(fields, message)
  }

  function expire(why: string): void {
    if (identity.credentials() === undefined) return
    identity.forget()
    counters.expiries++
    logger.warn({ reason: why }, 'ZooKeeper session expired')
    announcer.announce({ state: 'expired', reason: new UnavailableError(why) })
    watches.lose(allKinds)
    dispatcher.failWaiting((what) => new ZookeeperError(what, errorCodes.SESSION_EXPIRED, { detail: why }))
  }

  /** @throws as `introduce` */
  async function greet(opened: Connection, timeoutMs: number): Promise<void> {
    const { response } = opened
    if (identity.isForeign(response)) expire(`Server "${server}" handed out another session`)
    identity.adopt(response)
    connection = opened
    counters.connections++
    if (features.known(server, 'addWatch') === false) watches.lose(lastingKinds)
    await introduce(opened, {
      auth: options.auth,
      sasl: options.sasl,
      watches,
      lastZxid: identity.lastZxid(),
      send: (request) => dispatcher.sendFirst(opened, request, timeoutMs),
      isOpen: () => connection === opened,
    })
  }

  function adopt(opened: Connection): void {
    const { sessionId, timeoutMs, readOnly } = opened.response
    const isNewSession = sessionId !== knownSession
    knownSession = sessionId
    isAnnounced = true
    dispatcher.attach(opened)
    const isReadOnly = readOnly ? { isReadOnly: true as const } : {}
    const fields = { server, isNewSession, timeoutMs, ...isReadOnly }
    if (isFlapping) logger.debug(fields, 'ZooKeeper connected')
    else logger.info(fields, 'ZooKeeper connected')
    announcer.announce({ state: 'connected', sessionId, isNewSession, server, ...isReadOnly })
  }

  function onReply(opcode: number, header: ReplyHeader): void {
    identity.saw(header.zxid)
    const isUnimplemented = header.error === errorCodes.UNIMPLEMENTED
    features.learnFromReply(server, opcode, isUnimplemented)
    if (!isUnimplemented) dispatcher.pump()
    // The server will close this connection, but the session lives: go first, and come back at once.
    else connection?.destroy(new UnknownRequest(server, opcode))
  }

  function onClose(reason: Error, unanswered: readonly Call[], lifeMs: number, isStopping: boolean): void {
    if (connection !== undefined) identity.heard(connection.heardAt(), connection.confirmedAt())
    connection = undefined
    if (reason instanceof DecodeError) counters.malformedFrames++
    dispatcher.detach(reason, unanswered)
    if (isStopping || !isAnnounced) return
    isAnnounced = false
    const wasFlapping = isFlapping
    const isOurChoice = reason instanceof UnknownRequest || reason instanceof WritableElsewhere
    isFlapping = lifeMs < usefulLifeMs && !isOurChoice
    const fields = { server, error: describeError(reason) }
    if (isOurChoice || (wasFlapping && isFlapping)) logger.debug(fields, 'ZooKeeper connection lost')
    else logger.warn(fields, 'ZooKeeper connection lost')
    announcer.announce({ state: 'connecting', reason })
  }

  /** Connects once and stays until the connection or the service ends. */
  async function connectOnce(address: ServerAddress, signal: AbortSignal): Promise<Next> {
    const startedAt = clock.monotonic()
    const dialling = new AbortController()
    const onAbort = (): void => dialling.abort(signal.reason)
    const ended = createLatch()
    const timeoutMs = identity.credentials()?.timeoutMs ?? options.sessionTimeoutMs
    server = formatServer(address)
    isAnnounced = false
    signal.addEventListener('abort', onAbort, { once: true })
    const limitMs = connectTimeoutMs(timeoutMs, addressCount(), identity.leftMs(startedAt))
    const opening = openConnection({
      ...deps,
      addresses,
      server: address,
      tls: options.tls,
      hello: identity.hello(),
      connectTimeoutMs: limitMs,
      maxFrameBytes: options.maxResponseBytes,
      signal: dialling.signal,
      onReply,
      onEvent: (event) => {
        counters.events++
        watches.dispatch(event)
      },
      onClose: (reason, unanswered) => {
        onClose(reason, unanswered, clock.monotonic() - startedAt, signal.aborted)
        ended.open(reason)
      },
    })
    const opened = await opening
      .then(async (result) => {
        if (result.kind === 'open') await greet(result.connection, limitMs)
        return result
      })
      .finally(() => signal.removeEventListener('abort', onAbort))
    if (opened.kind === 'refused') {
      identity.refused(server, true)
      note({ server, error: describeError(opened.reason) }, 'ZooKeeper refused the session')
      return 'slower'
    }
    if (opened.kind === 'expired') {
      const hadOne = identity.credentials() !== undefined
      expire(`Server "${server}" says that the session has expired`)
      return hadOne ? 'again' : 'slower'
    }
    if (connection === opened.connection) adopt(opened.connection)
    const searching = new AbortController()
    if (opened.connection.response.readOnly) void lookForWritable(opened.connection, searching.signal)
    const reason = await ended.passed(signal)
    searching.abort()
    if (reason === undefined) await leave(opened.connection)
    if (reason instanceof UnknownRequest && reason.opcode !== opcodes.setWatches) return 'again'
    if (reason instanceof WritableElsewhere) return 'next'
    features.forget(server)
    return clock.monotonic() - startedAt < usefulLifeMs ? 'slower' : 'next'
  }

  async function lookForWritable(from: Connection, signal: AbortSignal): Promise<void> {
    const found = await findWritable({ ...deps, addresses, servers, tls: options.tls }, signal)
    if (found === undefined || signal.aborted) return
    wanted = found
    from.destroy(new WritableElsewhere(server, formatServer(found)))
  }

  /** Says good-bye, so that ephemerals go at once, unless the session is to be resumed. Never waits for long. */
  async function leave(from: Connection): Promise<void> {
    if (!options.keepsSession) {
      const request = { what: 'Close session', opcode: opcodes.closeSession, read: () => undefined }
      const isOver = dispatcher.sendLast(request, Math.min(farewellMs, options.sessionTimeoutMs / 3))
      if (await isOver) identity.forget()
    }
    from.destroy(new UnavailableError('The ZooKeeper client is closed'))
  }

  async function run(signal: AbortSignal): Promise<void> {
    const nextServer = createRing(servers, deps.random)
    let address = nextServer()
    failures = 0
    identity.heard(clock.monotonic(), identity.confirmedAt())
    dispatcher.open()
    const onAbort = (): void => dispatcher.close()
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    while (!signal.aborted) {
      const why = identity.whyLost(clock.monotonic())
      if (why !== undefined) expire(why)
      const next = await connectOnce(address, signal).catch((error: unknown): Next => {
        if (!signal.aborted) noteFailure(error)
        return 'slower'
      })
      if (next === 'again') continue
      failures = next === 'slower' ? failures + 1 : 0
      address = wanted ?? nextServer()
      wanted = undefined
      const pauseMs = backOffMs(failures, addressCount(), deps.random())
      await clock.sleep(Math.min(identity.leftMs(clock.monotonic()), pauseMs), signal)
    }
    dispatcher.stop()
    announcer.announce({ state: 'closed' })
  }

  function noteFailure(error: unknown): void {
    if (error instanceof InvariantError) throw error
    if (error instanceof DecodeError) counters.malformedFrames++
    features.forget(server)
    identity.refused(server, false)
    note({ server, error: describeError(error) }, 'ZooKeeper not reached')
  }

  return {
    run,
    call: dispatcher.call,
    state: announcer.state,
    isStopping: dispatcher.isClosed,
    credentials: identity.credentials,
    confirmedUntil: () => {
      const session = identity.credentials()
      if (session === undefined || announcer.state() === 'expired') return undefined
      return (connection?.confirmedAt() ?? identity.confirmedAt()) + session.timeoutMs
    },
    onState: announcer.listen,
    watches,
    known: (feature) => features.known(server, feature),
    learn: (feature, isSupported) => features.learn(server, feature, isSupported),
    counters: () => ({ ...counters, requests: dispatcher.started() }),
  }
}
