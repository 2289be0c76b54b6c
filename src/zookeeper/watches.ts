import { encode } from './jute.ts'
import { eventTypes, opcodes } from './opcodes.ts'
import { parentOf } from './paths.ts'
import { setWatches, type WatcherEvent } from './records.ts'

/**
 * What happened to a path. `children`: a child came or went. `lost`: the session is over or the server cannot watch;
 * nothing more will come, set the watch again.
 */
export interface WatchEvent {
  readonly type: 'created' | 'deleted' | 'changed' | 'children' | 'lost'
  readonly path: string
}

/** Called at most once for a one-shot watch; what it throws is logged and hurts nobody else. */
export type Watcher = (event: WatchEvent) => void

/** One-shot: `data`, `exists`, `children`. Lasting: `persistent`, `recursive` (server 3.6). */
export type WatchKind = 'data' | 'exists' | 'children' | 'persistent' | 'recursive'

export interface Watches {
  add(kind: WatchKind, path: string, watcher: Watcher): void
  /** True when it was the last watcher of this kind on this path. */
  remove(kind: WatchKind, path: string, watcher: Watcher): boolean
  /** Whether anybody watches this very path in any way. */
  has(path: string): boolean
  dispatch(event: WatcherEvent): void
  /** Requests that set all watches again on another connection, each at most 128 kB and made when it is asked for. */
  replay(relativeZxid: bigint): Iterable<{ readonly opcode: number; readonly packet: Buffer }>
  /** Tells every watcher of these kinds that it is lost and forgets it. */
  lose(kinds: readonly WatchKind[]): void
  size(): number
}

/** As the Java client, far below the 1 MB at which a server drops the connection (ZOOKEEPER-706). */
const maxPacketBytes = 128 * 1024
const overheadBytes = 64

const oneShotKinds = ['data', 'exists', 'children'] as const
export const lastingKinds = ['persistent', 'recursive'] as const
export const allKinds = [...oneShotKinds, ...lastingKinds] as const

const names: ReadonlyMap<number, WatchEvent['type']> = new Map([
  [eventTypes.created, 'created'],
  [eventTypes.deleted, 'deleted'],
  [eventTypes.dataChanged, 'changed'],
  [eventTypes.childrenChanged, 'children'],
])

/** Which one-shot watches an event uses up. */
const firedBy: Readonly<Record<WatchEvent['type'], readonly WatchKind[]>> = {
  created: ['data', 'exists'],
  changed: ['data', 'exists'],
  deleted: ['data', 'exists', 'children'],
  children: ['children'],
  lost: [],
}

/** All watches of one session, by the server's paths. `onError` gets what a watcher throws. */
export function createWatches(onError: (thrown: unknown) => void): Watches {
  const tables: Readonly<Record<WatchKind, Map<string, ReadonlySet<Watcher>>>> = {
    data: new Map(),
    exists: new Map(),
    children: new Map(),
    persistent: new Map(),
    recursive: new Map(),
  }

  /** Never changed, so that paths with the same single watcher share it: fifty thousand sets would cost more than the paths. */
  const alone = new WeakMap<Watcher, ReadonlySet<Watcher>>()
  function only(watcher: Watcher): ReadonlySet<Watcher> {
    const known = alone.get(watcher)
    if (known !== undefined) return known
    const made = new Set([watcher])
    alone.set(watcher, made)
    return made
  }

  function call(watchers: Iterable<Watcher> | undefined, event: WatchEvent): void {
    for (const watcher of watchers ?? []) {
      try {
        watcher(event)
      } catch (thrown) {
        onError(thrown)
      }
    }
  }

  return {
    add: (kind, path, watcher) => {
      const known = tables[kind].get(path)
      if (known === undefined) tables[kind].set(path, only(watcher))
      else if (!known.has(watcher)) tables[kind].set(path, new Set([...known, watcher]))
    },
    remove: (kind, path, watcher) => {
      const known = tables[kind].get(path)
      if (!known?.has(watcher)) return false
      const left = new Set(known)
      left.delete(watcher)
      if (left.size > 0) tables[kind].set(path, left)
      else tables[kind].delete(path)
      return left.size === 0
    },
    has: (path) => allKinds.some((kind) => tables[kind].has(path)),
    dispatch: ({ type, path }) => {
      const name = names.get(type)
      if (name === undefined) return
      const event: WatchEvent = { type: name, path }
      const due = new Set<Watcher>()
      for (const kind of firedBy[name]) {
        for (const watcher of tables[kind].get(path) ?? []) due.add(watcher)
        tables[kind].delete(path)
      }
      for (const watcher of tables.persistent.get(path) ?? []) due.add(watcher)
      if (name !== 'children' && tables.recursive.size > 0)
        for (const one of upwards(path)) for (const watcher of tables.recursive.get(one) ?? []) due.add(watcher)
      call(due, event)
    },
    replay: function* (relativeZxid) {
      for (const { data, exists, children, persistent, recursive } of inPackets(tables)) {
        const standard = { relativeZxid, data, exists, children }
        const hasLasting = persistent.length + recursive.length > 0
        const record = hasLasting ? { ...standard, persistent, recursive } : standard
        const opcode = hasLasting ? opcodes.setWatches2 : opcodes.setWatches
        yield { opcode, packet: encode((writer) => setWatches.write(writer, record), maxPacketBytes) }
      }
    },
    lose: (kinds) => {
      const lost = kinds.flatMap((kind) => {
        const entries = [...tables[kind]]
        tables[kind].clear()
        return entries
      })
      for (const [path, watchers] of lost) call(watchers, { type: 'lost', path })
    },
    size: () => allKinds.reduce((sum, kind) => sum + tables[kind].size, 0),
  }
}

/** The path and all above it. */
function* upwards(path: string): Generator<string> {
  let current = path
  for (;;) {
    yield current
    if (current === '/') return
    current = parentOf(current)
  }
}

type Packet = Readonly<Record<WatchKind, string[]>>

function* inPackets(tables: Readonly<Record<WatchKind, ReadonlyMap<string, unknown>>>): Generator<Packet> {
  let packet: Packet | undefined
  let room = 0
  for (const kind of allKinds)
    for (const path of tables[kind].keys()) {
      const bytes = Buffer.byteLength(path) + 4
      if (packet === undefined || bytes > room) {
        if (packet !== undefined) yield packet
        packet = { data: [], exists: [], children: [], persistent: [], recursive: [] }
        room = maxPacketBytes - overheadBytes
      }
      packet[kind].push(path)
      room -= bytes
    }
  if (packet !== undefined) yield packet
}
