import type { Registration } from '../model/registration.ts'
import { turns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import type { SessionCredentials, StateChange } from '../zookeeper/state.ts'
import type { MemberPlacer, MemberPlacerDeps } from './member-placer.ts'
import type { MemberWriterDeps, PlacedMember } from './member-writer.ts'
import type { SavedSessions } from './session-file.ts'
import { createSessionSaver } from './session-saver.ts'
import { createSessionShard, type SessionShard } from './session-shard.ts'

/**
 * Keeps all our members in ZooKeeper, in as many sessions as they need. A member stays in the session in which it was
 * written first until its znode is gone; when that session is lost, another one may put it back.
 */
export interface SessionShards
  extends Pick<MemberPlacer, 'touch' | 'settle' | 'end' | 'sweep' | 'bury' | 'isLeaving' | 'placed' | 'forget'> {
  /** Its session is there always. */
  readonly first: Zookeeper
  /** It is there already: written by one of our sessions before this process began. */
  adopt(member: PlacedMember, session: bigint): void
  /** True for a session of this process, or of the one before. */
  isOurs(session: bigint): boolean
  /** Something of it is in ZooKeeper, or shall be. */
  has(id: string): boolean
  /** What a registration takes of the room. */
  bytesOf(registration: Registration): number
  hasRoomFor(bytes: number): boolean
  /** The tree has been read: from now on something may be written. */
  wake(): void
  counters(): ShardCounters
  run(signal: AbortSignal): Promise<void>
}

export interface ShardCounters {
  /** Open now. */
  readonly sessions: number
  readonly members: number
  /** Of all members, in all sessions. */
  readonly pathBytes: number
  /** Of which one more registration would be refused. */
  readonly mostPathBytes: number
  /** Sessions lost since the start. */
  readonly expiries: number
}

export interface SessionShardsDeps extends MemberWriterDeps {
  /** Stands before every path in ZooKeeper. */
  readonly chroot: string
  /** Of the process before. */
  readonly saved: SavedSessions
  /** A client for the session `number`, counted from 1: a saved one, or a new one. */
  readonly open: (number: number, saved: SessionCredentials | undefined) => Zookeeper
  /** Resolves when a later process can take these sessions over; nothing is written with them before. */
  readonly save: (sessions: SavedSessions) => Promise<void>
  readonly mayWrite: () => boolean
  /** The registration that shall be in ZooKeeper for an id. */
  readonly wanted: (id: string) => Registration | undefined
  readonly isUndecided: MemberPlacerDeps['isUndecided']
  readonly onPlaced: (id: string) => void
  /** Their session is lost, and with it all that was written. */
  readonly onExpired: (ids: readonly string[]) => void
  readonly limits?: Partial<ShardLimits>
  readonly clock: Clock
  readonly logger: Logger
}

export interface ShardLimits {
  /**
   * ZooKeeper logs the end of a session with all its ephemerals in one transaction, and with 2 MB of paths it cannot read
   * its own log any more (ZOOKEEPER-4306).
   */
  readonly pathBytes: number
  /** A server takes 60 connections from one address (`maxClientCnxns`), and others want some too. */
  readonly sessions: number
}

const defaultLimits: ShardLimits = { pathBytes: 512 * 1024, sessions: 48 }
const idleTickMs = 60_000
const mostIdleTicks = 5
/** Sessions that are remembered after their end. */
const mostEarlier = 256

interface Room {
  readonly shard: SessionShard
  bytes: number
  idleTicks: number
  /** From the end of a session to the beginning of the next: nothing of it stands. */
  isLost: boolean
}

/** Where a member is, or shall be. */
interface Place {
  readonly room: Room
  readonly bytes: number
}

export function createSessionShards(deps: SessionShardsDeps): SessionShards {
  const { chroot, wanted, clock } = deps
  const limits = { ...defaultLimits, ...deps.limits }
  const rooms: Room[] = []
  const places = new Map<string, Place>()
  const ours = new Set([...deps.saved.earlier, ...deps.saved.open.map(({ id }) => id)])
  const saver = createSessionSaver(saveNow, deps.saved.open, () =>
    rooms.flatMap(({ shard }) => shard.zookeeper.session() ?? []),
  )
  const turn = turns()
  let expiries = 0
  let opened = 0
  let launch: (room: Room) => void = () => undefined

  function saveNow(open: readonly SessionCredentials[]): Promise<void> {
    const now = new Set(open.map(({ id }) => id))
    return deps.save({ open, earlier: [...ours].filter((id) => !now.has(id)).slice(-mostEarlier) })
  }

  function open(saved: SessionCredentials | undefined): Room {
    const zookeeper = deps.open(++opened, saved)
    const room: Room = {
      bytes: 0,
      idleTicks: 0,
      isLost: false,
      shard: createSessionShard(zookeeper, {
        ...deps,
        turn,
        wanted: (id) => (places.get(id)?.room === room ? wanted(id) : undefined),
        isUndecided: (id) => (places.get(id)?.room ?? room) !== room || deps.isUndecided(id),
        onGone: (id) => leave(room, id),
        mayWrite: () => deps.mayWrite() && saver.has(zookeeper.session()),
        onState: (change) => onState(room, change),
      }),
    }
    rooms.push(room)
    launch(room)
    return room
  }

  function onState(room: Room, change: StateChange): void {
    const { placer, zookeeper } = room.shard
    if (change.state === 'expired') {
      expiries++
      room.isLost = true
      placer.forgetAll()
      const lost: string[] = []
      for (const [id, place] of places) if (place.room === room) lost.push(id)
      deps.onExpired(lost)
    }
    const session = zookeeper.session()
    if (change.state !== 'connected' || session === undefined) return
    room.isLost = false
    ours.add(session.id)
    void saver.save().then(placer.wake)
  }

  const bytesOf = (one: Registration): number => chroot.length + first.writer.pathOf(one).length

  /** The first session with room, so that the last ones become empty. */
  function roomFor(bytes: number): Room {
    const free = rooms.filter((room) => room.bytes + bytes <= limits.pathBytes)
    const [best = free[0]] = free.filter(({ isLost }) => !isLost)
    // While all are lost another one would be no better.
    const isHopeless = rooms.length > 0 && rooms.every(({ isLost }) => isLost)
    if (best !== undefined && (!best.isLost || isHopeless)) return best
    if (rooms.length < limits.sessions) return open(undefined)
    return best ?? rooms.reduce((a, b) => (b.bytes < a.bytes ? b : a))
  }

  /** Where a member is or shall be: in the session that has it, as long as there is that session. */
  function place(one: Registration, at?: Room): Room {
    const bytes = bytesOf(one)
    const before = places.get(one.id)
    if (before?.bytes === bytes && !before.room.isLost) return before.room
    const room = before?.room.isLost === false ? before.room : (at ?? roomFor(bytes))
    if (before !== undefined) before.room.bytes -= before.bytes
    room.bytes += bytes
    places.set(one.id, { room, bytes })
    if (before !== undefined && before.room !== room) before.room.shard.placer.handOver(one.id)
    return room
  }

  function leave(room: Room, id: string): void {
    const gone = places.get(id)
    if (gone?.room !== room) return
    room.bytes -= gone.bytes
    places.delete(id)
  }

  const placerOf = (id: string): MemberPlacer => (places.get(id)?.room.shard ?? first).placer

  function touch(id: string): void {
    const one = wanted(id)
    if (one !== undefined) place(one)
    placerOf(id).touch(id)
  }

  /** All but the first: nobody else needs them. */
  function closeIdle(): void {
    for (const room of rooms.slice(1)) {
      room.idleTicks = room.bytes === 0 ? room.idleTicks + 1 : 0
      if (room.idleTicks < mostIdleTicks) continue
      room.shard.close()
      rooms.splice(rooms.indexOf(room), 1)
      void saver.save()
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController()
    const both = AbortSignal.any([signal, stop.signal])
    const running = new Set<Promise<void>>()
    const failures: unknown[] = []
    launch = ({ shard }) => {
      const ended = shard.run(both).catch((error: unknown) => {
        failures.push(error)
        stop.abort()
      })
      running.add(ended)
      void ended.then(() => running.delete(ended))
    }
    for (const room of rooms) launch(room)
    await poll({ intervalMs: idleTickMs, clock }, both, async () => closeIdle())
    launch = () => undefined
    await Promise.all(running)
    await saver.done()
    if (failures.length > 0) throw failures[0]
  }

  for (const saved of deps.saved.open.slice(0, limits.sessions)) open(saved)
  const { shard: first } = rooms[0] ?? open(undefined)

  return {
    first: first.zookeeper,
    touch,
    settle: async (ids) => {
      const byPlacer = new Map<MemberPlacer, string[]>()
      for (const id of ids) {
        if (places.get(id)?.room.isLost === true) touch(id)
        const placer = placerOf(id)
        const some = byPlacer.get(placer)
        if (some === undefined) byPlacer.set(placer, [id])
        else some.push(id)
      }
      await Promise.all(Array.from(byPlacer, ([placer, some]) => placer.settle(some)))
    },
    end: (registration) => place(registration).shard.placer.end(registration),
    sweep: first.placer.sweep,
    bury: first.placer.bury,
    isLeaving: (path) => rooms.some(({ shard }) => shard.placer.isLeaving(path)),
    has: (id) => places.has(id),
    placed: (id) => placerOf(id).placed(id),
    forget: (id) => placerOf(id).forget(id),
    adopt: (member, session) => {
      const room = rooms.find(({ shard }) => shard.zookeeper.session()?.id === session)
      if (room !== undefined && place(member.registration, room) === room) room.shard.placer.adopt(member)
    },
    isOurs: (session) => ours.has(session),
    bytesOf,
    hasRoomFor: (bytes) => used() + bytes <= limits.sessions * limits.pathBytes,
    wake: () => {
      for (const { shard } of rooms) shard.placer.wake()
    },
    counters: () => ({
      sessions: rooms.length,
      members: rooms.reduce((sum, { shard }) => sum + shard.placer.size(), 0),
      pathBytes: used(),
      mostPathBytes: limits.sessions * limits.pathBytes,
      expiries,
    }),
    run,
  }

  function used(): number {
    return rooms.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}
