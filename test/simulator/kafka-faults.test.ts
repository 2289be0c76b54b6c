import { describe, expect, it } from 'vitest'
import { encodeRequestHeader } from '../../src/kafka-wire/headers.ts'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { openKafkaSocket } from '../contract/kafka-socket.ts'
import { askCommits, askMetadata, askOffset, metadataRequest } from './ask.ts'

async function start(brokers = 1) {
  const cluster = await createKafkaCluster({ brokers })
  const { state, faults } = cluster
  state.createTopic('orders', 1)
  state.append('orders', 0, 10)
  const at = (broker: number) => cluster.bootstrap[broker - 1] ?? ''
  return { cluster, state, faults, at, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() }
}

describe('The faults of a simulated cluster', () => {
  it('refuse one broker until it accepts again, on the same port', async () => {
    await using world = await start(2)
    const { faults, at } = world
    await using open = await openKafkaSocket(at(1))
    await faults.refuse(1)

    await open.closed
    await expect(openKafkaSocket(at(1))).rejects.toThrow('ECONNREFUSED')
    expect((await askMetadata(at(2))).brokers).toHaveLength(2)
    await faults.accept(1)
    expect(await askOffset(at(1), 'orders', 0)).toBe(10n)
  })

  it('freeze one broker, which answers everything when it goes on', async () => {
    await using world = await start(2)
    const { faults, at } = world
    faults.freeze(1)
    await using socket = await openKafkaSocket(at(1))
    const answer = socket.ask(metadataRequest.api, metadataRequest.version, metadataRequest.body)
    let isAnswered = false
    void answer.then(() => {
      isAnswered = true
    })
    await askMetadata(at(2))

    expect(isAnswered).toBe(false)
    faults.thaw(1)
    await answer
  })

  it('end the connections of one broker', async () => {
    await using world = await start(2)
    const { faults, at } = world
    await using one = await openKafkaSocket(at(1))
    await using two = await openKafkaSocket(at(2))
    await one.ask(metadataRequest.api, metadataRequest.version, metadataRequest.body)
    faults.disconnect(1)

    await one.closed
    await two.ask(metadataRequest.api, metadataRequest.version, metadataRequest.body)
  })

  it('say how long the client was throttled', async () => {
    await using world = await start()
    world.faults.throttle(30_000)

    expect((await askMetadata(world.at(1))).throttleMs).toBe(30_000)
  })

  it('answer the next requests of an API with errors in turn', async () => {
    await using world = await start()
    const { faults, at, state } = world
    state.commit('billing', 'orders', 0, 3n)
    faults.errorFor('ListOffsets', 'LEADER_NOT_AVAILABLE', 'NONE', 'OFFSET_NOT_AVAILABLE')
    faults.errorFor('OffsetFetch', 'COORDINATOR_LOAD_IN_PROGRESS')

    expect(await askOffset(at(1), 'orders', 0)).toBe('LEADER_NOT_AVAILABLE')
    expect(await askOffset(at(1), 'orders', 0)).toBe(10n)
    expect(await askOffset(at(1), 'orders', 0)).toBe('OFFSET_NOT_AVAILABLE')
    expect(await askOffset(at(1), 'orders', 0)).toBe(10n)
    expect(await askCommits(at(1), 'billing')).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    expect(await askCommits(at(1), 'billing')).toEqual({ 'orders-0': 3n })
  })

  it('put other bytes on the wire', async () => {
    await using world = await start()
    world.faults.lie(({ api, bytes }) => {
      const lie = Buffer.from(bytes)
      if (api === 'Metadata') lie.writeInt32BE(99, 4)
      return lie
    })

    await expect(askMetadata(world.at(1))).rejects.toThrow('99')
    expect(await askOffset(world.at(1), 'orders', 0)).toBe(10n)
    world.faults.lie(undefined)
    expect((await askMetadata(world.at(1))).topics).toHaveLength(1)
  })

  it('let bytes drip', async () => {
    await using world = await start()
    world.faults.lie(async function* ({ bytes }) {
      for (const byte of bytes) yield Uint8Array.of(byte)
    })

    expect(await askOffset(world.at(1), 'orders', 0)).toBe(10n)
  })

  it('say nothing in place of an answer', async () => {
    await using world = await start()
    await using socket = await openKafkaSocket(world.at(1))
    const { api, version, body } = metadataRequest
    world.faults.lie(() => 'silence')
    socket.send(encodeRequestHeader(api, version, 1), body)

    await expect(socket.frame(200)).rejects.toThrow('no answer')
    world.faults.lie(undefined)
    await socket.ask(api, version, body)
  })

  it('end the connection in place of an answer', async () => {
    await using world = await start()
    world.faults.lie(() => 'close')

    await expect(askMetadata(world.at(1))).rejects.toThrow('closed by the peer')
  })

  it('are counted as requests all the same, by broker, API and version', async () => {
    await using world = await start(2)
    const { requests } = world.cluster
    world.faults.errorFor('Metadata', 'UNKNOWN_SERVER_ERROR')
    await askMetadata(world.at(1))
    await askMetadata(world.at(2))
    await askOffset(world.at(1), 'orders', 0)

    expect(requests.counts()).toEqual([
      { broker: 1, api: 'Metadata', version: 12, count: 1 },
      { broker: 2, api: 'Metadata', version: 12, count: 1 },
      { broker: 1, api: 'ListOffsets', version: 8, count: 1 },
    ])
    expect([requests.total(), requests.total('Metadata'), requests.total(undefined, 1)]).toEqual([3, 2, 2])
    requests.reset()
    expect(requests.total()).toBe(0)
  })
})

describe('A simulated cluster', () => {
  it('runs until it is told to stop, and again on the same ports', async () => {
    const cluster = await createKafkaCluster()
    const [address = ''] = cluster.bootstrap
    for (const round of [1, 2]) {
      const stop = new AbortController()
      const run = cluster.run(stop.signal)
      await expect.poll(() => askMetadata(address).then(() => round)).toBe(round)
      stop.abort()
      await run
      await expect(openKafkaSocket(address)).rejects.toThrow('ECONNREFUSED')
    }
  })
})
