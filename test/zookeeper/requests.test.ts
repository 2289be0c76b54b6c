import { describe, expect, it } from 'vitest'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { runClient, until } from '../contract/zookeeper-world.ts'
import { startFakeZookeeper } from '../fakes/zookeeper.ts'
import { createFakeData } from '../fakes/zookeeper-data.ts'

const nothing = Buffer.alloc(0)
const sessionTimeoutMs = 6_000

describe('requests over a changing connection', () => {
  it('sets 16,000 watches again in packets of at most 128 kB', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: 30_000 })
    const { zookeeper } = client
    const events: string[] = []
    const watch = ({ path }: { readonly path: string }): number => events.push(path)
    const parent = `/${'p'.repeat(40)}`
    const paths = Array.from({ length: 16_000 }, (_, index) => `${parent}/${String(index).padStart(26, '0')}`)
    server.data.create(parent, '')
    for (const path of paths) server.data.create(path, '')
    await Promise.all(paths.map((path) => zookeeper.getData(path, { watch })))
    const before = server.requests.length

    server.dropConnections()
    await until('connected again', () => server.handshakes() === 2)
    await zookeeper.sync()

    const replayed = server.requests.slice(before).filter(({ opcode }) => opcode === opcodes.setWatches)
    expect(replayed.length).toBeGreaterThanOrEqual(9)
    expect(Math.max(...replayed.map(({ bytes }) => bytes))).toBeLessThanOrEqual(128 * 1024)
    expect(server.handshakes()).toBe(2)
    for (const path of [paths[0] ?? '', paths[15_999] ?? '']) server.data.write(path, 'x')
    await until('both events', () => events.length === 2)
    expect(events).toEqual([paths[0], paths[15_999]])
  })

  it('sends auth before watches, and watches before requests that wait', async () => {
    await using server = await startFakeZookeeper()
    const auth = [{ scheme: 'digest', credential: 'ann:secret' }]
    await using client = runClient({ connect: server.connect, sessionTimeoutMs, auth })
    const { zookeeper } = client
    await zookeeper.exists('/a', { watch: () => undefined })
    const before = server.requests.length

    server.dropConnections()
    await until('the connection is lost', () => zookeeper.state() === 'connecting')
    await zookeeper.exists('/b')

    expect(server.requests[0]?.opcode).toBe(opcodes.auth)
    expect(server.requests.slice(before).map(({ opcode }) => opcode)).toEqual([
      opcodes.auth,
      opcodes.setWatches,
      opcodes.exists,
    ])
  })

  it('does not let one watcher hurt another, nor a reply behind it', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    const { zookeeper } = client
    const events: string[] = []
    await zookeeper.create('/a', nothing)
    const broken = (): never => {
      throw new Error('broken watcher')
    }
    zookeeper.onState(broken)
    await zookeeper.getData('/a', { watch: broken })
    await zookeeper.getData('/a', { watch: ({ type }) => events.push(type) })

    const replies = await Promise.all([
      zookeeper.setData('/a', nothing),
      ...Array.from({ length: 50 }, () => zookeeper.exists('/a')),
    ])

    expect(replies).toHaveLength(51)
    expect(events).toEqual(['changed'])
    expect(zookeeper.counters().listenerErrors).toBe(1)
    expect(client.states()).toEqual(['connected'])
  })

  it('asks again for what it was reading, and says of a write that it may have happened', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    const { zookeeper } = client
    await zookeeper.create('/a', nothing)
    let losses = 0
    server.onRequest = ({ opcode }) => (opcode === opcodes.setData && losses++ === 0 ? { kind: 'close' } : undefined)

    const [write, read] = await Promise.allSettled([zookeeper.setData('/a', nothing), zookeeper.exists('/a')])

    expect(write).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('outcome unknown') } })
    expect(read).toMatchObject({ status: 'fulfilled', value: { version: 1 } })
  })

  it('does not read for ever from a server that closes at the same request', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    server.onRequest = ({ opcode }) => (opcode === opcodes.exists ? { kind: 'close' } : undefined)

    await expect(client.zookeeper.exists('/a')).rejects.toThrow(UnavailableError)
    expect(server.requests.filter(({ opcode }) => opcode === opcodes.exists)).toHaveLength(2)
  })

  it('does not hammer a server that drops every connection, nor flood the log', async () => {
    await using server = await startFakeZookeeper()
    const lines: string[] = []
    const write = (_: unknown, message: string): number => lines.push(message)
    const logger: Logger = { ...silentLogger, info: write, warn: write, child: () => logger }
    await using client = runClient({ connect: server.connect, sessionTimeoutMs }, { logger })
    server.onRequest = () => ({ kind: 'close' })
    const startedAt = performance.now()

    await until('a second', () => {
      void client.zookeeper.sync('/', { timeoutMs: 10 }).catch(() => undefined)
      return performance.now() - startedAt > 1_000
    })

    expect(server.accepted()).toBeLessThanOrEqual(8)
    expect(server.accepted()).toBeGreaterThanOrEqual(3)
    expect(lines).toEqual(['ZooKeeper connected', 'ZooKeeper connection lost'])
  })

  it('concludes from a server that closes without a word that it does not know a request', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    const { zookeeper } = client
    server.data.create('/a', 'data')
    server.onRequest = ({ opcode }) => (opcode === opcodes.multiRead ? { kind: 'close' } : undefined)

    const results = await zookeeper.multiRead([{ type: 'getData', path: '/a' }])

    expect(results).toMatchObject([{ type: 'data', data: Buffer.from('data') }])
    expect(client.states()).not.toContain('expired')
  })

  it('asks an older server once, however many want to know, and holds other requests back meanwhile', async () => {
    await using server = await startFakeZookeeper({ version: '3.4' })
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    const { zookeeper } = client
    server.data.create('/a', '')
    await zookeeper.sync()

    const answers = await Promise.all([
      zookeeper.setData('/a', Buffer.from('1')),
      zookeeper.supports('addWatch'),
      zookeeper.supports('multiRead'),
      zookeeper.supports('addWatch'),
      zookeeper.setData('/a', Buffer.from('2')),
    ])

    expect(answers).toMatchObject([{ version: 1 }, false, false, false, { version: 2 }])
    expect(server.requests.filter(({ opcode }) => opcode === opcodes.multiRead)).toHaveLength(1)
    expect(server.handshakes()).toBe(2)
    expect(server.data.sessions.size).toBe(1)
  })

  it('asks no server for whoever has given up already', async () => {
    await using server = await startFakeZookeeper({ version: '3.4' })
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    const { zookeeper } = client
    await zookeeper.sync()
    const before = server.requests.length

    const answer = zookeeper.supports('multiRead', { signal: AbortSignal.abort(new Error('enough')) })

    await expect(answer).rejects.toThrow('enough')
    await zookeeper.sync()
    expect(server.requests.slice(before).map(({ opcode }) => opcode)).toEqual([opcodes.sync])
  })

  it('tells the watchers of a lasting watch when it lands on a server that has none', async () => {
    const data = createFakeData()
    const modern = await startFakeZookeeper({ data })
    await using old = await startFakeZookeeper({ data, version: '3.5' })
    await using client = runClient(
      { connect: `${modern.connect},${old.connect}`, sessionTimeoutMs },
      { random: () => 0.99 },
    )
    const { zookeeper } = client
    const events: string[] = []
    await zookeeper.addWatch('/', 'recursive', ({ type }) => events.push(type))

    await modern.stop()
    await until('the watch is lost', () => events.includes('lost'))
    await zookeeper.sync()

    expect(events).toEqual(['lost'])
    expect(await zookeeper.supports('addWatch')).toBe(false)
    expect(client.states()).not.toContain('expired')
  })

  it('looks names up at every connect and spreads over what they stand for', async () => {
    await using server = await startFakeZookeeper()
    const asked: string[] = []
    const resolve = async (host: string): Promise<readonly string[]> => {
      asked.push(host)
      return asked.length === 1 ? Promise.reject(new Error('ENOTFOUND')) : ['127.0.0.1']
    }
    await using client = runClient({ connect: `zk.test:${server.port}`, sessionTimeoutMs }, { resolve })
    await client.zookeeper.sync()
    server.dropConnections()
    await until('connected again', () => server.handshakes() === 2)

    expect(asked).toEqual(['zk.test', 'zk.test', 'zk.test'])
    expect(client.changes[0]).toMatchObject({ server: `zk.test:${server.port}` })
  })

  it('goes to another address of a name when one is dead, long before the session is lost', async () => {
    await using server = await startFakeZookeeper()
    const resolve = async (): Promise<readonly string[]> => ['127.0.0.1', '127.0.0.2', '127.0.0.3']
    const states: string[] = []
    await using client = runClient({ connect: `zk.test:${server.port}`, sessionTimeoutMs }, { resolve })
    await client.zookeeper.sync()
    const id = client.zookeeper.session()?.id

    for (let round = 0; round < 5; round++) {
      const connections = server.handshakes()
      server.dropConnections()
      await until('connected again', () => server.handshakes() > connections)
      states.push(String(client.zookeeper.session()?.id))
    }

    expect(states).toEqual(Array.from({ length: 5 }, () => String(id)))
    expect(client.states()).not.toContain('expired')
  })

  it('refuses further requests of a client that has a wrong password, and goes on trying', async () => {
    await using server = await startFakeZookeeper()
    const auth = [{ scheme: 'sasl', credential: 'x' }]
    await using client = runClient({ connect: server.connect, sessionTimeoutMs, auth })

    await expect(client.zookeeper.sync('/', { timeoutMs: 400 })).rejects.toThrow(UnavailableError)
    expect(client.states()).toContain('connecting')
  })

  it('settles every request once, however often the connection is cut', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    const { zookeeper } = client
    await zookeeper.create('/a', nothing)
    let seen = 0
    server.onRequest = () => (++seen % 97 === 0 ? { kind: seen % 2 === 0 ? 'cut' : 'close' } : undefined)
    const outcomes = { value: 0, unknown: 0, other: 0 }

    const all = Array.from({ length: 600 }, async (_, index) => {
      try {
        await (index % 3 === 0 ? zookeeper.setData('/a', nothing) : zookeeper.exists('/a'))
        outcomes.value++
      } catch (error) {
        if (error instanceof UnavailableError && !error.timedOut) outcomes.unknown++
        else outcomes.other++
      }
    })
    await Promise.all(all)

    expect(outcomes.value + outcomes.unknown).toBe(600)
    expect(outcomes.unknown).toBeGreaterThan(0)
    expect(outcomes.other).toBe(0)
    expect(client.states()).not.toContain('expired')
  })

  it('counts the question for a feature into the deadline of the request that needs it', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs })
    await client.zookeeper.sync()
    server.onRequest = () => ({ kind: 'silence' })
    const startedAt = performance.now()

    const outcome = await client.zookeeper.create('/a', nothing, { timeoutMs: 100 }).catch((error: unknown) => error)

    expect(outcome).toMatchObject({ name: 'UnavailableError', timedOut: true })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})
