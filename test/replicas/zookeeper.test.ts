import { afterEach, describe, expect, it } from 'vitest'
import { replicas } from '../../src/replicas/index.ts'
import type { Replicas } from '../../src/replicas/replicas.ts'
import type { ZookeeperReplicasOptions } from '../../src/replicas/zookeeper.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { replicasContract } from '../contract/replicas.ts'
import { runClient } from '../contract/zookeeper-world.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'

for (const version of ['3.9', '3.4'] as const)
  replicasContract(`zookeeper ${version}`, async () => {
    const server = await startFakeZookeeper({ version })
    return {
      create: (options) =>
        replicas.zookeeper(
          { ...options, connect: `${server.connect}/lagkeeper`, sessionTimeoutMs: 1_500 },
          { clock: systemClock, logger: silentLogger },
        ),
      [Symbol.asyncDispose]: server.stop,
    }
  })

describe('replicas that share a ZooKeeper', () => {
  const keys = Array.from({ length: 40 }, (_, index) => `kafka/cluster-${index}`)
  const closers: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function startServer(): Promise<FakeZookeeper> {
    const server = await startFakeZookeeper()
    closers.push(server.stop)
    return server
  }

  /** A replica that runs to the end of the test, or until it is stopped. */
  function start(server: FakeZookeeper, id: string, more: Partial<ZookeeperReplicasOptions> = {}, logger?: Logger) {
    const replica = replicas.zookeeper(
      {
        id,
        version: '1',
        url: () => `http://${id}`,
        connect: `${server.connect}/lagkeeper`,
        sessionTimeoutMs: 1_500,
        ...more,
      },
      { clock: systemClock, logger: logger ?? silentLogger },
    )
    const stopping = new AbortController()
    const done = replica.run(stopping.signal)
    const stop = async (): Promise<void> => {
      stopping.abort()
      await done
    }
    closers.push(stop)
    return { replica, stop }
  }

  const eventually = (what: () => unknown) => expect.poll(what, { timeout: 15_000, interval: 5 })
  const owned = (replica: Replicas): readonly string[] => keys.filter(replica.owns)
  const ownersSeenBy = (replica: Replicas) => keys.map((key) => replica.owner(key)?.id)
  const memberIds = (replica: Replicas): readonly string[] => replica.members().map(({ id }) => id)

  it('see each other, agree on every owner, and share the keys out evenly', async () => {
    const server = await startServer()
    const all = ['a', 'b', 'c'].map((id) => start(server, id).replica)

    for (const replica of all) await eventually(() => memberIds(replica)).toEqual(['a', 'b', 'c'])
    await eventually(() => all.flatMap(owned).sort()).toEqual(keys.toSorted())
    for (const replica of all) {
      expect(ownersSeenBy(replica)).toEqual(ownersSeenBy(all[0]!))
      expect(owned(replica)).toEqual(keys.filter((key) => replica.owner(key)?.id === replica.self))
      expect(owned(replica).length).toBeGreaterThanOrEqual(5)
    }
  })

  it('take over the keys of one that stops, and touch no others', async () => {
    const server = await startServer()
    const [a, b, c] = [start(server, 'a'), start(server, 'b'), start(server, 'c')]
    await eventually(() => [a, b, c].flatMap(({ replica }) => owned(replica)).length).toBe(keys.length)
    const [before, others] = [owned(a.replica), owned(c.replica)]

    await b.stop()

    await eventually(() => [...owned(a.replica), ...owned(c.replica)].sort()).toEqual(keys.toSorted())
    expect(owned(a.replica)).toEqual(expect.arrayContaining([...before]))
    expect(owned(c.replica)).toEqual(expect.arrayContaining([...others]))
  })

  it('know what a call to another one must bear, which is nobody else’s and changes with each start', async () => {
    const server = await startServer()
    const a = start(server, 'a').replica
    const first = start(server, 'b')
    await eventually(() => [memberIds(a), memberIds(first.replica)]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
    const secret = a.secretOf('b')
    expect(secret).toMatch(/^[\w-]{32}$/)
    expect(first.replica.secretOf('b')).toBe(secret)
    expect(a.secretOf('a')).not.toBe(secret)

    await first.stop()
    await eventually(() => a.secretOf('b')).toBeUndefined()
    start(server, 'b')
    await eventually(() => a.secretOf('b')).toMatch(/^[\w-]{32}$/)
    expect(a.secretOf('b')).not.toBe(secret)
  })

  it('keep the secret from everybody else in ZooKeeper when they identify themselves there', async () => {
    const server = await startServer()
    const auth = [{ scheme: 'digest', credential: 'lagkeeper:secret' }]
    const [a, b] = [start(server, 'a', { auth }).replica, start(server, 'b', { auth }).replica]
    await eventually(() => [memberIds(a), memberIds(b)]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])

    await using stranger = runClient({ connect: `${server.connect}/lagkeeper`, sessionTimeoutMs: 6_000 })
    await expect(stranger.zookeeper.getData('/replicas/a')).rejects.toMatchObject({ code: 'NO_AUTH' })
    expect((await stranger.zookeeper.getChildren('/replicas')).children.toSorted()).toEqual(['a', 'b'])
  })

  it('count somebody whose document they cannot read for a replica, and nobody who is no ephemeral', async () => {
    const server = await startServer()
    const a = start(server, 'a').replica
    await eventually(() => owned(a).length).toBe(keys.length)

    server.data.create('/lagkeeper/replicas/left-behind', 'no ephemeral')
    server.data.create('/lagkeeper/replicas/future', '{"of a later version": true}', server.data.newSession(60_000).id)

    await eventually(() => owned(a).length).toBeLessThan(keys.length)
    expect(owned(a).length).toBeGreaterThan(0)
    expect(memberIds(a)).toEqual(['a'])
    expect(new Set(ownersSeenBy(a))).toEqual(new Set(['a', undefined]))
  })

  it('join only when they can be reached', async () => {
    const server = await startServer()
    let url: string | undefined
    const a = start(server, 'a', { url: () => url }).replica
    const b = start(server, 'b').replica
    await eventually(() => memberIds(a)).toEqual(['b'])
    expect(owned(a)).toEqual([])

    url = 'http://a:1'

    await eventually(() => b.members().map((one) => one.url)).toEqual(['http://a:1', 'http://b'])
    await eventually(() => owned(a).length + owned(b).length).toBe(keys.length)
  })

  it('say so when two of them advertise the same URL', async () => {
    const server = await startServer()
    const warnings: string[] = []
    const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message), child: () => logger }
    const url = () => 'http://load-balancer'
    const a = start(server, 'a', { url }, logger).replica
    await eventually(() => memberIds(a)).toEqual(['a'])
    expect(warnings).toEqual([])

    start(server, 'b', { url })

    await eventually(() => warnings).toEqual(['Replicas advertise the same URL'])
  })

  it('own nothing while ZooKeeper is silent, and go on when it speaks again', async () => {
    const server = await startServer()
    const a = start(server, 'a').replica
    await eventually(() => owned(a).length).toBe(keys.length)

    server.freeze()
    await eventually(() => owned(a).length).toBe(0)
    expect(a.owner('kafka/x')).toBeUndefined()
    expect(server.data.sessions.size).toBe(1)

    server.thaw()
    await eventually(() => owned(a).length).toBe(keys.length)
  })
})
