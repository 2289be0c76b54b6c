import { expect, it } from 'vitest'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import type { Zookeeper } from '../../src/zookeeper/client.ts'
import type { TreeChange } from '../../src/zookeeper/tree-view.ts'
import { type TreeWatchOptions, watchTree } from '../../src/zookeeper/tree-watch.ts'
import { until, type ZookeeperWorld } from './zookeeper-world.ts'

const nothing = Buffer.alloc(0)

/** A tree that is watched until it is disposed of. */
export function runTree(zookeeper: Zookeeper, options: TreeWatchOptions) {
  const tree = watchTree(zookeeper, { flushMs: 20, ...options }, { clock: systemClock, logger: silentLogger })
  const changes: TreeChange[] = []
  tree.onChange((change) => changes.push(change))
  const stopping = new AbortController()
  const done = tree.run(stopping.signal)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await done
  }
  const paths = (): readonly string[] => [...(tree.view()?.nodes.keys() ?? [])].toSorted()
  return { tree, changes, paths, stop, [Symbol.asyncDispose]: stop }
}

export function treeContract({ client, behindProxy, place }: ZookeeperWorld): void {
  it('publishes one complete view and then follows every change', async () => {
    await using running = client()
    await using other = client()
    const { zookeeper } = other
    const root = place()
    await zookeeper.makeDirectories(`${root}/ns/app`)
    await zookeeper.create(`${root}/ns/app/one`, Buffer.from('1'))
    await zookeeper.create(`${root}/ns/app/two`, Buffer.from('2'), { mode: 'ephemeral' })
    await using watched = runTree(running.zookeeper, { root })
    await until('the first view', () => watched.tree.view() !== undefined)

    expect(watched.changes).toHaveLength(1)
    expect(watched.paths()).toEqual([`${root}/ns`, `${root}/ns/app`, `${root}/ns/app/one`, `${root}/ns/app/two`])
    const first = watched.tree.view()
    expect(first).toMatchObject({ isRootMissing: false })
    expect(first?.nodes.get(`${root}/ns/app/two`)).toMatchObject({
      data: Buffer.from('2'),
      version: 0,
      ephemeralOwner: zookeeper.session()?.id,
    })
    expect(watched.tree.isCurrent()).toBe(true)

    await zookeeper.setData(`${root}/ns/app/one`, Buffer.from('1b'))
    await zookeeper.create(`${root}/ns/other`, nothing)
    await zookeeper.create(`${root}/ns/other/three`, Buffer.from('3'))
    await zookeeper.delete(`${root}/ns/app/two`)
    await until('the changes', () => watched.paths().length === 5 && !watched.paths().includes(`${root}/ns/app/two`))
    await until('the new data', () => watched.tree.view()?.nodes.get(`${root}/ns/app/one`)?.version === 1)

    const removed = watched.changes.flatMap((change) => change.removed)
    expect(removed).toMatchObject([{ path: `${root}/ns/app/two`, wasSeen: true, node: { data: Buffer.from('2') } }])
    expect(watched.tree.view()?.nodes.get(`${root}/ns/other/three`)?.data.toString()).toBe('3')
    expect(first?.nodes.has(`${root}/ns/app/two`)).toBe(true)
  })

  it('sees a znode that was deleted and created again as another one', async () => {
    await using running = client()
    await using other = client()
    const root = place()
    await other.zookeeper.makeDirectories(root)
    const { stat: old } = await other.zookeeper.create(`${root}/a`, Buffer.from('old'))
    await using watched = runTree(running.zookeeper, { root })
    await until('the first view', () => watched.tree.view() !== undefined)

    await other.zookeeper.multi([
      { type: 'delete', path: `${root}/a` },
      { type: 'create', path: `${root}/a`, data: Buffer.from('new') },
    ])
    await until('the new one', () => watched.tree.view()?.nodes.get(`${root}/a`)?.data.toString() === 'new')

    const czxid = watched.tree.view()?.nodes.get(`${root}/a`)?.czxid
    expect(czxid === undefined || (old !== undefined && czxid > old.czxid)).toBe(true)
    expect(watched.changes.flatMap(({ removed }) => removed)).toEqual([])
  })

  it('reads everything again after a lost connection, also what no watch tells', async () => {
    await using running = await behindProxy()
    await using other = client()
    const { zookeeper } = other
    const root = place()
    await zookeeper.makeDirectories(`${root}/app`)
    await zookeeper.create(`${root}/app/kept`, nothing)
    await zookeeper.create(`${root}/app/gone`, nothing)
    await using watched = runTree(running.zookeeper, { root })
    await until('the first view', () => watched.tree.view() !== undefined)

    running.proxy.close()
    await until('the connection is lost', () => running.states().at(-1) === 'connecting')
    await zookeeper.delete(`${root}/app/gone`)
    await zookeeper.create(`${root}/app/new`, Buffer.from('n'))
    await zookeeper.setData(`${root}/app/kept`, Buffer.from('k'))
    expect(watched.tree.isCurrent()).toBe(false)
    expect(watched.paths()).toContain(`${root}/app/gone`)
    running.proxy.open()
    await until('the view is current', () => watched.tree.isCurrent())

    expect(watched.paths()).toEqual([`${root}/app`, `${root}/app/kept`, `${root}/app/new`])
    expect(watched.tree.view()?.nodes.get(`${root}/app/kept`)?.data.toString()).toBe('k')
    expect(watched.changes.flatMap(({ removed }) => removed.map(({ path }) => path))).toEqual([`${root}/app/gone`])
    await zookeeper.create(`${root}/app/later`, nothing)
    await until('a later change', () => watched.paths().includes(`${root}/app/later`))
  })

  it('says that the root is missing, and fills the view when it comes', async () => {
    await using running = client()
    await using other = client()
    const { zookeeper } = other
    const root = place()
    await using watched = runTree(running.zookeeper, { root })
    await until('the first view', () => watched.tree.view() !== undefined)
    expect(watched.tree.view()).toMatchObject({ isRootMissing: true })

    await zookeeper.create(root, nothing)
    await zookeeper.create(`${root}/a`, Buffer.from('a'))
    await until('the child', () => watched.paths().length === 1)
    expect(watched.tree.view()).toMatchObject({ isRootMissing: false })

    await zookeeper.delete(`${root}/a`)
    await zookeeper.delete(root)
    await until('the root is gone', () => watched.tree.view()?.isRootMissing === true)
    expect(watched.paths()).toEqual([])
    await zookeeper.create(root, nothing)
    await until('the root is back', () => watched.tree.view()?.isRootMissing === false)
  })

  it('reads 3,000 znodes', async () => {
    await using running = client()
    await using other = client()
    const { zookeeper } = other
    const root = place()
    await zookeeper.create(root, nothing)
    const names = Array.from({ length: 3_000 }, (_, index) => `member_${String(index).padStart(6, '0')}`)
    for (let start = 0; start < names.length; start += 500)
      await zookeeper.multi(
        names.slice(start, start + 500).map((name) => ({
          type: 'create',
          path: `${root}/${name}`,
          data: Buffer.alloc(400, name),
        })),
      )

    await using watched = runTree(running.zookeeper, { root })
    await until('the view', () => watched.tree.view() !== undefined)

    expect(watched.paths()).toEqual(names.map((name) => `${root}/${name}`))
    expect(watched.tree.view()?.nodes.get(`${root}/member_001234`)?.data).toHaveLength(400)
  })
}
