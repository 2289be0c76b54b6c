import type { Ensemble } from '../../src/replicas/look-around.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { errorCodes, ZookeeperError } from '../../src/zookeeper/errors.ts'
import type { Stat } from '../../src/zookeeper/records.ts'
import type { StateChange, StateListener, ZookeeperState } from '../../src/zookeeper/state.ts'
import type { FakeClock } from '../fakes/clock.ts'

/** How often a client looks whether it must connect, ping or give up. */
const lookAgainMs = 120

interface Node {
  readonly data: Buffer
  readonly owner: bigint
  readonly czxid: bigint
}

type Nodes = ReadonlyMap<string, Node>

/**
 * What is left of a session's time-out at least, when a server has just answered: servers tell their leader every half
 * tick who spoke to them, a session has two ticks at least, and a leader that loses such a server counts from what it
 * was told last.
 */
const leastShare = 3 / 4

/**
 * ZooKeeper's promises about one directory, on a clock that the test moves: sessions with their time-outs, ephemerals,
 * one-shot watches, followers that lag behind until `sync`.
 */
export function createSimulatedEnsemble(clock: FakeClock, timeoutMs: number) {
  const sessions = new Map<bigint, { expiresAt: number }>()
  /** All states of the directory with the moment from which on each was true. */
  const history: { readonly at: number; readonly nodes: Nodes }[] = [{ at: 0, nodes: new Map() }]
  const watchers = new Set<() => void>()
  let zxid = 0n

  const present = (): Nodes => history.at(-1)?.nodes ?? new Map()

  function write(change: (nodes: Map<string, Node>) => void): void {
    const nodes = new Map(present())
    change(nodes)
    zxid++
    history.push({ at: clock.monotonic(), nodes })
    for (const fire of [...watchers]) fire()
  }

  function end(session: bigint): void {
    if (!sessions.delete(session)) return
    if ([...present().values()].some(({ owner }) => owner === session))
      write((nodes) => {
        for (const [name, { owner }] of nodes) if (owner === session) nodes.delete(name)
      })
  }

  return {
    timeoutMs,
    /** Ends the sessions whose time is over; the server looks at each of its ticks, so late rather than early. */
    tick: (): void => {
      for (const [id, { expiresAt }] of [...sessions]) if (clock.monotonic() > expiresAt) end(id)
    },
    open: (): bigint => {
      const id = BigInt(sessions.size + 1) + (++zxid << 8n)
      sessions.set(id, { expiresAt: clock.monotonic() + leastShare * timeoutMs })
      return id
    },
    end,
    /** False when there is no such session any more. */
    touch: (id: bigint): boolean => {
      const session = sessions.get(id)
      if (session === undefined) return false
      session.expiresAt = clock.monotonic() + leastShare * timeoutMs
      return true
    },
    create: (name: string, data: Uint8Array, owner: bigint): void => {
      if (present().has(name)) throw new ZookeeperError(`Create "${name}"`, errorCodes.NODE_EXISTS)
      write((nodes) => nodes.set(name, { data: Buffer.from(data), owner, czxid: zxid + 1n }))
    },
    /** As a server saw it that was up to date at that moment. */
    asOf: (moment: number): Nodes => history.findLast(({ at }) => at <= moment)?.nodes ?? new Map(),
    watchers,
  }
}

export type SimulatedEnsemble = ReturnType<typeof createSimulatedEnsemble>

export interface SimulatedProcess {
  readonly clock: Clock
  readonly client: Ensemble
  /** The network between this process and the servers. */
  isCut: boolean
  /** One way, in milliseconds. */
  latencyMs: number
  /** How far the server of this process is behind. */
  lagMs: number
  /** Stopped as by SIGSTOP: its time goes on and it does not notice. */
  freeze(): void
  thaw(): void
}

