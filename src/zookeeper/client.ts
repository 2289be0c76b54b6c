import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import type { CallOptions } from './calls.ts'
import { parseConnectString } from './connect-string.ts'
import { createContext } from './context.ts'
import { type DirectoryOptions, makeDirectories } from './directories.ts'
import type { Feature } from './features.ts'
import { type Resolve, systemResolve } from './hosts.ts'
import type { Auth } from './introduce.ts'
import { createNodeOperations, type NodeOperations } from './node-operations.ts'
import { permissions } from './opcodes.ts'
import { createProbe } from './probe.ts'
import type { Acl } from './records.ts'
import type { SaslCredentials } from './sasl.ts'
import { createSession, type ZookeeperCounters } from './session.ts'
import type { SessionCredentials, StateListener, ZookeeperState } from './state.ts'
import { createTransactions, type Transactions } from './transactions.ts'
import { createWatchOperations, type WatchOperations } from './watch-operations.ts'

export interface ZookeeperOptions {
  /** `host:port,[v6]:port/chroot`. */
  readonly connect: string
  /** Of the service; default `zookeeper`. */
  readonly name?: string
  /** What we ask for; the server decides. Default 10 s. */
  readonly sessionTimeoutMs?: number
  /** Of one request, waiting for a connection included; default the session timeout. */
  readonly requestTimeoutMs?: number
  /** A longer answer costs the connection; default 16 MiB. */
  readonly maxResponseBytes?: number
  /** Sent first on every connection. */
  readonly auth?: readonly Auth[]
  /** Of what is created without an ACL of its own; default open to all. */
  readonly defaultAcl?: readonly Acl[]
  /** Authenticates every connection by DIGEST-MD5, before watches and requests. */
  readonly sasl?: SaslCredentials
  /** TLS to the servers' secure ports; `cert` and `key` show who we are. */
  readonly tls?: TlsOptions
  /**
   * Default false. True: a server that is cut off from its ensemble and runs in read-only mode will do for reading, until
   * another is found; writes are then refused with NOT_READ_ONLY, and what is read may be old. Such a server takes
   * nobody who has a session with the whole ensemble: ours must have expired first.
   */
  readonly allowsReadOnly?: boolean
  /** Taken over if the server still has it; else there is a new session. */
  readonly savedSession?: SessionCredentials
  /** The end of `run` leaves the session and its ephemerals alone, so that a restart can take them over. */
  readonly keepsSession?: boolean
}

/** How an ensemble is reached, and as whom. */
export type EnsembleOptions = Pick<ZookeeperOptions, 'connect' | 'sessionTimeoutMs' | 'auth' | 'sasl' | 'tls'>

export interface ZookeeperDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly random?: () => number
  readonly resolve?: Resolve
}

/**
 * A ZooKeeper client that lives as long as `run`: it connects, stays connected, and makes a new session when one has
 * expired. Operations wait for a connection; each settles exactly once, at its deadline (UnavailableError with
 * `timedOut`) at the latest. A write whose connection is lost rejects with UnavailableError and may have happened; a
 * read is sent again. What waits when the session expires rejects with ZookeeperError SESSION_EXPIRED; what a server
 * answers with nonsense, or at too great length, rejects with DecodeError. Requests are sent in the order of the calls,
 * except a first `create`, `multi`, `multiRead`, `addWatch` on a server whose abilities are not known yet.
 */
export interface Zookeeper extends Service, NodeOperations, Transactions, WatchOperations {
  state(): ZookeeperState
  /** undefined while there is no session. A secret. */
  session(): SessionCredentials | undefined
  /**
   * Until when, on the monotonic clock, the server keeps the session for certain: the last answered request was sent
   * one session timeout before. undefined without a session.
   */
  confirmedUntil(): number | undefined
  /** Calls the listener at each change of state; the returned function ends that. */
  onState(listener: StateListener): () => void
  /** Whether the server at hand knows it; asks if need be, which costs an old server's connection, but not the session. */
  supports(feature: Feature, options?: CallOptions): Promise<boolean>
  /** Makes a znode without data and what is missing above it. */
  makeDirectories(path: string, options?: DirectoryOptions): Promise<void>
  /** Makes the chroot of the connect string if it is missing; without it every create fails with NO_NODE. */
  makeChroot(options?: DirectoryOptions): Promise<void>
  counters(): ZookeeperCounters
}

const openAcl: readonly Acl[] = [{ perms: permissions.all, scheme: 'world', id: 'anyone' }]
export const readAcl: readonly Acl[] = [{ perms: permissions.read, scheme: 'world', id: 'anyone' }]
/** Everything for whoever this session is authenticated as. */
export const creatorAcl: readonly Acl[] = [{ perms: permissions.all, scheme: 'auth', id: '' }]

export function isIdentified({ auth, sasl }: Pick<EnsembleOptions, 'auth' | 'sasl'>): boolean {
  return auth !== undefined || sasl !== undefined
}

/** Of a client whose znodes are for all to read, as Prometheus' own discovery cannot identify itself; whoever can, writes alone. */
export function readableByAll(options: EnsembleOptions): EnsembleOptions & Pick<ZookeeperOptions, 'defaultAcl'> {
  const { connect, sessionTimeoutMs, auth, sasl, tls } = options
  return {
    connect,
    ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
    ...(auth === undefined ? {} : { auth }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(tls === undefined ? {} : { tls }),
    ...(isIdentified(options) ? { defaultAcl: [...creatorAcl, ...readAcl] } : {}),
  }
}

/** @throws ConfigError when the connect string is wrong. */
export function createZookeeper(options: ZookeeperOptions, deps: ZookeeperDeps): Zookeeper {
  const { name = 'zookeeper', sessionTimeoutMs = 10_000, defaultAcl = openAcl } = options
  const target = parseConnectString(options.connect)
  const requestTimeoutMs = options.requestTimeoutMs ?? sessionTimeoutMs
  const session = createSession(
    {
      target,
      sessionTimeoutMs,
      requestTimeoutMs,
      maxResponseBytes: options.maxResponseBytes ?? 16 << 20,
      auth: options.auth ?? [],
      sasl: options.sasl,
      allowsReadOnly: options.allowsReadOnly ?? false,
      tls: options.tls,
      savedSession: options.savedSession,
      keepsSession: options.keepsSession ?? false,
    },
    {
      clock: deps.clock,
      logger: deps.logger.child({ component: name }),
      random: deps.random ?? Math.random,
      resolve: deps.resolve ?? systemResolve,
    },
  )
  const supports = createProbe(session, deps.clock)
  const common = { session, defaultAcl, requestTimeoutMs, clock: deps.clock, supports }
  const context = createContext({ ...common, chroot: target.chroot })
  const nodes = createNodeOperations(context)
  return {
    name,
    run: session.run,
    state: session.state,
    session: session.credentials,
    confirmedUntil: session.confirmedUntil,
    onState: session.onState,
    counters: session.counters,
    supports: (feature, callOptions = {}) => supports(feature, context.budget(callOptions)()),
    ...nodes,
    ...createTransactions(context, nodes),
    ...createWatchOperations(context),
    makeDirectories: (path, directoryOptions) => makeDirectories(nodes, path, directoryOptions),
    makeChroot: async (directoryOptions) => {
      if (target.chroot === '') return
      const unrooted = createNodeOperations(createContext({ ...common, chroot: '' }))
      await makeDirectories(unrooted, target.chroot, directoryOptions)
    },
  }
}
