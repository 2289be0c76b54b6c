import { expect, it } from 'vitest'
import { creatorAcl, readAcl } from '../../src/zookeeper/client.ts'
import { ZookeeperError } from '../../src/zookeeper/errors.ts'
import type { ZookeeperWorld } from './zookeeper-world.ts'

const nothing = Buffer.alloc(0)

/** The code of the refusal that a call must meet. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'it was not refused',
    (error: unknown) => (error instanceof ZookeeperError ? error.code : String(error)),
  )
}

export function nodeContract({ line, client, connect, place }: ZookeeperWorld): void {
  it('writes a znode and reads back the same bytes and versions', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()
    const bytes = Buffer.from([0, 255, 10, 0xc3, 0x28])

    const created = await zookeeper.create(path, bytes)
    const written = await zookeeper.setData(path, Buffer.from('two'))
    const read = await zookeeper.getData(path)

    expect(created.path).toBe(path)
    expect(created.stat).toMatchObject({ version: 0, ephemeralOwner: 0n, dataLength: bytes.length })
    expect(written.version).toBe(1)
    expect(read.data.toString()).toBe('two')
    expect(read.stat).toEqual(written)
    expect(read.stat.mzxid).toBeGreaterThan(read.stat.czxid)
  })

  it('tells an empty znode from a missing one', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()

    await zookeeper.create(path, nothing)

    expect((await zookeeper.getData(path)).data).toHaveLength(0)
    expect(await zookeeper.exists(path)).toMatchObject({ dataLength: 0 })
    expect(await zookeeper.exists(`${path}/none`)).toBeUndefined()
    expect(await codeOf(zookeeper.getData(`${path}/none`))).toBe('NO_NODE')
  })

  it('takes version 0 for version 0 and only undefined for any', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()
    await zookeeper.create(path, nothing)
    await zookeeper.setData(path, Buffer.from('1'), { version: 0 })

    expect(await codeOf(zookeeper.setData(path, Buffer.from('2'), { version: 0 }))).toBe('BAD_VERSION')
    expect(await codeOf(zookeeper.delete(path, { version: 0 }))).toBe('BAD_VERSION')
    expect(await codeOf(zookeeper.multi([{ type: 'check', path, version: 0 }]))).toBe('BAD_VERSION')
    expect(await codeOf(zookeeper.multi([{ type: 'delete', path, version: 0 }]))).toBe('BAD_VERSION')
    await zookeeper.setData(path, Buffer.from('3'))
    await zookeeper.delete(path)
    expect(await zookeeper.exists(path)).toBeUndefined()
  })

  it('names what the server refuses', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()
    await zookeeper.create(path, nothing)
    await zookeeper.create(`${path}/ephemeral`, nothing, { mode: 'ephemeral' })

    expect(await codeOf(zookeeper.create(path, nothing))).toBe('NODE_EXISTS')
    expect(await codeOf(zookeeper.create(`${path}/a/b`, nothing))).toBe('NO_NODE')
    expect(await codeOf(zookeeper.create(`${path}/ephemeral/c`, nothing))).toBe('NO_CHILDREN_FOR_EPHEMERALS')
    expect(await codeOf(zookeeper.delete(path))).toBe('NOT_EMPTY')
    expect(await codeOf(zookeeper.delete(`${path}/none`))).toBe('NO_NODE')
    expect(await codeOf(zookeeper.getChildren(`${path}/none`))).toBe('NO_NODE')
    expect(await codeOf(zookeeper.getData('no-path'))).toBe('BAD_ARGUMENTS')
    expect(await codeOf(zookeeper.create(`${path}/x`, Buffer.alloc(1_100_000)))).toBe('BAD_ARGUMENTS')
  })

  it('creates sequential znodes and ephemerals that belong to the session', async () => {
    const path = place()
    await using watcher = client()
    await watcher.zookeeper.create(path, nothing)
    const owner = client()
    const { zookeeper } = owner

    const first = await zookeeper.create(`${path}/n-`, nothing, { mode: 'persistent_sequential' })
    const second = await zookeeper.create(`${path}/n-`, nothing, { mode: 'ephemeral_sequential' })
    const stat = await zookeeper.exists(second.path)

    expect(first.path).toBe(`${path}/n-0000000000`)
    expect(second.path).toBe(`${path}/n-0000000001`)
    expect(stat?.ephemeralOwner).toBe(zookeeper.session()?.id)
    await owner.stop()
    await watcher.zookeeper.sync()
    expect((await watcher.zookeeper.getChildren(path)).children).toEqual(['n-0000000000'])
  })

  it('creates containers, as persistent znodes where the server does not know them', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()

    const created = await zookeeper.create(path, nothing, { mode: 'container' })
    await zookeeper.create(`${path}/child`, nothing)

    expect(created.stat?.ephemeralOwner).toBe(0n)
    expect((await zookeeper.getChildren(path)).children).toEqual(['child'])
  })

  it('makes directories and leaves alone what exists', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()
    await zookeeper.create(path, Buffer.from('mine'))

    await zookeeper.makeDirectories(`${path}/a/b/c`)
    await zookeeper.makeDirectories(`${path}/a/b/c`, { mode: 'container' })

    expect((await zookeeper.getData(path)).data.toString()).toBe('mine')
    expect(await zookeeper.exists(`${path}/a/b/c`)).toBeDefined()
  })

  it('carries out a multi whole or not at all, and says which operation failed', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()
    await zookeeper.create(path, Buffer.from('old'))

    const failed = await zookeeper
      .multi([
        { type: 'create', path: `${path}/a`, data: nothing },
        { type: 'check', path: `${path}/none` },
        { type: 'setData', path, data: Buffer.from('new') },
      ])
      .catch((error: unknown) => error)
    const results = await zookeeper.multi([
      { type: 'check', path, version: 0 },
      { type: 'create', path: `${path}/a`, data: nothing, mode: 'ephemeral' },
      { type: 'create', path: `${path}/c`, data: nothing, mode: 'container' },
      { type: 'create', path: `${path}/s-`, data: nothing, mode: 'persistent_sequential' },
      { type: 'setData', path: `${path}/c`, data: Buffer.from('c') },
      { type: 'delete', path: `${path}/a` },
    ])

    expect(failed).toMatchObject({ code: 'NO_NODE', failedAt: 1 })
    expect((await zookeeper.getData(path)).data.toString()).toBe('old')
    expect(results.map(({ type }) => type)).toEqual(['check', 'create', 'create', 'create', 'setData', 'delete'])
    expect(results[3]).toMatchObject({ path: `${path}/s-0000000002` })
    expect((await zookeeper.getChildren(path)).children.toSorted()).toEqual(['c', 's-0000000002'])
  })

  it('replaces a foreign ephemeral in one step', async () => {
    const path = place()
    await using other = client()
    await other.zookeeper.create(path, nothing)
    await other.zookeeper.create(`${path}/member`, Buffer.from('old'), { mode: 'ephemeral' })
    await using running = client()
    const { zookeeper } = running

    await zookeeper.multi([
      { type: 'delete', path: `${path}/member`, version: 0 },
      { type: 'create', path: `${path}/member`, data: Buffer.from('new'), mode: 'ephemeral' },
    ])

    const { data, stat } = await zookeeper.getData(`${path}/member`)
    expect(data.toString()).toBe('new')
    expect(stat.ephemeralOwner).toBe(zookeeper.session()?.id)
  })

  it('reads many znodes in one call, each with an outcome of its own', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()
    await zookeeper.create(path, Buffer.from('data'))
    await zookeeper.create(`${path}/ü`, nothing)

    const results = await zookeeper.multiRead([
      { type: 'getData', path },
      { type: 'getData', path: `${path}/none` },
      { type: 'getChildren', path },
      { type: 'getChildren', path: `${path}/none` },
    ])

    expect(results).toMatchObject([
      { type: 'data', path, data: Buffer.from('data'), stat: { numChildren: 1 } },
      { type: 'error', path: `${path}/none`, code: 'NO_NODE' },
      { type: 'children', path, children: ['ü'] },
      { type: 'error', path: `${path}/none`, code: 'NO_NODE' },
    ])
  })

  it('answers what is supported, and an unknown request does not cost the session', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()
    await zookeeper.create(path, nothing, { mode: 'ephemeral' })

    const features = ['create2', 'createContainer', 'multiRead', 'addWatch'] as const
    const supported = await Promise.all(features.map((feature) => zookeeper.supports(feature)))
    const ephemerals = await codeOf(zookeeper.getEphemerals())

    expect(supported).toEqual(
      line === '3.9' ? [true, true, true, true] : [line !== '3.4', line !== '3.4', false, false],
    )
    expect(ephemerals).toBe(line === '3.9' ? 'it was not refused' : 'UNIMPLEMENTED')
    expect(await zookeeper.exists(path)).toBeDefined()
    expect(running.states()).not.toContain('expired')
  })

  it('lists the ephemerals of the session', async () => {
    if (line !== '3.9') return
    await using running = client()
    const { zookeeper } = running
    const path = place()
    await zookeeper.create(path, nothing)
    await zookeeper.create(`${path}/b`, nothing, { mode: 'ephemeral' })
    await zookeeper.create(`${path}/p`, nothing)

    expect(await zookeeper.getEphemerals()).toEqual([`${path}/b`])
    expect(await zookeeper.getEphemerals(`${path}/p`)).toEqual([])
  })

  it('keeps strangers out of what belongs to a user', async () => {
    const path = place()
    const auth = [{ scheme: 'digest', credential: 'ann:secret' }]
    await using ann = client({ auth, defaultAcl: creatorAcl })
    await using stranger = client()

    await ann.zookeeper.create(path, Buffer.from('private'))

    expect((await ann.zookeeper.getData(path)).data.toString()).toBe('private')
    await stranger.zookeeper.sync()
    expect(await codeOf(stranger.zookeeper.getData(path))).toBe('NO_AUTH')
    expect(await codeOf(stranger.zookeeper.create(`${path}/x`, nothing))).toBe('NO_AUTH')
    expect(await stranger.zookeeper.multiRead([{ type: 'getData', path }])).toEqual([
      { type: 'error', path, code: 'NO_AUTH' },
    ])
  })

  it('lets everybody read what only its owner may change', async () => {
    const path = place()
    const auth = [{ scheme: 'digest', credential: 'ann:secret' }]
    await using ann = client({ auth, defaultAcl: [...creatorAcl, ...readAcl] })
    await using stranger = client()

    await ann.zookeeper.create(path, Buffer.from('public'))
    await stranger.zookeeper.sync()

    expect((await stranger.zookeeper.getData(path)).data.toString()).toBe('public')
    expect(await codeOf(stranger.zookeeper.setData(path, nothing))).toBe('NO_AUTH')
    expect(await codeOf(ann.zookeeper.setData(path, nothing))).toBe('it was not refused')
  })

  it('sends a thousand requests at once and answers each with its own', async () => {
    await using running = client()
    const { zookeeper } = running
    const path = place()
    await zookeeper.create(path, nothing)
    const names = Array.from({ length: 2_500 }, (_, index) => `${path}/n${index}`)

    await Promise.all(names.map((name) => zookeeper.create(name, Buffer.from(name))))
    const read = await Promise.all(names.map((name) => zookeeper.getData(name)))

    expect(read.map(({ data }) => data.toString())).toEqual(names)
    expect((await zookeeper.getChildren(path)).stat.numChildren).toBe(names.length)
  })

  it('works inside a chroot that it makes', async () => {
    const root = place()
    await using plain = client()
    await using rooted = client({ connect: `${connect()}${root}/inner` })

    expect(await codeOf(rooted.zookeeper.create('/a', nothing))).toBe('NO_NODE')
    await rooted.zookeeper.makeChroot()
    const created = await rooted.zookeeper.create('/a-', nothing, { mode: 'persistent_sequential' })

    expect(created.path).toBe('/a-0000000000')
    expect((await rooted.zookeeper.getChildren('/')).children).toEqual(['a-0000000000'])
    await plain.zookeeper.sync()
    expect(await plain.zookeeper.exists(`${root}/inner/a-0000000000`)).toBeDefined()
  })
}
