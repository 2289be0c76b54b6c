import type { ZookeeperErrorCode } from './errors.ts'
import { succeed } from './layered-map.ts'
import { parentOf } from './paths.ts'
import { isSameNode, type TreeNode } from './tree-read.ts'

/** What one full reading found below a root. */
export interface Tree {
  readonly nodes: ReadonlyMap<string, TreeNode>
  readonly isRootMissing: boolean
  readonly unreadable: ReadonlyMap<string, ZookeeperErrorCode>
}

/** One complete look at a subtree; never changed, only replaced. */
export interface TreeView {
  /** Everything below the root by full path, directories included; the root itself is not. */
  readonly nodes: ReadonlyMap<string, TreeNode>
  /** The root does not exist: that is not the same as an empty root. */
  readonly isRootMissing: boolean
  /** What exists and cannot be read. What was known of it, and of all below it, before is kept in `nodes`. */
  readonly unreadable: ReadonlyMap<string, ZookeeperErrorCode>
  /** On the monotonic clock: when the reading began that this view is from, or that corrected it last. */
  readonly takenAt: number
  /** When the last full reading began. */
  readonly syncedAt: number
}

export interface TreeChange {
  readonly view: TreeView
  readonly added: readonly string[]
  /** Data written, or deleted and created again (then `czxid` differs). */
  readonly changed: readonly string[]
  readonly removed: readonly RemovedNode[]
  /** From a full reading: after a (re)connect and every few minutes; else from events. */
  readonly isFullSync: boolean
}

interface RemovedNode {
  readonly path: string
  readonly node: TreeNode
  /** An event on a healthy session said so; false: it was found missing afterwards. */
  readonly wasSeen: boolean
}

/** What became of some paths. */
export interface TreePatch {
  readonly read: ReadonlyMap<string, TreeNode>
  readonly gone: readonly string[]
  readonly unreadable: ReadonlyMap<string, ZookeeperErrorCode>
}

/** The view after a full reading, and how it differs from the one before. */
export function replaceTree(
  before: TreeView | undefined,
  tree: Tree,
  seenDeleted: ReadonlySet<string>,
  takenAt: number,
): TreeChange {
  const hidden = new Map<string, TreeNode>()
  const removed: RemovedNode[] = []
  const { added, changed } = compare(before?.nodes, tree.nodes)
  // As many as there should be: none is missing, and fifty thousand need not be looked for.
  const isNoneMissing = before === undefined || before.nodes.size + added.length === tree.nodes.size
  for (const [path, node] of isNoneMissing ? [] : before.nodes) {
    if (tree.nodes.has(path)) continue
    if (isHidden(path, tree.unreadable)) hidden.set(path, node)
    else removed.push({ path, node, wasSeen: seenDeleted.has(path) })
  }
  const nodes = hidden.size === 0 ? tree.nodes : succeed(tree.nodes, hidden, [])
  const view = { nodes, isRootMissing: tree.isRootMissing, unreadable: tree.unreadable, takenAt, syncedAt: takenAt }
  return { view, added, changed, removed, isFullSync: true }
}

/** The view after some paths were read again; undefined when nothing is different. */
export function patchView(
  before: TreeView,
  patch: TreePatch,
  seenDeleted: ReadonlySet<string>,
  takenAt: number,
): TreeChange | undefined {
  const { added, changed } = compare(before.nodes, patch.read)
  const removed = patch.gone.flatMap((path): readonly RemovedNode[] => {
    const node = before.nodes.get(path)
    return node === undefined ? [] : [{ path, node, wasSeen: seenDeleted.has(path) }]
  })
  const unreadable = new Map(before.unreadable)
  for (const path of [...patch.read.keys(), ...patch.gone]) unreadable.delete(path)
  for (const [path, code] of patch.unreadable) unreadable.set(path, code)
  const isSame =
    added.length + changed.length + removed.length === 0 &&
    unreadable.size === before.unreadable.size &&
    [...unreadable].every(([path, code]) => before.unreadable.get(path) === code)
  if (isSame) return undefined
  const gone = removed.map(({ path }) => path)
  const nodes = succeed(before.nodes, patch.read, gone)
  const view = { ...before, nodes, unreadable, takenAt }
  return { view, added, changed, removed, isFullSync: false }
}

function compare(before: ReadonlyMap<string, TreeNode> | undefined, after: ReadonlyMap<string, TreeNode>) {
  const added: string[] = []
  const changed: string[] = []
  for (const [path, node] of after) {
    const old = before?.get(path)
    if (old === undefined) added.push(path)
    else if (!isSameNode(old, node)) changed.push(path)
  }
  return { added, changed }
}

/** True when the znode, or something above it, exists and cannot be read. */
function isHidden(path: string, unreadable: ReadonlyMap<string, unknown>): boolean {
  if (unreadable.size === 0) return false
  for (let one = path; one !== '/'; one = parentOf(one)) if (unreadable.has(one)) return true
  return false
}
