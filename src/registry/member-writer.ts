import type { Registration } from '../model/registration.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { encodeMember, type Held, readHeld } from '../targets/member-document.ts'
import { memberFolder, memberPath } from '../targets/member-name.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import { isZookeeperError, unless, ZookeeperError } from '../zookeeper/errors.ts'
import type { Stat } from '../zookeeper/records.ts'
import type { MultiOperation } from '../zookeeper/transactions.ts'
import type { Handover } from './handovers.ts'

/** A member as it stands in ZooKeeper, written by our present session. */
export interface PlacedMember {
  readonly path: string
  readonly registration: Registration
  readonly czxid: bigint
  readonly mzxid: bigint
}

/** A znode as it was looked at: `mzxid` of its last write. */
export interface SeenZnode {
  readonly path: string
  readonly mzxid: bigint
}

/** Writes members as ephemerals of our session. Every call may be repeated after a failure, whatever it had come to. */
export interface MemberWriter {
  pathOf(registration: Registration): string
  /** New members in few requests; those among them that are in the way of nothing. undefined: do them one by one. */
  createAll(many: readonly Registration[]): Promise<readonly PlacedMember[] | undefined>
  /** One member, whatever stands at its path: ours is brought up to date, another session's is taken over. */
  place(one: Registration, earlier: PlacedMember | undefined): Promise<PlacedMember>
  /**
   * Says to all readers that the end was announced, also where there is no znode: its replica may have taken it away
   * because it was lost, and list it still. undefined: the znode is another session's, and goes with its replica.
   */
  markStopped(one: Registration): Promise<SeenZnode | undefined>
  /** Deletes a znode if it belongs to our session. */
  remove(path: string): Promise<void>
  /** Deletes a znode whoever it belongs to, unless it was written again. */
  removeSeen(seen: SeenZnode): Promise<void>
  /** Resolves when the server has answered. */
  ask(): Promise<unknown>
}

const attempts = 5

export interface MemberWriterDeps {
  readonly root: string
  /** Who writes, for the others to know. */
  readonly held: (one: Registration) => Held | undefined
  /** What stands there is another's, and is about to be taken over, or marked as ended. It may be told again. */
  readonly onHandover: (handover: Handover) => void
}