/** One process with its client: what it sends and hears goes through its own network and its own event loop. */
export function createSimulatedProcess(ensemble: SimulatedEnsemble, base: FakeClock): SimulatedProcess {
  const listeners = new Set<StateListener>()
  const held: (() => void)[] = []
  let isFrozen = false
  let state: ZookeeperState = 'connecting'
  let session: bigint | undefined
  let heardAt = 0
  /** What this client has seen at least: a server that is behind it would not take it. */
  let floor = 0
  let connection = 0

  /** Runs it in this process: at once, or when it is thawed. */
  function inside(work: () => void): void {
    if (isFrozen) held.push(work)
    else work()
  }

  const clock: Clock = {
    monotonic: base.monotonic,
    wall: base.wall,
    sleep: (ms, signal) => base.sleep(ms, signal).then(() => new Promise((resolve) => inside(resolve))),
  }

  function announce(change: StateChange): void {
    state = change.state
    for (const listener of [...listeners]) listener(change)
  }

  /** There and back. What is lost on its way, or to another connection, is answered at the deadline only. */
  function request<T>(
    what: string,
    waitMs: number,
    signal: AbortSignal | undefined,
    work: (id: bigint) => T,
  ): Promise<T> {
    const never = signal ?? new AbortController().signal
    return new Promise<T>((resolve, reject) => {
      const settled = new AbortController()
      const fail = (): void => reject(new UnavailableError(what, { timedOut: true }))
      void clock.sleep(waitMs, AbortSignal.any([never, settled.signal])).then(fail)
      void travel(work).then(
        (value) => {
          settled.abort()
          resolve(value)
        },
        (error: unknown) => {
          settled.abort()
          reject(error)
        },
      )
    })
  }

  async function travel<T>(work: (id: bigint) => T): Promise<T> {
    const never = new AbortController().signal
    const id = session
    const over = connection
    if (id === undefined || state !== 'connected') throw new UnavailableError('not connected')
    if (simulated.isCut) return new Promise<T>(() => undefined)
    await base.sleep(simulated.latencyMs, never)
    if (simulated.isCut || !ensemble.touch(id)) return new Promise<T>(() => undefined)
    let outcome: () => T
    try {
      const value = work(id)
      outcome = () => value
    } catch (error) {
      outcome = () => {
        throw error
      }
    }
    await base.sleep(simulated.latencyMs, never)
    if (simulated.isCut) return new Promise<T>(() => undefined)
    await new Promise<void>((resolve) => inside(resolve))
    if (over !== connection) throw new UnavailableError('the connection is another one')
    heardAt = base.monotonic()
    return outcome()
  }

  const seen = (): Nodes => {
    floor = Math.max(floor, base.monotonic() - simulated.lagMs)
    return ensemble.asOf(floor)
  }

  async function connect(): Promise<void> {
    const never = new AbortController().signal
    await clock.sleep(2 * simulated.latencyMs, never)
    if (simulated.isCut) return
    if (session !== undefined && !ensemble.touch(session)) {
      session = undefined
      announce({ state: 'expired', reason: new UnavailableError('expired') })
    }
    const isNewSession = session === undefined
    session ??= ensemble.open()
    heardAt = base.monotonic()
    connection++
    announce({ state: 'connected', sessionId: session, isNewSession, server: 'simulated' })
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (state !== 'connected') await connect()
      const silentMs = base.monotonic() - heardAt
      if (state === 'connected' && silentMs > (ensemble.timeoutMs * 2) / 3)
        announce({ state: 'connecting', reason: new UnavailableError('silence') })
      else if (state === 'connected' && silentMs > ensemble.timeoutMs / 3)
        void travel(() => undefined).catch(() => undefined)
      await clock.sleep(lookAgainMs, signal)
    }
    await farewell()
    announce({ state: 'closed' })
  }

  /** The server ends the session while its answer is still on its way. */
  async function farewell(): Promise<void> {
    const never = new AbortController().signal
    await clock.sleep(simulated.latencyMs, never)
    if (!simulated.isCut && session !== undefined) ensemble.end(session)
    await clock.sleep(simulated.latencyMs, never)
  }

  const client: Ensemble = {
    run,
    state: () => state,
    session: () =>
      session === undefined ? undefined : { id: session, password: Buffer.alloc(0), timeoutMs: ensemble.timeoutMs },
    onState: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    sync: (_, { timeoutMs = ensemble.timeoutMs, signal } = {}) =>
      request('sync', timeoutMs, signal, () => {
        floor = base.monotonic()
      }),
    create: (path, data, { timeoutMs = ensemble.timeoutMs, signal } = {}) =>
      request('create', timeoutMs, signal, (id) => {
        ensemble.create(nameOf(path), data, id)
        floor = base.monotonic()
        return { path, stat: undefined }
      }),
    getChildren: (_, { timeoutMs = ensemble.timeoutMs, signal, watch } = {}) =>
      request('list', timeoutMs, signal, () => {
        const over = connection
        const fire = (): void => {
          ensemble.watchers.delete(fire)
          void base.sleep(simulated.lagMs + simulated.latencyMs, new AbortController().signal).then(() => {
            if (!simulated.isCut && over === connection) inside(() => watch?.({ type: 'children', path: '/replicas' }))
          })
        }
        if (watch !== undefined) ensemble.watchers.add(fire)
        return { children: [...seen().keys()], stat: statOf(undefined) }
      }),
    multiRead: (items, { timeoutMs = ensemble.timeoutMs, signal } = {}) =>
      request('read', timeoutMs, signal, () =>
        items.map(({ path }) => {
          const node = seen().get(nameOf(path))
          return node === undefined
            ? { type: 'error', path, code: 'NO_NODE' }
            : { type: 'data', path, data: node.data, stat: statOf(node) }
        }),
      ),
    makeChroot: async () => undefined,
    makeDirectories: async () => undefined,
  }

  const simulated: SimulatedProcess = {
    clock,
    client,
    isCut: false,
    latencyMs: 0,
    lagMs: 0,
    freeze: () => {
      isFrozen = true
    },
    thaw: () => {
      isFrozen = false
      for (const work of held.splice(0)) work()
    },
  }
  return simulated
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function statOf(node: Node | undefined): Stat {
  const zero = { mzxid: 0n, ctime: 0n, mtime: 0n, version: 0, cversion: 0, aversion: 0, dataLength: 0, numChildren: 0 }
  return { ...zero, czxid: node?.czxid ?? 0n, pzxid: 0n, ephemeralOwner: node?.owner ?? 0n }
}
