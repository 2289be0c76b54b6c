import { describe, expect, it } from 'vitest'
import { encode } from '../../src/zookeeper/jute.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { replyHeader, stat, watcherEvent } from '../../src/zookeeper/records.ts'
import { runClient, until } from '../contract/zookeeper-world.ts'
import { chooseSeed } from '../fakes/mutate.ts'
import { framed, startFakeZookeeper } from '../fakes/zookeeper.ts'
import { createFakeData } from '../fakes/zookeeper-data.ts'
import { damageAll } from './mutations.ts'

const reply = (xid: number, error = 0): Buffer => encode((w) => replyHeader.write(w, { xid, zxid: 1n, error }))

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

describe('a hostile server', () => {
  it('cannot make a decoder throw anything but a DecodeError', () => {
    const seed = chooseSeed()

    for (const { codec, escaped, read, refused } of damageAll(seed, 2_000)) {
      expect(escaped, `${codec}, LAGKEEPER_SEED=${seed}`).toEqual([])
      expect(read + refused).toBe(2_000)
    }
  })

  it.each([
    ['length -1', () => int(-1)],
    ['length 0', () => int(0)],
    ['length 2', () => Buffer.concat([int(2), Buffer.from([1, 2])])],
    ['length 2^31 - 1', () => Buffer.concat([int(2 ** 31 - 1), Buffer.alloc(64)])],
    ['a truncated body', (xid: number) => framed(reply(xid), Buffer.alloc(20))],
    ['another request number', (xid: number) => framed(reply(xid + 1), Buffer.alloc(68))],
    ['an absurd vector', (xid: number) => framed(reply(xid), int(0x7fff_fff0), Buffer.alloc(60))],
    ['a reply to nothing', () => framed(reply(-8))],
    ['a broken event', () => framed(reply(-1), Buffer.from([0, 0]))],
  ] as const)('that answers with %s loses the connection, and the next server is asked', async (_, malformed) => {
    const data = createFakeData()
    await using hostile = await startFakeZookeeper({ data })
    await using honest = await startFakeZookeeper({ data })
    data.create('/a', '')
    data.create('/a/b', '')
    hostile.onRequest = ({ xid, opcode }) =>
      opcode === opcodes.getChildren2 ? { kind: 'raw', bytes: malformed(xid) } : undefined
    await using client = runClient(
      { connect: `${hostile.connect},${honest.connect}`, sessionTimeoutMs: 6_000 },
      { random: () => 0.99 },
    )
    const { zookeeper } = client

    // The first request without an answer is taken for the culprit and not sent again.
    const first = await zookeeper.getChildren('/a').catch((error: unknown) => error)
    const second = await zookeeper.getChildren('/a')

    expect(first).toMatchObject({ name: 'DecodeError' })
    expect(second.children).toEqual(['b'])
    expect(zookeeper.counters()).toMatchObject({ malformedFrames: 1, connections: 2, expiries: 0 })
    expect(client.changes.at(-1)).toMatchObject({ state: 'connected', isNewSession: false, server: honest.connect })
  })

  it('that answers the handshake with nonsense is left', async () => {
    const data = createFakeData()
    await using hostile = await startFakeZookeeper({ data })
    await using honest = await startFakeZookeeper({ data })
    hostile.handshake = 'silent'
    await using client = runClient(
      { connect: `${hostile.connect},${honest.connect}`, sessionTimeoutMs: 6_000 },
      { random: () => 0.99 },
    )
    await until('a handshake', () => hostile.hellos.length === 1)

    hostile.sendRaw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await until('connected', () => client.zookeeper.state() === 'connected')

    expect(client.changes).toMatchObject([{ state: 'connected', server: honest.connect }])
    expect(client.zookeeper.counters()).toMatchObject({ malformedFrames: 1 })
  })

  it('that sends unknown events and replies with more than was asked does no harm', async () => {
    await using server = await startFakeZookeeper()
    await using client = runClient({ connect: server.connect, sessionTimeoutMs: 6_000 })
    const { zookeeper } = client
    const events: string[] = []
    server.data.create('/a', 'x')
    await zookeeper.getData('/a', { watch: ({ type }) => events.push(type) })
    const zero = server.data.tree.stat('/a')
    server.onRequest = ({ xid, opcode }) => {
      const body = encode((w) => stat.write(w, zero))
      return opcode === opcodes.exists ? { kind: 'raw', bytes: framed(reply(xid), body, Buffer.alloc(100)) } : undefined
    }

    server.sendRaw(
      framed(
        reply(-1),
        encode((w) => watcherEvent.write(w, { type: 77, state: 3, path: '/a' })),
      ),
    )
    server.sendRaw(
      framed(
        reply(-1),
        encode((w) => watcherEvent.write(w, { type: 3, state: 3, path: '' })),
      ),
    )
    const found = await zookeeper.exists('/a')

    expect(found).toEqual(zero)
    expect(events).toEqual([])
    expect(client.states()).toEqual(['connected'])
  })
})
