import { ACL, type Client, CreateMode, createClient, Id } from 'node-zookeeper-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Zookeeper } from '../../src/zookeeper/client.ts'
import type { MultiOperation } from '../../src/zookeeper/transactions.ts'
import { describeZookeeperClient, type ZookeeperUnderTest } from '../contract/zookeeper-client.ts'
import { runTree } from '../contract/zookeeper-trees.ts'
import { createWorld, until } from '../contract/zookeeper-world.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'

const nothing = Buffer.alloc(0)
const sessionTimeoutMs = 6_000

async function startReal(version: string): Promise<ZookeeperUnderTest> {
  const rig = await startZookeeper({ version })
  return { port: rig.servers[0]?.port ?? 0, [Symbol.asyncDispose]: () => rig.stop() }
}

async function createMany(zookeeper: Zookeeper, paths: readonly string[]): Promise<void> {
  for (let start = 0; start < paths.length; start += 500) {
    const creations = paths
      .slice(start, start + 500)
      .map((path): MultiOperation => ({ type: 'create', path, data: nothing }))
    await zookeeper.multi(creations)
  }
}

for (const [version, line] of [
  ['3.9.5', '3.9'],
  ['3.4.14', '3.4'],
] as const) {
  describeZookeeperClient(`ZooKeeper client on ZooKeeper ${version}`, line, () => startReal(version))

  describe(`faults of ZooKeeper ${version}`, () => {
    let rig: ZookeeperRig | undefined
    const server = () => {
      const only = rig?.servers[0]
      if (only === undefined) throw new Error('The server has not been started')
      return only
    }
    const world = createWorld(line, server)
    beforeAll(async () => {
      rig = await startZookeeper({ version })
    })
    afterAll(() => rig?.stop())

    it('16,000 watches are set again after a lost connection, and fire', async () => {
      await using running = await world.behindProxy({ sessionTimeoutMs: 20_000 })
      await using other = world.client()
      const { zookeeper, proxy } = running
      const events: string[] = []
      const parent = `/${'p'.repeat(40)}`
      const paths = Array.from({ length: 16_000 }, (_, index) => `${parent}/${String(index).padStart(26, '0')}`)
      await other.zookeeper.create(parent, nothing)
      await createMany(other.zookeeper, paths)
      const watch = ({ path }: { readonly path: string }): number => events.push(path)
      await Promise.all(paths.map((path) => zookeeper.getData(path, { watch })))

      const startedAt = performance.now()
      proxy.cut()
      await until('connected again', () => running.states().filter((state) => state === 'connected').length > 1)
      await zookeeper.sync()
      console.info(`${version}: 16,000 watches back after ${Math.round(performance.now() - startedAt)} ms`)
      const watched = await server().fourLetter('wchs')
      const some = [paths[0] ?? '', paths[7_777] ?? '', paths[15_999] ?? '']
      for (const path of some) await other.zookeeper.setData(path, Buffer.from('x'))
      await until('the events', () => events.length >= 3)

      expect(watched).toContain('Total watches:16000')
      expect(events).toEqual(some)
      expect(proxy.accepted()).toBeLessThanOrEqual(line === '3.4' ? 3 : 2)
      expect(running.states()).not.toContain('expired')
    })

    it('a server that is killed and comes back within the timeout costs neither session nor ephemerals', async () => {
      await using running = world.client({ sessionTimeoutMs: 20_000 })
      await using tree = runTree(running.zookeeper, { root: world.place() })
      const { zookeeper } = running
      const path = world.place()
      const events: string[] = []
      await zookeeper.create(path, nothing, { mode: 'ephemeral' })
      await zookeeper.getData(path, { watch: ({ type }) => events.push(type) })
      const before = zookeeper.session()?.id

      await server().kill()
      await until('the connection is lost', () => zookeeper.state() === 'connecting')
      const waiting = zookeeper.exists(path, { timeoutMs: 20_000 })
      const startedAt = performance.now()
      await server().restart()
      const found = await waiting
      console.info(`${version}: answered ${Math.round(performance.now() - startedAt)} ms after the start of the server`)
      await zookeeper.setData(path, Buffer.from('x'))

      expect(found?.ephemeralOwner).toBe(before)
      expect(zookeeper.session()?.id).toBe(before)
      expect(events).toEqual(['changed'])
      expect(running.states()).not.toContain('expired')
      await until('the tree is current', () => tree.tree.isCurrent())
    })

    it('a server that is stopped is noticed within two thirds of the session timeout', async () => {
      await using running = world.client({ sessionTimeoutMs })
      const { zookeeper } = running
      await zookeeper.sync()

      server().pause()
      const startedAt = performance.now()
      const waiting = zookeeper.delete(world.place()).catch((error: unknown) => error)
      try {
        await until('it is noticed', () => zookeeper.state() === 'connecting')
      } finally {
        server().resume()
      }
      const noticedMs = performance.now() - startedAt
      console.info(`${version}: SIGSTOP noticed after ${Math.round(noticedMs)} ms of a ${sessionTimeoutMs} ms session`)

      expect(noticedMs).toBeLessThanOrEqual((sessionTimeoutMs * 2) / 3 + 250)
      expect(await waiting).toMatchObject({ name: 'UnavailableError' })
      await until('connected again', () => zookeeper.state() === 'connected')
    })

    it('a cable that is pulled for longer than the session costs it, and a new one is made', async () => {
      await using running = await world.behindProxy({ sessionTimeoutMs: 1_000 })
      await using other = world.client()
      const { zookeeper, proxy } = running
      const path = world.place()
      await zookeeper.create(path, nothing, { mode: 'ephemeral' })
      const old = zookeeper.session()?.id

      proxy.block()
      await until('the session is given up', () => running.states().includes('expired'))
      await until('the server has ended it too', () => {
        void other.zookeeper.exists(path).then((stat) => {
          if (stat === undefined) proxy.unblock()
        })
        return zookeeper.state() === 'connected'
      })

      expect(running.changes.at(-1)).toMatchObject({ isNewSession: true })
      expect(zookeeper.session()?.id).not.toBe(old)
      expect(await zookeeper.exists(path)).toBeUndefined()
    })

    it('node-zookeeper-client reads what we write, and we read what it writes', async () => {
      await using running = world.client({ auth: [{ scheme: 'digest', credential: 'ann:secret' }] })
      const { zookeeper } = running
      const root = world.place()
      const foreign = await connectForeign(world.connect())
      try {
        foreign.client.addAuthInfo('digest', Buffer.from('ann:secret'))
        await zookeeper.create(root, Buffer.from('ours ü'))
        await zookeeper.create(`${root}/private`, Buffer.from('p'), {
          acl: [{ perms: 31, scheme: 'auth', id: '' }],
        })
        const theirs = await foreign.create(`${root}/s-`, Buffer.from('theirs'), CreateMode.EPHEMERAL_SEQUENTIAL)
        await foreign.commit((transaction) =>
          transaction.create(`${root}/t`, Buffer.from('t')).setData(root, Buffer.from('both'), 0),
        )

        expect((await foreign.getData(`${root}/private`)).toString()).toBe('p')
        expect((await foreign.getChildren(root)).toSorted()).toEqual(['private', 's-0000000001', 't'])
        expect(theirs).toBe(`${root}/s-0000000001`)
        const read = await zookeeper.getData(theirs)
        expect(read.data.toString()).toBe('theirs')
        expect(read.stat.ephemeralOwner).toBe(foreign.client.getSessionId().readBigInt64BE())
        expect((await zookeeper.getData(root)).data.toString()).toBe('both')
        expect((await foreign.getData(root)).toString()).toBe('both')
      } finally {
        foreign.client.close()
      }
    })
  })
}

/** The independent client, with promises. */
async function connectForeign(connect: string) {
  const client: Client = createClient(connect, { sessionTimeout: 6_000 })
  await new Promise<void>((resolve) => {
    client.once('connected', resolve)
    client.connect()
  })
  const open = [new ACL(31, new Id('world', 'anyone'))]
  return {
    client,
    create: (path: string, data: Buffer, mode: number) =>
      new Promise<string>((resolve, reject) => {
        client.create(path, data, open, mode, (error, created) => (error === null ? resolve(created) : reject(error)))
      }),
    getData: (path: string) =>
      new Promise<Buffer>((resolve, reject) => {
        client.getData(path, (error, data) => (error === null ? resolve(data) : reject(error)))
      }),
    getChildren: (path: string) =>
      new Promise<readonly string[]>((resolve, reject) => {
        client.getChildren(path, (error, children) => (error === null ? resolve(children) : reject(error)))
      }),
    commit: (build: (transaction: ReturnType<Client['transaction']>) => ReturnType<Client['transaction']>) =>
      new Promise<void>((resolve, reject) => {
        build(client.transaction()).commit((error) => (error === null ? resolve() : reject(error)))
      }),
  }
}
