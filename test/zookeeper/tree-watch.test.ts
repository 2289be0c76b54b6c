import { describe, expect, it } from 'vitest'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { runTree } from '../contract/zookeeper-trees.ts'
import { runClient, until } from '../contract/zookeeper-world.ts'
import { startFakeZookeeper } from '../fakes/zookeeper.ts'
import { createFakeData } from '../fakes/zookeeper-data.ts'

const sessionTimeoutMs = 6_000

describe('watchTree()', () => {
  it('finds in its periodic reading what no event has told, and counts it', async () => {
    await using server = await startFakeZookeeper()
    server.data.create('/r', '')
    server.data.create('/r/a', '1')
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    await using watched = runTree(client.zookeeper, { root: '/r', resyncMs: 50 })
    await until('the first view', () => watched.tree.view() !== undefined)

    server.data.listeners.clear()
    server.data.write('/r/a', '2')
    server.data.create('/r/b', '')
    await until('the change', () => watched.paths().length === 2)

    expect(watched.tree.view()?.nodes.get('/r/a')?.data.toString()).toBe('2')
    expect(watched.tree.counters().differences).toBe(2)
    expect(watched.changes.at(-1)).toMatchObject({ isFullSync: true })
  })

  it('reads many events of a moment together', async () => {
    await using server = await startFakeZookeeper()
    server.data.create('/r', '')
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    await using watched = runTree(client.zookeeper, { root: '/r', flushMs: 100 })
    await until('the first view', () => watched.tree.view() !== undefined)
    const before = server.requests.filter(({ opcode }) => opcode === opcodes.multiRead).length

    for (let index = 0; index < 150; index++) server.data.create(`/r/n${index}`, 'x')
    for (let index = 0; index < 150; index++) server.data.write(`/r/n${index}`, 'y')
    await until('all', () => watched.paths().length === 150)

    expect(watched.changes).toHaveLength(2)
    expect(server.requests.filter(({ opcode }) => opcode === opcodes.multiRead)).toHaveLength(before + 2)
  })

  it('keeps the last view while the session is gone, and says so', async () => {
    const server = await startFakeZookeeper()
    server.data.create('/r', '')
    server.data.create('/r/a', '')
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: 300 })
    await using watched = runTree(client.zookeeper, { root: '/r' })
    await until('the first view', () => watched.tree.isCurrent())
    const view = watched.tree.view()

    await server.stop()
    await until('the session is given up', () => client.states().includes('expired'))

    expect(watched.tree.isCurrent()).toBe(false)
    expect(watched.tree.view()).toBe(view)
  })

  it.each(['3.4', '3.9'] as const)('watches again in a new session on %s', async (version) => {
    await using server = await startFakeZookeeper({ version })
    server.data.create('/r', '')
    server.data.create('/r/a', '')
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    await using watched = runTree(client.zookeeper, { root: '/r' })
    await until('the first view', () => watched.tree.isCurrent())

    server.data.endSession(client.zookeeper.session()?.id ?? 0n)
    server.data.create('/r/b', '')
    await until('the view is current again', () => watched.paths().length === 2 && watched.tree.isCurrent())
    server.data.create('/r/c', '')
    await until('a later change', () => watched.paths().length === 3)

    expect(client.states()).toContain('expired')
    expect(watched.changes.flatMap(({ removed }) => removed)).toEqual([])
  })

  it('goes on with one-shot watches on a server that has no other', async () => {
    const data = createFakeData()
    const modern = await startFakeZookeeper({ data })
    await using old = await startFakeZookeeper({ data, version: '3.5' })
    data.create('/r', '')
    data.create('/r/a', '')
    await using client = runClient(
      { connect: `${modern.connect},${old.connect}`, sessionTimeoutMs },
      { random: () => 0.99 },
    )
    await using watched = runTree(client.zookeeper, { root: '/r' })
    await until('the first view', () => watched.tree.isCurrent())

    await modern.stop()
    await until('the view is current on the other server', () => old.handshakes() > 0 && watched.tree.isCurrent())
    data.create('/r/a/b', 'x')
    data.write('/r/a', 'y')
    await until(
      'both changes',
      () => watched.tree.view()?.nodes.get('/r/a')?.version === 1 && watched.paths().length === 2,
    )

    expect(watched.changes.flatMap(({ removed }) => removed)).toEqual([])
  })

  it('shows what may not be read as unreadable, and the rest', async () => {
    await using server = await startFakeZookeeper()
    await using owner = runClient({
      connect: server.connect,
      sessionTimeoutMs,
      auth: [{ scheme: 'digest', credential: 'a:b' }],
    })
    const acl = [{ perms: 31, scheme: 'auth', id: '' }]
    server.data.create('/r', '')
    server.data.create('/r/open', '')
    await owner.zookeeper.create('/r/closed', Buffer.alloc(0), { acl })
    await owner.zookeeper.create('/r/closed/inner', Buffer.alloc(0))
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    await using watched = runTree(client.zookeeper, { root: '/r' })
    await until('the first view', () => watched.tree.view() !== undefined)

    expect(watched.paths()).toEqual(['/r/open'])
    expect([...(watched.tree.view()?.unreadable ?? [])]).toEqual([['/r/closed', 'NO_AUTH']])
  })

  it('shrinks its requests when an answer is longer than the client takes', async () => {
    await using server = await startFakeZookeeper()
    server.data.create('/r', '')
    for (let index = 0; index < 4; index++) server.data.create(`/r/n${index}`, 'x'.repeat(40_000))
    server.data.create('/r/huge', 'x'.repeat(200_000))
    await using client = runClient({ connect: server.connect, sessionTimeoutMs, maxResponseBytes: 100_000 })
    await using watched = runTree(client.zookeeper, { root: '/r' })
    await until('the view', () => watched.tree.isCurrent())

    expect(watched.paths()).toHaveLength(4)
    expect([...(watched.tree.view()?.unreadable ?? [])]).toEqual([['/r/huge', 'MARSHALLING_ERROR']])
    expect(client.states()).not.toContain('expired')
  })

  it('leaves out what it is told to', async () => {
    await using server = await startFakeZookeeper()
    for (const path of ['/r', '/r/keep', '/r/keep/a', '/r/skip', '/r/skip/b']) server.data.create(path, '')
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    await using watched = runTree(client.zookeeper, { root: '/r', includes: (path) => path !== '/r/skip' })
    await until('the view', () => watched.tree.isCurrent())

    server.data.write('/r/skip/b', 'x')
    server.data.create('/r/skip/c', '')
    server.data.create('/r/keep/d', '')
    await until('the change', () => watched.paths().length === 3)

    expect(watched.paths()).toEqual(['/r/keep', '/r/keep/a', '/r/keep/d'])
  })

  it('does not let one listener hurt another', async () => {
    await using server = await startFakeZookeeper()
    server.data.create('/r', '')
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    await using watched = runTree(client.zookeeper, { root: '/r' })
    watched.tree.onChange(() => {
      throw new Error('broken listener')
    })
    const seen: number[] = []
    watched.tree.onChange(({ view }) => seen.push(view.nodes.size))
    server.data.create('/r/a', '')

    await until('the change', () => seen.includes(1))

    expect(watched.tree.isCurrent()).toBe(true)
  })
})
