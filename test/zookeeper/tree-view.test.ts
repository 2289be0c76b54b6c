import { describe, expect, it } from 'vitest'
import type { TreeNode } from '../../src/zookeeper/tree-read.ts'
import { patchView, replaceTree, type Tree, type TreeView } from '../../src/zookeeper/tree-view.ts'

const node = (mzxid: number, czxid = 1): TreeNode => ({
  data: Buffer.from(String(mzxid)),
  version: 0,
  czxid: BigInt(czxid),
  mzxid: BigInt(mzxid),
  ephemeralOwner: 0n,
})
const none: ReadonlySet<string> = new Set()

function tree(nodes: Record<string, TreeNode>, unreadable: Record<string, 'NO_AUTH'> = {}): Tree {
  return {
    nodes: new Map(Object.entries(nodes)),
    isRootMissing: false,
    unreadable: new Map(Object.entries(unreadable)),
  }
}

function viewOf(nodes: Record<string, TreeNode>): TreeView {
  return replaceTree(undefined, tree(nodes), none, 5).view
}

describe('replaceTree()', () => {
  it('reports everything as added the first time', () => {
    const change = replaceTree(undefined, tree({ '/r/a': node(1), '/r/b': node(2) }), none, 7)

    expect(change).toMatchObject({ added: ['/r/a', '/r/b'], changed: [], removed: [], isFullSync: true })
    expect(change.view).toMatchObject({ takenAt: 7, syncedAt: 7, isRootMissing: false })
  })

  it('tells written, re-created, new and vanished znodes apart', () => {
    const before = viewOf({ '/r/same': node(1), '/r/written': node(2), '/r/again': node(3, 3), '/r/gone': node(4) })

    const change = replaceTree(
      before,
      tree({ '/r/same': node(1), '/r/written': node(9), '/r/again': node(3, 8), '/r/new': node(7) }),
      new Set(['/r/other']),
      8,
    )

    expect(change).toMatchObject({
      added: ['/r/new'],
      changed: ['/r/written', '/r/again'],
      removed: [{ path: '/r/gone', wasSeen: false, node: node(4) }],
    })
  })

  it('says which of the vanished an event has announced', () => {
    const { removed } = replaceTree(viewOf({ '/r/a': node(1) }), tree({}), new Set(['/r/a']), 8)

    expect(removed).toMatchObject([{ path: '/r/a', wasSeen: true }])
  })

  it('keeps what was known of a part that may not be read any more', () => {
    const before = viewOf({ '/r/d': node(1), '/r/d/a': node(2), '/r/e': node(3) })

    const { view, removed } = replaceTree(before, tree({}, { '/r/d': 'NO_AUTH' }), none, 8)

    expect([...view.nodes.keys()]).toEqual(['/r/d', '/r/d/a'])
    expect([...view.unreadable]).toEqual([['/r/d', 'NO_AUTH']])
    expect(removed.map(({ path }) => path)).toEqual(['/r/e'])
  })
})

describe('patchView()', () => {
  const patch = { read: new Map<string, TreeNode>(), gone: [], unreadable: new Map() }

  it('is nothing when nothing is different', () => {
    const before = viewOf({ '/r/a': node(1) })

    expect(patchView(before, { ...patch, read: new Map([['/r/a', node(1)]]), gone: ['/r/x'] }, none, 9)).toBeUndefined()
  })

  it('makes a new view and leaves the old one alone', () => {
    const before = viewOf({ '/r/a': node(1), '/r/b': node(1) })

    const change = patchView(
      before,
      { ...patch, read: new Map([['/r/c', node(2)]]), gone: ['/r/b'] },
      new Set(['/r/b']),
      9,
    )

    expect(change).toMatchObject({
      added: ['/r/c'],
      removed: [{ path: '/r/b', wasSeen: true }],
      isFullSync: false,
      view: { takenAt: 9, syncedAt: 5 },
    })
    expect([...(change?.view.nodes.keys() ?? [])]).toEqual(['/r/a', '/r/c'])
    expect([...before.nodes.keys()]).toEqual(['/r/a', '/r/b'])
  })

  it('marks what may not be read any more, and takes the mark off', () => {
    const before = viewOf({ '/r/a': node(1) })

    const hidden = patchView(before, { ...patch, unreadable: new Map([['/r/a', 'NO_AUTH']]) }, none, 9)
    if (hidden === undefined) throw new Error('There is no change')
    const shown = patchView(hidden.view, { ...patch, read: new Map([['/r/a', node(1)]]) }, none, 10)

    expect(hidden.view.unreadable.get('/r/a')).toBe('NO_AUTH')
    expect(hidden.view.nodes.has('/r/a')).toBe(true)
    expect(shown?.view.unreadable.size).toBe(0)
  })
})
