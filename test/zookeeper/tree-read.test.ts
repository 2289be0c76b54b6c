import { describe, expect, it } from 'vitest'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { createTreeReader, forgetData, isSameNode, type TreeNode, toNode } from '../../src/zookeeper/tree-read.ts'
import { runClient } from '../contract/zookeeper-world.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'

const sessionTimeoutMs = 6_000
const signal = new AbortController().signal

function multiReads(server: FakeZookeeper): number {
  return server.requests.filter(({ opcode }) => opcode === opcodes.multiRead).length
}

/** A fake with `/r` and so many members of so many bytes below it, and a reader of a connected client. */
async function startWith(members: number, bytes: number, maxResponseBytes?: number) {
  const server = await startFakeZookeeper()
  server.data.create('/r', '')
  for (let index = 0; index < members; index++) server.data.create(`/r/n${index}`, 'x'.repeat(bytes))
  const client = runClient({
    connect: server.connect,
    sessionTimeoutMs,
    ...(maxResponseBytes !== undefined && { maxResponseBytes }),
  })
  await client.zookeeper.supports('multiRead')
  return {
    server,
    client,
    reader: createTreeReader(client.zookeeper),
    [Symbol.asyncDispose]: async () => {
      await client.stop()
      await server.stop()
    },
  }
}

describe('a tree reader', () => {
  it('reads small znodes by the hundred', async () => {
    await using world = await startWith(2_000, 100)
    const before = multiReads(world.server)

    const { nodes, missing, unreadable } = await world.reader.read(['/r'], { signal })

    expect([nodes.size, missing.size, unreadable.size]).toEqual([2_001, 0, 0])
    // The root, its list, a first few, and 1,985 by 500.
    expect(multiReads(world.server) - before).toBe(7)
  })

  it('learns how large znodes are, so that answers stay below a megabyte', async () => {
    await using world = await startWith(200, 20_000)

    const { nodes } = await world.reader.read(['/r'], { signal })

    expect(nodes.size).toBe(201)
    expect(multiReads(world.server)).toBeGreaterThanOrEqual(200 / 25)
  })

  it('reads on in large requests when a single znode was too long', async () => {
    await using world = await startWith(600, 10, 100_000)
    world.server.data.create('/r/huge', 'x'.repeat(200_000))

    const first = await world.reader.read(['/r'], { signal })
    const before = multiReads(world.server)
    const second = await world.reader.read(['/r'], { signal })

    expect([...first.unreadable]).toEqual([['/r/huge', 'MARSHALLING_ERROR']])
    expect([...second.unreadable]).toEqual([...first.unreadable])
    expect(second.nodes.size).toBe(601)
    expect(multiReads(world.server) - before).toBeLessThanOrEqual(6)
  })

  it('makes its requests smaller when the sum of an answer was too long', async () => {
    await using world = await startWith(16, 10, 100_000)
    for (let index = 0; index < 64; index++) world.server.data.create(`/r/long${index}`, 'x'.repeat(10_000))

    const first = await world.reader.read(['/r'], { signal })
    const connections = world.server.handshakes()
    const second = await world.reader.read(['/r'], { signal })

    expect([first.nodes.size, second.nodes.size, second.unreadable.size]).toEqual([81, 81, 0])
    expect(world.server.handshakes()).toBe(connections)
  })

  it('gives back the same node for a znode that is as it was', async () => {
    await using world = await startWith(3, 10)
    const first = await world.reader.read(['/r'], { signal })
    world.server.data.write('/r/n1', 'other')

    const second = await world.reader.read(['/r'], { signal, known: first.nodes })

    expect(second.nodes.get('/r/n0')).toBe(first.nodes.get('/r/n0'))
    expect(second.nodes.get('/r/n1')?.data.toString()).toBe('other')
    expect(first.nodes.get('/r/n1')?.data.toString()).toBe('x'.repeat(10))
  })

  it('says which of the wanted paths do not exist, and leaves out what is not wanted', async () => {
    await using world = await startWith(3, 10)

    const read = await world.reader.read(['/r', '/none'], { signal, includes: (path) => path !== '/r/n1' })

    expect([...read.nodes.keys()]).toEqual(['/r', '/r/n0', '/r/n2'])
    expect([...read.missing]).toEqual(['/none'])
  })

  it('sets watches on data and lists when it is told to', async () => {
    await using world = await startWith(2, 10)
    const events: string[] = []
    const watch = ({ type, path }: { readonly type: string; readonly path: string }): number =>
      events.push(`${type} ${path}`)

    await world.reader.read(['/r'], { signal, watch })
    world.server.data.write('/r/n1', 'other')
    world.server.data.create('/r/new', '')
    world.server.data.create('/r/n0/below', '')
    await world.client.zookeeper.sync()

    expect(events).toEqual(['changed /r/n1', 'children /r', 'children /r/n0'])
  })
})

describe('toNode()', () => {
  const stat = {
    czxid: 1n,
    mzxid: 2n,
    ctime: 0n,
    mtime: 0n,
    version: 1,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 7n,
    dataLength: 1,
    numChildren: 0,
    pzxid: 0n,
  }
  const old: TreeNode = { data: Buffer.from('a'), version: 1, czxid: 1n, mzxid: 2n, ephemeralOwner: 7n }
  const forgotten = { ...old }
  forgetData(forgotten)

  it('copies the data, so that no answer is kept for it', () => {
    const frame = Buffer.from('abc')

    const node = toNode({ path: '/a', data: frame.subarray(0, 1), stat }, undefined)
    frame.fill('z')

    expect(node).toEqual(old)
  })

  it.each([
    { what: 'written', other: { ...old, mzxid: 3n }, same: false },
    { what: 'created again', other: { ...old, czxid: 2n }, same: false },
    { what: 'from a server that was set up anew', other: { ...old, data: Buffer.from('b') }, same: false },
    { what: 'as it was', other: { ...old, data: Buffer.from('a') }, same: true },
  ])('takes a node that is $what for the same: $same, also when its data was forgotten', ({ other, same }) => {
    expect(isSameNode(old, other)).toBe(same)
    for (const known of [old, forgotten]) {
      const read = toNode({ path: '/a', data: other.data, stat: { ...stat, ...other } }, new Map([['/a', known]]))
      expect(read === known).toBe(same)
    }
  })

  it('keeps nothing of data that is forgotten, however often', () => {
    forgetData(forgotten)

    expect(forgotten.data).toHaveLength(0)
    expect(isSameNode(forgotten, old)).toBe(true)
  })
})
