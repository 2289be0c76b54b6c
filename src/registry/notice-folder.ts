import { breather } from '../runtime/breathe.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import { unless } from '../zookeeper/errors.ts'
import { decodeNotice, encodeNotice, fillNotice, type Over } from './notice.ts'

/** A notice as it was read: one to which something was added since is another one. */
export interface SeenNotice {
  readonly path: string
  readonly version: number
}

export interface ReadNotices {
  readonly over: Over
  readonly notices: readonly SeenNotice[]
}

/**
 * The znodes `/notices/<replica>/notice-<number>`, in which replicas tell one that is away what it cannot see. Unlike its
 * members they outlive every session; who was told deletes them.
 */
export interface NoticeFolder {
  /** Adds what fits to the notice that was begun, or begins another. Returns the records that are told. */
  add(replica: string, over: Over, signal: AbortSignal): Promise<readonly number[]>
  /** All that can be read; what is spoilt has a line in the log. */
  read(replica: string, signal: AbortSignal): Promise<ReadNotices>
  look(replica: string, signal: AbortSignal): Promise<readonly SeenNotice[]>
  discard(notices: readonly SeenNotice[], signal: AbortSignal): Promise<void>
  /** Deletes what nobody has fetched: notices that are older than `before` (milliseconds since 1970) and empty folders. */
  sweep(before: number, signal: AbortSignal): Promise<void>
}

const root = '/notices'
/** With 32 KiB each: what a hundred thousand registrations need, and half as much again. */
const mostNotices = 512
/** Replicas to whom we are writing; a stranger's znodes may name any number. */
const mostBegun = 64

interface Begun extends SeenNotice {
  readonly over: Over
}

export function createNoticeFolder(zookeeper: Zookeeper, logger: Logger): NoticeFolder {
  const begun = new Map<string, Begun>()
  const full = new Set<string>()
  const folderOf = (replica: string): string => `${root}/${encodeURIComponent(replica)}`

  async function begin(replica: string, over: Over, signal: AbortSignal): Promise<Begun | undefined> {
    const folder = folderOf(replica)
    const there = await zookeeper.exists(folder, { signal })
    if ((there?.numChildren ?? 0) >= mostNotices) {
      if (!full.has(replica))
        logger.warn({ replica, notices: mostNotices }, 'Replica that is away has too many notices')
      full.add(replica)
      return undefined
    }
    full.delete(replica)
    // A container goes by itself when the last notice has been fetched.
    if (there === undefined) await makeFolder(folder, signal)
    const mode = 'persistent_sequential'
    const { path, stat } = await zookeeper.create(`${folder}/notice-`, encodeNotice(over), { mode, signal })
    return { path, version: stat?.version ?? 0, over }
  }

  async function makeFolder(folder: string, signal: AbortSignal): Promise<void> {
    await zookeeper.makeDirectories(root, { signal })
    await zookeeper.makeDirectories(folder, { mode: 'container', signal })
  }

  /** undefined: there is no room in it, or it was fetched. */
  async function append(last: Begun, coming: Over, signal: AbortSignal): Promise<Begun | undefined> {
    const over = fillNotice(last.over, coming)
    if (over.size === last.over.size) return [...coming.keys()].every((record) => over.has(record)) ? last : undefined
    const written = zookeeper.setData(last.path, encodeNotice(over), { version: last.version, signal })
    const stat = await unless(['NO_NODE', 'BAD_VERSION'], written)
    return stat === undefined ? undefined : { path: last.path, version: stat.version, over }
  }

  async function childrenOf(path: string, signal: AbortSignal): Promise<readonly string[]> {
    const found = await unless(['NO_NODE'], zookeeper.getChildren(path, { signal }))
    return (found?.children ?? []).map((child) => `${path}/${child}`)
  }

  async function remove(path: string, version: number | undefined, signal: AbortSignal): Promise<void> {
    const options = version === undefined ? { signal } : { version, signal }
    await unless(['NO_NODE', 'BAD_VERSION', 'NOT_EMPTY'], zookeeper.delete(path, options))
  }

  async function sweepFolder(folder: string, before: number, signal: AbortSignal): Promise<void> {
    let left = 0
    for (const path of await childrenOf(folder, signal)) {
      const stat = await zookeeper.exists(path, { signal })
      if (stat === undefined) continue
      if (Number(stat.mtime) < before) await remove(path, stat.version, signal)
      else left++
    }
    // Before 3.5 there are no containers.
    if (left === 0) await remove(folder, undefined, signal)
  }

  return {
    add: async (replica, over, signal) => {
      // As a name of a znode it would be another one.
      if (/^\.{0,2}$/.test(replica)) return [...over.keys()]
      const last = begun.get(replica)
      const now =
        (last && (await append(last, over, signal))) ??
        (await unless(['NO_NODE'], begin(replica, fillNotice(new Map(), over), signal)))
      begun.delete(replica)
      if (now === undefined) return full.has(replica) ? [...over.keys()] : []
      begun.set(replica, now)
      const [oldest] = begun.keys()
      if (begun.size > mostBegun && oldest !== undefined) begun.delete(oldest)
      return [...now.over.keys()].filter((record) => over.has(record))
    },
    read: async (replica, signal) => {
      const breathe = breather()
      const over = new Map<number, string>()
      const notices: SeenNotice[] = []
      for (const path of await childrenOf(folderOf(replica), signal)) {
        const found = await unless(['NO_NODE'], zookeeper.getData(path, { signal }))
        if (found === undefined) continue
        const told = decodeNotice(found.data)
        if ('why' in told) logger.warn({ path, why: told.why }, 'Notice of another replica cannot be read')
        else {
          for (const [record, id] of told) over.set(record, id)
          notices.push({ path, version: found.stat.version })
        }
        await breathe()
      }
      return { over, notices }
    },
    look: async (replica, signal) => {
      const seen: SeenNotice[] = []
      for (const path of await childrenOf(folderOf(replica), signal)) {
        const stat = await zookeeper.exists(path, { signal })
        if (stat !== undefined) seen.push({ path, version: stat.version })
      }
      return seen
    },
    discard: async (notices, signal) => {
      for (const { path, version } of notices) await remove(path, version, signal)
    },
    sweep: async (before, signal) => {
      for (const folder of await childrenOf(root, signal))
        await unless(['NO_AUTH'], sweepFolder(folder, before, signal))
    },
  }
}
