import type { Zookeeper } from '../zookeeper/client.ts'
import type { ZookeeperErrorCode } from '../zookeeper/errors.ts'
import type { Stat } from '../zookeeper/records.ts'
import { createTreeReader } from '../zookeeper/tree-read.ts'

/** One look at directories of ZooKeeper. */
export interface DirectoryLook {
  /** The names in those directories that exist. Of one that cannot be listed now, those that were seen last. */
  children(paths: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>
  /** Of those that exist. */
  stats(paths: readonly string[]): Promise<ReadonlyMap<string, Stat>>
  /** What exists and could not be read or listed. */
  readonly unreadable: ReadonlyMap<string, ZookeeperErrorCode>
  /** Why nothing is known of the names in a directory that exists. */
  whyUnseen(path: string): ZookeeperErrorCode | undefined
}

/** Directories of ZooKeeper whose names are listed only when they have changed. */
export interface Directories {
  /** Remembers what `work` looked at, and nothing else. @throws as the client's reads */
  look<T>(signal: AbortSignal, work: (look: DirectoryLook) => Promise<T>): Promise<T>
}

/** The names in a directory, and the change that they are of. */
interface Listing {
  readonly czxid: bigint
  readonly pzxid: bigint
  readonly cversion: number
  readonly children: readonly string[]
}

export function createDirectories(zookeeper: Zookeeper): Directories {
  const reader = createTreeReader(zookeeper)
  let known: ReadonlyMap<string, Listing> = new Map()

  function begin(signal: AbortSignal, seen: Map<string, Listing>): DirectoryLook {
    const unreadable = new Map<string, ZookeeperErrorCode>()

    async function stats(paths: readonly string[]): Promise<ReadonlyMap<string, Stat>> {
      const found = new Map<string, Stat>()
      await reader.readData(paths, { signal }, (result) => {
        if (result.type === 'data') found.set(result.path, result.stat)
        else if (result.code !== 'NO_NODE') unreadable.set(result.path, result.code)
      })
      return found
    }

    async function children(paths: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
      const found = await stats(paths)
      const changed: { path: string; numChildren: number }[] = []
      for (const [path, stat] of found) {
        const old = known.get(path)
        if (old !== undefined && isSame(old, stat)) seen.set(path, old)
        else if (stat.numChildren === 0) seen.set(path, listing(stat, []))
        else changed.push({ path, numChildren: stat.numChildren })
      }
      await reader.list(changed, { signal }, (result) => {
        const stat = found.get(result.path)
        // The list may be younger than the stat: the next look will see that.
        if (result.type === 'children' && stat !== undefined) seen.set(result.path, listing(stat, result.children))
        else if (result.type === 'error' && result.code !== 'NO_NODE') unreadable.set(result.path, result.code)
      })
      const names = new Map<string, readonly string[]>()
      for (const path of paths) {
        const old = known.get(path)
        if (old !== undefined && unreadable.has(path)) seen.set(path, old)
        const now = seen.get(path)
        if (now !== undefined) names.set(path, now.children)
      }
      return names
    }

    return {
      children,
      stats,
      unreadable,
      whyUnseen: (path) => (seen.has(path) ? undefined : unreadable.get(path)),
    }
  }

  return {
    look: async (signal, work) => {
      const seen = new Map<string, Listing>()
      try {
        const result = await work(begin(signal, seen))
        known = seen
        return result
      } catch (error) {
        // A look that was cut short has not been in vain: the next one goes on from here.
        known = new Map([...known, ...seen])
        throw error
      }
    },
  }
}

function listing({ czxid, pzxid, cversion }: Stat, children: readonly string[]): Listing {
  return { czxid, pzxid, cversion, children }
}

function isSame(old: Listing, stat: Stat): boolean {
  const isUnchanged = old.pzxid === stat.pzxid && old.cversion === stat.cversion && old.czxid === stat.czxid
  return isUnchanged && old.children.length === stat.numChildren
}
