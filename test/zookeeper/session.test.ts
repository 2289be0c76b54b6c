import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { runClient, until } from '../contract/zookeeper-world.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { startFakeZookeeper } from '../fakes/zookeeper.ts'
import { createFakeData } from '../fakes/zookeeper-data.ts'

const nothing = Buffer.alloc(0)
const timeoutMs = 6_000

/** Lets the clock run in small steps, with real time in between for real sockets. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    await clock.advance(Math.min(100, left))
    await sleep(2)
  }
}

describe('a session', () => {
  it('never numbers its requests as the connection before did: late commits are matched by session and number', async () => {
    await using server = await startFakeZookeeper()
    let draws = 0
    // Odd draws are small, even ones large: the ring of servers and the back-off draw too.
    await using client = runClient(
      { connect: server.connect, sessionTimeoutMs: timeoutMs },
      { random: () => (++draws * 0.381_966) % 1 },
    )
    const { zookeeper } = client
    await zookeeper.create('/a', nothing)
    server.dropConnections()
    await until('connected again', () => client.states().length >= 3)
    await zookeeper.create('/b', nothing)

    const creations = server.requests.filter(({ opcode }) => opcode === opcodes.create || opcode === opcodes.create2)
    const [first, second] = creations.map(({ xid }) => xid)
    expect(creations).toHaveLength(2)
    expect(first).toBeGreaterThan(0)
    expect(second).toBeGreaterThan(0)
    expect(Math.abs((second ?? 0) - (first ?? 0))).toBeGreaterThan(1_000)
  })

  it('pings after a third of the session timeout without a request', async () => {
    await using server = await startFakeZookeeper()
    const clock = fakeClock()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs }, { clock })
    await until('connected', () => client.zookeeper.state() === 'connected')
    const pings = (): number => server.requests.filter(({ opcode }) => opcode === opcodes.ping).length

    await pass(clock, timeoutMs / 3 - 200)
    expect(pings()).toBe(0)
    await pass(clock, 400)
    expect(pings()).toBe(1)
    await pass(clock, timeoutMs * 3)

    expect(pings()).toBeGreaterThanOrEqual(8)
    expect(client.states()).toEqual(['connected'])
  })

  it('notices a dead peer within two thirds of the session timeout', async () => {
    await using server = await startFakeZookeeper()
    const clock = fakeClock()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs }, { clock })
    await until('connected', () => client.zookeeper.state() === 'connected')
    await client.zookeeper.create('/b', nothing)
    server.freeze()
    const waiting = client.zookeeper.create('/a', nothing).catch((error: unknown) => error)

    await pass(clock, (timeoutMs * 2) / 3 - 400)
    expect(client.states()).toEqual(['connected'])
    await pass(clock, 400)

    expect(client.states()).toEqual(['connected', 'connecting'])
    expect(await waiting).toBeInstanceOf(UnavailableError)
  })

  it('does not take a stand-still of its own process for silence of the server', async () => {
    await using server = await startFakeZookeeper()
    const inner = fakeClock()
    let stalledMs = 0
    const clock = { ...inner, monotonic: () => inner.monotonic() + stalledMs }
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs }, { clock })
    await until('connected', () => client.zookeeper.state() === 'connected')

    stalledMs = timeoutMs
    await pass(inner, timeoutMs)

    expect(client.states()).toEqual(['connected'])
  })

  it('gives a server that accepts and says nothing its share of the time, and goes to the next', async () => {
    const data = createFakeData()
    await using frozen = await startFakeZookeeper({ data })
    await using healthy = await startFakeZookeeper({ data })
    frozen.handshake = 'silent'
    const clock = fakeClock()
    await using client = runClient(
      { connect: `${frozen.connect},${healthy.connect}`, sessionTimeoutMs: timeoutMs },
      { clock, random: () => 0.99 },
    )
    await until('an attempt', () => frozen.hellos.length === 1)

    await pass(clock, timeoutMs / 2 - 100)
    expect(healthy.hellos).toHaveLength(0)
    await pass(clock, 200)
    await until('connected', () => client.zookeeper.state() === 'connected')

    expect(client.changes).toMatchObject([{ state: 'connected', server: healthy.connect }])
  })

  it('starts each connection with an empty receive buffer', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs })
    await client.zookeeper.create('/a', Buffer.alloc(1_000, 'x'))
    let cuts = 0
    server.onRequest = ({ opcode }) => (opcode === opcodes.getData && cuts++ === 0 ? { kind: 'cut' } : undefined)

    const { data } = await client.zookeeper.getData('/a')

    expect(data).toHaveLength(1_000)
    expect(server.handshakes()).toBe(2)
    expect(client.zookeeper.counters()).toMatchObject({ connections: 2, malformedFrames: 0, expiries: 0 })
  })

  it('makes errors of codes that nobody has heard of', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs })
    const answers = [-125, -999]
    server.onRequest = ({ opcode }) =>
      opcode === opcodes.setData ? { kind: 'error', code: answers.shift() ?? 0 } : undefined

    await expect(client.zookeeper.setData('/a', nothing)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
    await expect(client.zookeeper.setData('/a', nothing)).rejects.toMatchObject({ code: 'UNKNOWN', number: -999 })
    expect(client.states()).toEqual(['connected'])
  })

  it('settles what waits while there is no server at its deadline, and when the session expires', async () => {
    const server = await startFakeZookeeper()
    const clock = fakeClock()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs }, { clock })
    await until('connected', () => client.zookeeper.state() === 'connected')
    await server.stop()
    await until('connecting', () => client.zookeeper.state() === 'connecting')

    const outcomes: string[] = []
    const note = (name: string) => (error: unknown) => outcomes.push(`${name} ${String(error)}`)
    const short = client.zookeeper.exists('/a', { timeoutMs: 1_000 }).catch(note('short'))
    const long = client.zookeeper.exists('/a', { timeoutMs: 60_000 }).catch(note('long'))
    await pass(clock, 1_000)
    expect(outcomes).toEqual(['short UnavailableError: Look for "/a": no answer in 1000 ms'])
    await pass(clock, (timeoutMs * 4) / 3)
    await until('both settled', () => outcomes.length === 2)
    await Promise.all([short, long])

    expect(outcomes[1]).toMatch(/^long ZookeeperError: Look for "\/a": No server answered for \d+ ms$/)
    expect(client.states()).toEqual(['connected', 'connecting', 'expired'])
    expect(client.zookeeper.session()).toBeUndefined()
    expect(client.zookeeper.confirmedUntil()).toBeUndefined()
  })

  it('asks for a new session after an expiry, not for the old one again', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs })
    const { zookeeper } = client
    const events: string[] = []
    await zookeeper.create('/a', nothing, { mode: 'ephemeral' })
    await zookeeper.exists('/b', { watch: ({ type }) => events.push(type) })
    const old = zookeeper.session()?.id ?? 0n

    server.data.endSession(old)
    await until('a new session', () => client.states().filter((state) => state === 'connected').length === 2)

    expect(client.states()).toEqual(['connected', 'connecting', 'expired', 'connected'])
    expect(server.hellos.map(({ sessionId }) => sessionId)).toEqual([0n, old, 0n])
    expect(server.hellos.at(-1)?.lastZxidSeen).toBe(0n)
    expect(zookeeper.session()?.id).not.toBe(old)
    expect(events).toEqual(['lost'])
    expect(await zookeeper.exists('/a')).toBeUndefined()
  })

  it('takes another session than its own for an expiry', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs })
    await client.zookeeper.sync()
    const old = client.zookeeper.session()?.id

    server.handshake = 'new-session'
    server.dropConnections()
    await until('connected again', () => client.states().filter((state) => state === 'connected').length === 2)

    expect(client.states()).toEqual(['connected', 'connecting', 'expired', 'connected'])
    expect(client.changes.at(-1)).toMatchObject({ isNewSession: true })
    expect(client.zookeeper.session()?.id).not.toBe(old)
  })

  it('gives the session up when every server refuses it for a session timeout', async () => {
    const data = createFakeData()
    await using first = await startFakeZookeeper({ data })
    await using second = await startFakeZookeeper({ data })
    const clock = fakeClock()
    await using client = runClient(
      { connect: `${first.connect},${second.connect}`, sessionTimeoutMs: timeoutMs },
      { clock },
    )
    const { zookeeper } = client
    await zookeeper.create('/a', nothing)
    await zookeeper.create('/b', nothing)

    data.wipe()
    first.dropConnections()
    second.dropConnections()
    await pass(clock, timeoutMs - 2_000)
    expect(client.states()).toEqual(['connected', 'connecting'])
    await pass(clock, 4_000)
    await until('a new session', () => zookeeper.state() === 'connected')

    expect(client.states()).toEqual(['connected', 'connecting', 'expired', 'connected'])
    expect(await zookeeper.exists('/a')).toBeUndefined()
  })

  it('does not believe in the zxid of a notification', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs })
    const { zookeeper } = client
    const events: string[] = []
    await zookeeper.create('/a', nothing)
    await zookeeper.getData('/a', { watch: ({ type }) => events.push(type) })
    const seen = server.data.tree.zxid()

    for (let round = 0; round < 5; round++) server.data.write('/a', String(round))
    await until('the event', () => events.length === 1)
    server.dropConnections()
    await until('connected again', () => server.hellos.length === 2)

    expect(server.data.tree.zxid()).toBe(seen + 5n)
    expect(server.hellos.at(-1)?.lastZxidSeen).toBe(seen)
  })

  it('ends within a moment although the server is frozen', async () => {
    await using server = await startFakeZookeeper()
    const client = runClient({ connect: server.connect, sessionTimeoutMs: 600 })
    await client.zookeeper.sync()
    await client.zookeeper.create('/b', nothing)
    server.freeze()
    const waiting = client.zookeeper.exists('/').catch((error: unknown) => error)

    const startedAt = performance.now()
    await client.stop()

    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(await waiting).toBeInstanceOf(UnavailableError)
    expect(client.states().at(-1)).toBe('closed')
  })

  it('can run again after it has ended', async () => {
    await using server = await startFakeZookeeper()
    const client = runClient({ connect: server.connect, sessionTimeoutMs: timeoutMs })
    await client.zookeeper.create('/a', nothing)
    await client.stop()

    const again = new AbortController()
    const done = client.zookeeper.run(again.signal)
    const found = await client.zookeeper.exists('/a')
    again.abort()
    await done

    expect(found).toBeDefined()
    expect(client.states()).toEqual(['connected', 'closed', 'connected', 'closed'])
  })
})
