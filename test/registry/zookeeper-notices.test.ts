import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Registration } from '../../src/model/registration.ts'
import { decodeNotice, encodeNotice } from '../../src/registry/notice.ts'
import { createBell } from '../../src/runtime/bell.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { memberPath } from '../../src/targets/member-name.ts'
import { startTcpProxy, type TcpProxy } from '../fakes/tcp-proxy.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'
import { registration, registrations } from '../targets/samples.ts'
import { fastClock, type RunningReplica, runReplica, untilReady } from './zookeeper-registry-world.ts'

const signal = AbortSignal.timeout(600_000)
const anybody = { sessionId: 0n, ids: new Set(['world:anyone']) }
/** No lease ends in a test. */
const leaseSeconds = 3_600
const one = registration({ leaseSeconds })

describe.each(['3.9', '3.4'] as const)('on ZooKeeper %s', (version) => {
  const bell = createBell()
  let zookeeper: FakeZookeeper
  let folder: string
  let running: Map<string, RunningReplica>
  /** Whom the others see. */
  let present: Set<string>
  let warnings: string[]
  /** The way of replica a to ZooKeeper. */
  let wire: TcpProxy

  beforeEach(async () => {
    zookeeper = await startFakeZookeeper({ version })
    wire = await startTcpProxy(zookeeper.port)
    folder = await mkdtemp(join(tmpdir(), 'lagkeeper-notices-'))
    running = new Map()
    present = new Set()
    warnings = []
  })
  afterEach(async () => {
    for (const replica of running.values()) await replica.stop()
    await wire.stop()
    await zookeeper.stop()
    await rm(folder, { recursive: true })
  })

  const logger: Logger = {
    ...silentLogger,
    warn: (fields, message) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
    child: () => logger,
  }

  /** Ten times faster than life, with sessions of 60 s. */
  async function start(name: string, isPresent = true): Promise<RunningReplica> {
    const connect = name === 'a' ? `127.0.0.1:${wire.port}` : zookeeper.connect
    const replica = runReplica(
      { connect, storagePath: join(folder, name), sessionTimeoutMs: 60_000, holder: name },
      fastClock(10),
      { presence: { isPresent: (holder) => present.has(holder), changes: (until) => bell.listen(until) }, logger },
    )
    running.set(name, replica)
    see(name, isPresent)
    await untilReady(replica)
    return replica
  }

  function see(name: string, isPresent: boolean): void {
    if (isPresent) present.add(name)
    else present.delete(name)
    bell.ring()
  }

  /** It stops without a word. */
  async function stop(name: string): Promise<void> {
    await running.get(name)?.stop()
    running.delete(name)
  }

  /** It stops, ZooKeeper gives its session up, and the others notice. */
  async function lose(name: string): Promise<void> {
    await stop(name)
    const { sessions } = JSON.parse(await readFile(join(folder, name, 'zookeeper.session'), 'utf8'))
    for (const { id } of sessions) zookeeper.data.endSession(BigInt(id))
    see(name, false)
  }

  const put = ({ registry }: RunningReplica, ...many: Registration[]) => registry.put(many, signal)
  const withdraw = ({ registry }: RunningReplica, { id }: Registration, incarnation?: string) =>
    registry.withdraw(id, incarnation, signal)
  const listed = ({ registry }: RunningReplica) =>
    (registry.view()?.targets ?? []).map(
      ({ registration: { instance, incarnation }, state }) => `${instance} ${incarnation} ${state}`,
    )
  const eventually = (replica: RunningReplica, ...expected: string[]) =>
    expect.poll(() => listed(replica), { timeout: 5_000, interval: 5 }).toEqual(expected)
  const pathOf = (member: Registration) => `/targets/${memberPath(member, member.incarnation)}`
  const isThere = (member: Registration) => zookeeper.data.tree.has(pathOf(member))

  /** All that have members. */
  function endSessions(): void {
    for (const { id } of [...zookeeper.data.sessions.values()])
      if (zookeeper.data.tree.ephemeralsOf(id).length > 0) zookeeper.data.endSession(id)
  }

  function notices(name: string): readonly string[] {
    const { tree } = zookeeper.data
    if (!tree.has(`/notices/${name}`)) return []
    return tree.children(`/notices/${name}`, anybody).children.map((child) => `/notices/${name}/${child}`)
  }

  const told = (name: string): readonly string[] =>
    notices(name).flatMap((path) => {
      const over = decodeNotice(zookeeper.data.tree.data(path, anybody).data ?? Buffer.alloc(0))
      return 'why' in over ? [] : [...over.values()]
    })
  const untilTold = (name: string, ...ids: string[]) =>
    expect.poll(() => told(name), { timeout: 5_000, interval: 5 }).toEqual(ids)

  /** All that it ever lists from now on, for as long as a few looks take. */
  async function everListed(replica: RunningReplica): Promise<readonly string[]> {
    const seen = new Set<string>()
    for (let turn = 0; turn < 60; turn++) {
      for (const entry of listed(replica)) seen.add(entry)
      await sleep(5)
    }
    return [...seen]
  }

  it('does not bring back what ended elsewhere while it was away for longer than its session', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, one)
    await eventually(b, 'tm-1 1 listed')
    await stop('a')
    expect(await withdraw(b, one)).toBe('ended')
    await lose('a')
    await untilTold('a', one.id)

    const again = await start('a')

    expect(await everListed(again)).toEqual([])
    expect(isThere(one)).toBe(false)
    expect(again.registry.explain(one.id)?.departures).toMatchObject([{ why: expect.stringContaining('away') }])
    await expect.poll(() => notices('a'), { timeout: 10_000 }).toEqual([])
  })

  it('does not bring back what ended elsewhere after its session had been lost', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, one)
    await eventually(b, 'tm-1 1 listed')
    await lose('a')
    await expect.poll(() => listed(b)).toEqual(['tm-1 1 lingering'])

    expect(await withdraw(b, one)).toBe('ended')

    expect(told('a')).toEqual([one.id])
    expect(await everListed(await start('a'))).toEqual([])
  })

  it('does not bring back what ended elsewhere when nobody listed it any more', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, one)
    await eventually(b, 'tm-1 1 listed')
    await lose('a')
    await eventually(b)

    expect(await withdraw(b, one, '1')).toBe('unknown')

    expect(told('a')).toEqual([one.id])
    expect(await everListed(await start('a'))).toEqual([])
  })

  it('does not bring back what moved and then ended, though the replica that it moved to was restarted in between', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, one)
    await eventually(b, 'tm-1 1 listed')
    await lose('a')
    await put(b, one)
    await untilTold('a', one.id)
    await stop('b')
    const second = await start('b')
    await eventually(second, 'tm-1 1 listed')
    await withdraw(second, one)

    expect(await everListed(await start('a'))).toEqual([])
  })

  it('tells what had moved a moment before the replica was lost', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, one)
    await eventually(b, 'tm-1 1 listed')
    await stop('a')
    await put(b, one)
    await sleep(200)
    expect(notices('a')).toEqual([])

    see('a', false)

    await untilTold('a', one.id)
  })

  it('does not bring back what moved and ended within its session', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, one)
    await eventually(b, 'tm-1 1 listed')
    await stop('a')

    await put(b, one)
    await withdraw(b, one)
    await expect.poll(() => isThere(one), { timeout: 10_000 }).toBe(false)

    expect(await everListed(await start('a'))).toEqual([])
    expect(isThere(one)).toBe(false)
  })

  it('does not write again what moved and ended while it was frozen', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const other = registration({ instance: 'other', address: '10.0.0.8:1', leaseSeconds })
    await put(a, one, other)
    await eventually(b, 'tm-1 1 listed', 'other 1 listed')
    wire.block()

    await put(b, one)
    await withdraw(b, one)
    await expect.poll(() => isThere(one), { timeout: 10_000 }).toBe(false)
    wire.unblock()

    await eventually(a, 'other 1 listed')
    await sleep(300)
    expect([listed(a), listed(b), isThere(one)]).toEqual([['other 1 listed'], ['other 1 listed'], false])
  })

  it('gives up what others say is over when it has lost its session itself', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const many = registrations(20, { leaseSeconds })
    await put(a, ...many)
    await expect.poll(() => listed(b).length).toBe(20)
    wire.close()
    see('a', false)
    endSessions()
    for (const gone of many.slice(0, 5)) await withdraw(b, gone)
    await expect.poll(() => told('a').length, { timeout: 5_000 }).toBe(5)

    wire.open()

    await expect.poll(() => listed(a).length, { timeout: 10_000 }).toBe(15)
    await expect.poll(() => listed(b).filter((entry) => entry.endsWith('listed')).length, { timeout: 5_000 }).toBe(15)
  })

  it('knows its own life of a registration by its record, whatever incarnations are called', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const first = registration({ incarnation: 'zebra', leaseSeconds })
    const second = registration({ incarnation: 'aardvark', leaseSeconds })
    await put(a, first)
    await eventually(b, 'tm-1 zebra listed')
    await lose('a')
    await put(b, second)
    await untilTold('a', one.id)
    await withdraw(b, second, 'aardvark')

    expect(await everListed(await start('a'))).toEqual([])
  })

  it('ends an opaque life together with the one that superseded it', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const first = registration({ incarnation: 'zebra', leaseSeconds })
    await put(a, first)
    await eventually(b, 'tm-1 zebra listed')
    wire.block()

    await put(b, registration({ incarnation: 'aardvark', leaseSeconds }))
    await withdraw(b, one, 'aardvark')
    wire.unblock()

    await expect.poll(() => [listed(a), listed(b)], { timeout: 5_000 }).toEqual([[], []])
    await sleep(200)
    expect([listed(a), listed(b)]).toEqual([[], []])
  })

  it('does not bring back what lost its address to somebody who has ended', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const winner = registration({ instance: 'winner', leaseSeconds })
    await put(a, one)
    await eventually(b, 'tm-1 1 listed')
    await lose('a')
    await put(b, winner)
    await untilTold('a', one.id)
    await withdraw(b, winner)

    expect(await everListed(await start('a'))).toEqual([])
  })

  it('keeps what was registered with it again, though a notice comes that is about before', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, one)
    await eventually(b, 'tm-1 1 listed')
    await lose('a')
    await put(b, one)
    await untilTold('a', one.id)
    const late = zookeeper.data.tree.data(notices('a')[0] ?? '', anybody).data
    const back = await start('a')
    await eventually(back, 'tm-1 1 listed')
    await put(back, one)
    await expect.poll(() => b.registry.holderOf(one.id)).toBe('a')
    await lose('a')
    await stop('b')

    // As one that was taken for away for a moment, and dies before it has seen what it was told.
    zookeeper.data.create('/notices/a/notice-9999999999', String(late))
    const last = await start('a')

    await eventually(last, 'tm-1 1 listed')
    await sleep(300)
    expect(listed(last)).toEqual(['tm-1 1 listed'])
  })

  it('keeps what is registered with it before it knows what others say', async () => {
    const [a, b] = [await start('a'), await start('b')]
    await put(a, one)
    await eventually(b, 'tm-1 1 listed')
    await stop('b')
    wire.close()
    const { record } = JSON.parse(String(zookeeper.data.tree.data(pathOf(one), anybody).data))
    endSessions()
    zookeeper.data.create('/notices', '')
    zookeeper.data.create('/notices/a', '')
    zookeeper.data.create(
      '/notices/a/notice-0000000000',
      Buffer.from(encodeNotice(new Map([[record, one.id]]))).toString(),
    )
    // Its session is lost, and nothing was read since.
    wire.open()
    await expect.poll(() => a.registry.shards()?.expiries, { timeout: 10_000, interval: 1 }).toBe(1)

    const [receipt] = await put(a, one)

    expect(receipt?.outcome).toBe('renewed')
    await sleep(300)
    expect([listed(a), isThere(one)]).toEqual([['tm-1 1 listed'], true])
    await lose('a')
    expect(await everListed(await start('a'))).toEqual(['tm-1 1 listed'])
  })

  it('finds after a restart within its session what it wrote, and writes nothing again', async () => {
    const a = await start('a')
    await put(a, ...registrations(20, { leaseSeconds }))
    await put(a, ...registrations(10, { leaseSeconds, labels: { team: 'a' } }))
    const before = registrations(20).map((member) => zookeeper.data.tree.stat(pathOf(member)).mzxid)
    await stop('a')

    const again = await start('a')

    await expect.poll(() => again.registry.shards()?.members).toBe(20)
    await sleep(200)
    expect(registrations(20).map((member) => zookeeper.data.tree.stat(pathOf(member)).mzxid)).toEqual(before)
  })

  it('keeps what stands in ZooKeeper as it wrote it, whatever a notice says', async () => {
    const a = await start('a')
    const other = registration({ instance: 'other', address: '10.0.0.8:1', leaseSeconds })
    await put(a, one, other)
    const { record } = JSON.parse(String(zookeeper.data.tree.data(pathOf(one), anybody).data))
    const notice = Buffer.from(encodeNotice(new Map([[record, one.id]]))).toString()
    zookeeper.data.create('/notices', '')
    zookeeper.data.create('/notices/a', '')
    zookeeper.data.create('/notices/a/notice-0000000000', notice)

    zookeeper.data.remove(pathOf(other))

    await expect.poll(() => isThere(other), { timeout: 5_000 }).toBe(true)
    await sleep(200)
    expect([isThere(one), listed(a)]).toEqual([true, ['tm-1 1 listed', 'other 1 listed']])
  })

  it('writes nothing while registrations wander between replicas that live', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const many = registrations(30, { leaseSeconds })

    for (const [here, name, there] of [
      [a, 'a', b],
      [b, 'b', a],
      [a, 'a', b],
      [b, 'b', a],
    ] as const) {
      await put(here, ...many)
      const isHere = () => many.every(({ id }) => there.registry.holderOf(id) === name)
      await expect.poll(isHere, { timeout: 5_000 }).toBe(true)
    }
    for (const gone of many.slice(0, 10)) await withdraw(a, gone)
    await sleep(300)

    expect(notices('b')).toEqual([])
    await expect.poll(() => [listed(a).length, listed(b).length]).toEqual([20, 20])
  })

  it('does not take for a notice what is none, and says so', async () => {
    const a = await start('a')
    await put(a, one)
    await lose('a')
    zookeeper.data.create('/notices', '')
    zookeeper.data.create('/notices/a', '')
    const strange = ['', 'x', '{"over":7}', '{"over":[[1]]}', '{"over":[["1","x"]]}', 'y'.repeat(40_000)]
    for (const [index, text] of strange.entries()) zookeeper.data.create(`/notices/a/strange-${index}`, text)
    zookeeper.data.create('/notices/a/stranger', '{"over":[[999,"payments/orders/taskmanager/tm-1"],[1,"x"]]}')

    const again = await start('a')

    await eventually(again, 'tm-1 1 listed')
    expect(warnings.filter((line) => line.includes('Notice'))).toEqual(
      strange.map(() => expect.stringContaining('strange-')),
    )
  })
})
