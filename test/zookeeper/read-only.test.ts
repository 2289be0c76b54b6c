import { describe, expect, it } from 'vitest'
import { isZookeeperError } from '../../src/zookeeper/errors.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { runClient, until } from '../contract/zookeeper-world.ts'
import { startFakeZookeeper } from '../fakes/zookeeper.ts'
import { createFakeData } from '../fakes/zookeeper-data.ts'
import { startMiddleman } from './middleman.ts'

const sessionTimeoutMs = 6_000

describe('a client before a read-only server', () => {
  it('says in its handshake whether it would read from one', async () => {
    await using server = await startFakeZookeeper()
    await using usual = runClient({ connect: server.connect, sessionTimeoutMs })
    await usual.zookeeper.exists('/')
    await using frugal = runClient({ connect: server.connect, sessionTimeoutMs, allowsReadOnly: true })
    await frugal.zookeeper.exists('/')

    expect(server.hellos.map(({ readOnly }) => readOnly)).toEqual([false, true])
  })

  it('reads, passes on that writes are refused, and moves on to a server that takes them, in a session of its own', async () => {
    const data = createFakeData()
    await using cutOff = await startFakeZookeeper({ data })
    await using healthy = await startFakeZookeeper({ data })
    await using middleman = await startMiddleman(cutOff.port)
    await using other = await startMiddleman(healthy.port)
    middleman.isReadOnly = true
    other.isReadOnly = true
    cutOff.onRequest = ({ opcode }) => (opcode === opcodes.setData ? { kind: 'error', code: -119 } : undefined)
    data.create('/a', 'data')
    await using client = runClient(
      { connect: `${middleman.connect},${other.connect}`, sessionTimeoutMs, allowsReadOnly: true },
      { random: () => 0.99 },
    )
    const { zookeeper } = client
    const events: string[] = []

    const read = await zookeeper.getData('/a', { watch: ({ type }) => events.push(type) })
    const refusal = await zookeeper.setData('/a', Buffer.from('x')).catch((error: unknown) => error)
    const lent = zookeeper.session()?.id
    other.isReadOnly = false
    await until('it has moved', () => client.changes.length === 3)
    await zookeeper.setData('/a', Buffer.from('y'))

    expect(read.data.toString()).toBe('data')
    expect(isZookeeperError(refusal, 'NOT_READ_ONLY')).toBe(true)
    expect(refusal).toMatchObject({ message: expect.stringContaining('cut off from its ensemble') })
    expect(client.changes).toMatchObject([
      { state: 'connected', server: middleman.connect, isReadOnly: true },
      { state: 'connecting' },
      { state: 'connected', server: other.connect, isNewSession: true },
    ])
    expect(client.changes[2]).not.toHaveProperty('isReadOnly')
    expect(zookeeper.session()?.id).not.toBe(lent)
    expect(healthy.hellos.at(-1)?.sessionId).toBe(0n)
    expect(events).toEqual(['changed'])
  })

  it('keeps its session when a read-only server does not know it', async () => {
    const data = createFakeData()
    await using healthy = await startFakeZookeeper({ data })
    await using stranger = await startFakeZookeeper()
    await using cutOff = await startMiddleman(stranger.port)
    cutOff.isReadOnly = true
    for (let index = 0; index < 9; index++) stranger.data.create(`/filler${index}`, '')
    await using client = runClient(
      { connect: `${healthy.connect},${cutOff.connect}`, sessionTimeoutMs, allowsReadOnly: true },
      { random: () => 0.99 },
    )
    await client.zookeeper.sync()
    const id = client.zookeeper.session()?.id

    healthy.dropConnections()
    await until('it is back', () => client.changes.length === 3)

    expect(cutOff.connections()).toBeGreaterThan(0)
    expect(client.states()).toEqual(['connected', 'connecting', 'connected'])
    expect(client.zookeeper.session()?.id).toBe(id)
  })
})
