import type { Zookeeper } from './client.ts'
import { errorNumber, isZookeeperError, ZookeeperError, type ZookeeperErrorCode } from './errors.ts'
import { childOf, parentOf } from './paths.ts'
import { createTreeReader, type TreeNode, toNode } from './tree-read.ts'
import type { Tree, TreePatch, TreeView } from './tree-view.ts'
import type { Watcher } from './watches.ts'

/** What events have named. */
interface Dirty {
  readonly nodes: ReadonlySet<string>
  /** Directories whose list of children has changed: one-shot watches only. */
  readonly lists: ReadonlySet<string>
}

export interface TreeRefresher {
  readAll(before: TreeView | undefined, isOneShot: boolean, signal: AbortSignal): Promise<Tree>
  readSome(before: TreeView, dirty: Dirty, isOneShot: boolean, signal: AbortSignal): Promise<TreePatch>
}

/**
 * Reads a watched subtree, in full or what events have named; with one-shot watches it sets them again.
 * @throws as the client's reads; ZookeeperError when the root exists and may not be read.
 */
export function createTreeRefresher(
  zookeeper: Zookeeper,
  root: string,
  includes: (path: string) => boolean,
  watch: Watcher,
): TreeRefresher {
  const reader = createTreeReader(zookeeper)
  const optionsFor = (isOneShot: boolean, signal: AbortSignal) => ({ signal, includes, ...(isOneShot && { watch }) })

  async function readAll(before: TreeView | undefined, isOneShot: boolean, signal: AbortSignal): Promise<Tree> {
    await zookeeper.sync(root, { signal }).catch((error: unknown) => {
      // A read-only server cannot catch up with anybody. What it has is better than nothing.
      if (!isZookeeperError(error, 'NOT_READ_ONLY')) throw error
    })
    const known = before === undefined ? {} : { known: before.nodes }
    const { nodes, missing, unreadable } = await reader.read([root], { ...optionsFor(isOneShot, signal), ...known })
    const refusal = unreadable.get(root)
    if (refusal !== undefined) throw new ZookeeperError(`Read "${root}"`, errorNumber(refusal))
    nodes.delete(root)
    const isRootMissing = missing.has(root)
    // There was nothing to set a watch on. It may have come in between: look again then.
    if (isRootMissing && isOneShot && (await zookeeper.exists(root, { watch, signal })) !== undefined)
      return readAll(before, isOneShot, signal)
    return { nodes, isRootMissing, unreadable }
  }

  async function readSome(before: TreeView, dirty: Dirty, isOneShot: boolean, signal: AbortSignal): Promise<TreePatch> {
    const options = optionsFor(isOneShot, signal)
    const read = new Map<string, TreeNode>()
    const unreadable = new Map<string, ZookeeperErrorCode>()
    const gone = new Set<string>()
    await reader.readData([...dirty.nodes], options, (result) => {
      const { path } = result
      if (result.type === 'data') read.set(path, toNode(result, before.nodes))
      else if (result.code === 'NO_NODE') gone.add(path)
      else unreadable.set(path, result.code)
    })
    const listed = await listAgain([...dirty.lists], options)
    for (const [path, code] of listed.unreadable) unreadable.set(path, code)
    const isKnown = (path: string): boolean => before.nodes.has(path) || read.has(path)
    const fresh = [...listed.present].filter((path) => !isKnown(path) && includes(path))
    const found = await reader.read(fresh, options)
    for (const [path, node] of found.nodes) read.set(path, node)
    for (const [path, code] of found.unreadable) unreadable.set(path, code)
    if (listed.directories.size > 0)
      for (const path of before.nodes.keys())
        if (listed.directories.has(parentOf(path)) && !listed.present.has(path)) gone.add(path)
    return { read, gone: [...gone], unreadable }
  }

  async function listAgain(paths: readonly string[], options: ReturnType<typeof optionsFor>) {
    const directories = new Set<string>()
    const present = new Set<string>()
    const unreadable = new Map<string, ZookeeperErrorCode>()
    const wanted = paths.map((path) => ({ path, numChildren: 0 }))
    await reader.list(wanted, options, (result) => {
      if (result.type === 'children') {
        directories.add(result.path)
        for (const name of result.children) present.add(childOf(result.path, name))
      } else if (result.code !== 'NO_NODE') unreadable.set(result.path, result.code)
    })
    return { directories, present, unreadable }
  }

  return { readAll, readSome }
}
