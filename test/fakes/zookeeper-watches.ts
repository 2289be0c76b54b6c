import { eventTypes } from '../../src/zookeeper/opcodes.ts'
import { isWithin } from '../../src/zookeeper/paths.ts'
import type { SetWatches } from '../../src/zookeeper/records.ts'
import type { FakeTree, TreeEvent } from './zookeeper-tree.ts'

/** The watches of one connection, as a server keeps them. `notify` sends an event. */
export function createFakeWatches(tree: FakeTree, notify: (event: TreeEvent) => void) {
  const data = new Set<string>()
  const children = new Set<string>()
  const persistent = new Set<string>()
  const recursive = new Set<string>()

  return {
    data,
    children,
    persistent,
    recursive,
    fire: (event: TreeEvent): void => {
      const { type, path } = event
      let isDue = persistent.has(path)
      if (type !== eventTypes.childrenChanged) {
        isDue = data.delete(path) || isDue
        for (const root of recursive) if (isWithin(root, path)) isDue = true
      }
      if (type === eventTypes.childrenChanged || type === eventTypes.deleted) isDue = children.delete(path) || isDue
      if (isDue) notify(event)
    },
    /** Sets watches after a reconnect: what one-shot watches have missed is told at once; persistent ones miss it. */
    replay: (wanted: SetWatches): void => {
      const { relativeZxid } = wanted
      for (const path of wanted.data) {
        if (!tree.has(path)) notify({ type: eventTypes.deleted, path })
        else if (tree.stat(path).mzxid > relativeZxid) notify({ type: eventTypes.dataChanged, path })
        else data.add(path)
      }
      for (const path of wanted.exists) {
        if (tree.has(path)) notify({ type: eventTypes.created, path })
        else data.add(path)
      }
      for (const path of wanted.children) {
        if (!tree.has(path)) notify({ type: eventTypes.deleted, path })
        else if (tree.stat(path).pzxid > relativeZxid) notify({ type: eventTypes.childrenChanged, path })
        else children.add(path)
      }
      for (const path of wanted.persistent ?? []) persistent.add(path)
      for (const path of wanted.recursive ?? []) recursive.add(path)
    },
    /** True when there was one. */
    remove: (path: string): boolean =>
      [data, children, persistent, recursive].map((set) => set.delete(path)).includes(true),
    has: (path: string): boolean => [data, children, persistent, recursive].some((set) => set.has(path)),
  }
}

export type FakeWatches = ReturnType<typeof createFakeWatches>