export function createMemberWriter(zookeeper: Zookeeper, { root, held, onHandover }: MemberWriterDeps): MemberWriter {
  const folders = new Set<string>()
  const pathOf = (one: Registration): string => `${root}/${memberPath(one, one.incarnation)}`
  const folderOf = (one: Registration): string => `${root}/${memberFolder(one)}`

  function sessionId(): bigint {
    const id = zookeeper.session()?.id
    if (id === undefined) throw new UnavailableError('Write members: there is no ZooKeeper session')
    return id
  }

  /** What was written belongs to a session that is gone already. */
  function checkSession(before: bigint): void {
    if (zookeeper.session()?.id !== before)
      throw new UnavailableError('Write members: the ZooKeeper session expired meanwhile')
  }

  async function makeFolder(folder: string): Promise<void> {
    if (folders.has(folder)) return
    // Containers go by themselves when their last member has gone; the root must not.
    await zookeeper.makeDirectories(folder, { mode: 'container' })
    folders.add(folder)
  }

  function creation(one: Registration): MultiOperation {
    return { type: 'create', path: pathOf(one), data: encodeMember(one, 'ALIVE', held(one)), mode: 'ephemeral' }
  }

  function placed(one: Registration, { czxid, mzxid }: Stat): PlacedMember {
    return { path: pathOf(one), registration: one, czxid, mzxid }
  }

  /** Whose it is cannot be seen from a look at the tree, which may be seconds old when there is much to see. */
  async function look(one: Registration, isMarked: boolean): Promise<Stat | undefined> {
    const there = await unlessGone(zookeeper.getData(pathOf(one)))
    if (there === undefined || there.stat.ephemeralOwner === sessionId()) return there?.stat
    const from = readHeld(there.data)
    if (from !== undefined) onHandover({ id: one.id, from, isMarked })
    return there.stat
  }

  /** One look and one write; undefined when something changed in between. */
  async function tryPlace(one: Registration, earlier: PlacedMember | undefined): Promise<PlacedMember | undefined> {
    const session = sessionId()
    const path = pathOf(one)
    await makeFolder(folderOf(one))
    const there = await look(one, false)
    let stat: Stat | undefined
    if (there?.ephemeralOwner === session) stat = await zookeeper.setData(path, encodeMember(one, 'ALIVE', held(one)))
    else {
      const older = earlier !== undefined && earlier.path !== path && (await zookeeper.exists(earlier.path))
      // One step, so that no reader ever sees the identity without a member.
      await zookeeper.multi([
        ...(there === undefined ? [] : [{ type: 'delete', path, version: there.version } as const]),
        ...(older ? [{ type: 'delete', path: earlier.path, version: older.version } as const] : []),
        creation(one),
      ])
      stat = await zookeeper.exists(path)
    }
    checkSession(session)
    return stat?.ephemeralOwner === session ? placed(one, stat) : undefined
  }

  return {
    pathOf,
    createAll: async (many) => {
      const session = sessionId()
      // An old server does not answer with the stat of what it made.
      if (!(await zookeeper.supports('create2'))) return undefined
      try {
        await Promise.all(Array.from(new Set(many.map(folderOf)), makeFolder))
        const results = await zookeeper.multi(many.map(creation))
        checkSession(session)
        const made = results.flatMap((result, index) =>
          result.type === 'create' && result.stat !== undefined ? [placed(many[index]!, result.stat)] : [],
        )
        return made.length === many.length ? made : undefined
      } catch (error) {
        if (error instanceof ZookeeperError && error.code !== 'SESSION_EXPIRED') return undefined
        throw error
      }
    },
    place: async (one, earlier) => {
      let last: unknown
      for (let attempt = 0; attempt < attempts; attempt++) {
        try {
          const done = await tryPlace(one, earlier)
          if (done !== undefined) return done
        } catch (error) {
          if (!isRace(error)) throw error
          last = error
          folders.delete(folderOf(one))
        }
      }
      throw new UnavailableError(`Write member "${pathOf(one)}": others keep changing it`, { cause: last })
    },
    markStopped: async (one) => {
      const [path, data] = [pathOf(one), encodeMember(one, 'STOPPED', held(one))]
      for (let attempt = 0; attempt < attempts; attempt++) {
        const there = await look(one, true)
        const stat = there && (await unlessGone(zookeeper.setData(path, data, { version: there.version })))
        if (stat !== undefined) return stat.ephemeralOwner === sessionId() ? { path, mzxid: stat.mzxid } : undefined
        if (there !== undefined) continue
        try {
          await makeFolder(folderOf(one))
          await zookeeper.create(path, data, { mode: 'ephemeral' })
        } catch (error) {
          if (!isRace(error)) throw error
          folders.delete(folderOf(one))
        }
      }
      throw new UnavailableError(`Mark the end of member "${path}": others keep changing it`)
    },
    remove: async (path) => {
      const there = await zookeeper.exists(path)
      if (there?.ephemeralOwner === sessionId()) await unlessGone(zookeeper.delete(path, { version: there.version }))
    },
    removeSeen: async ({ path, mzxid }) => {
      const there = await zookeeper.exists(path)
      if (there?.mzxid === mzxid) await unlessGone(zookeeper.delete(path, { version: there.version }))
    },
    ask: () => zookeeper.exists(root),
  }
}

/** Somebody was faster: look again. */
function isRace(error: unknown): boolean {
  return (['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION'] as const).some((code) => isZookeeperError(error, code))
}

function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  return unless(['NO_NODE', 'BAD_VERSION'], work)
}
