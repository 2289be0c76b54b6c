import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Registration } from '../../src/model/registration.ts'
import { encodeMember } from '../../src/targets/member-document.ts'
import { memberPath } from '../../src/targets/member-name.ts'
import { errorCodes } from '../../src/zookeeper/errors.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { contractLingerSeconds } from '../contract/registry.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'
import { registration, registrations } from '../targets/samples.ts'
import { fastClock, type RunningReplica, runReplica, untilReady } from './zookeeper-registry-world.ts'

const signal = AbortSignal.timeout(600_000)
const anybody = { sessionId: 0n, ids: new Set(['world:anyone']) }

let zookeeper: FakeZookeeper
let folder: string
let replicas: RunningReplica[]

beforeEach(async () => {
  zookeeper = await startFakeZookeeper()
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-ends-'))
  replicas = []
})
afterEach(async () => {
  for (const replica of replicas) await replica.stop()
  await zookeeper.stop()
  await rm(folder, { recursive: true })
})

/** Ten times faster than life. */
async function start(name: string, holder = name, lingerSeconds = contractLingerSeconds): Promise<RunningReplica> {
  const storagePath = join(folder, name)
  const options = { connect: zookeeper.connect, storagePath, sessionTimeoutMs: 60_000, holder, lingerSeconds }
  const replica = runReplica(options, fastClock(10))
  replicas.push(replica)
  await untilReady(replica)
  return replica
}

const pathOf = (one: Registration) => `/targets/${memberPath(one, one.incarnation)}`
const isThere = (one: Registration) => zookeeper.data.tree.has(pathOf(one))
const ownerOf = (one: Registration) => zookeeper.data.tree.stat(pathOf(one)).ephemeralOwner
const statusOf = (one: Registration) => JSON.parse(String(zookeeper.data.tree.data(pathOf(one), anybody).data)).status
const put = ({ registry }: RunningReplica, ...many: Registration[]) => registry.put(many, signal)
const withdraw = ({ registry }: RunningReplica, one: Registration) => registry.withdraw(one.id, undefined, signal)
const listed = ({ registry }: RunningReplica) =>
  (registry.view()?.targets ?? []).map(({ registration: { instance }, state }) => `${instance} ${state}`)

it('does not bring back who was withdrawn before anybody had seen it', async () => {
  const replica = await start('a')
  const many = registrations(20)
  const seen = new Set<string>()

  await put(replica, ...many)
  await Promise.all(many.map((one) => withdraw(replica, one)))
  const timer = setInterval(() => {
    for (const one of listed(replica)) seen.add(one)
  }, 1)
  await sleep(500)
  clearInterval(timer)

  expect([...seen]).toEqual([])
  expect(many.some(isThere)).toBe(false)
})

it('leaves a member alone that another replica registered right after its end', async () => {
  const [a, b] = [await start('a'), await start('b')]
  await put(a, registration())
  await withdraw(a, registration())
  expect(statusOf(registration())).toBe('STOPPED')

  await put(b, registration())
  const owner = ownerOf(registration())
  await sleep(400)

  expect(ownerOf(registration())).toBe(owner)
  expect(statusOf(registration())).toBe('ALIVE')
  expect(listed(b)).toEqual(['tm-1 listed'])
  await expect.poll(() => listed(a)).toEqual(['tm-1 listed'])
})

it('takes away the mark of an end that an earlier process had no time to', async () => {
  const first = await start('a')
  await put(first, registration())
  await withdraw(first, registration())
  await first.stop()
  expect(statusOf(registration())).toBe('STOPPED')

  const second = await start('a')

  expect(listed(second)).toEqual([])
  await expect.poll(() => isThere(registration())).toBe(false)
})

it('writes members although one that nobody wants may not be deleted', async () => {
  const replica = await start('a')
  await put(replica, registration({ incarnation: '2' }))
  zookeeper.onRequest = ({ opcode }) =>
    opcode === opcodes.delete ? { kind: 'error', code: errorCodes.NO_AUTH } : undefined
  zookeeper.data.create(pathOf(registration()), Buffer.from(encodeMember(registration())).toString(), 0x77n)
  await sleep(100)

  const [receipt] = await put(replica, registration({ instance: 'other', address: '10.0.0.8:1' }))

  expect(receipt?.outcome).toBe('created')
  expect(isThere(registration())).toBe(true)
})

it('writes members although another one cannot be written', async () => {
  const replica = await start('a')
  const [kept, other] = registrations(2)
  await put(replica, kept!)
  zookeeper.onRequest = ({ opcode }) =>
    opcode === opcodes.setData ? { kind: 'error', code: errorCodes.NO_AUTH } : undefined
  await expect(put(replica, { ...kept!, labels: { team: 'a' } })).rejects.toThrow('NO_AUTH')

  const [receipt] = await put(replica, other!)

  expect(receipt?.outcome).toBe('created')
  zookeeper.onRequest = () => undefined
  await expect.poll(() => String(zookeeper.data.tree.data(pathOf(kept!), anybody).data)).toContain('"team":"a"')
})

it('knows which replica has a registration that it does not have itself', async () => {
  const [a, b] = [await start('a', 'http://a:10390'), await start('b', 'http://b:10390')]
  await put(a, registration())
  await expect.poll(() => listed(b)).toEqual(['tm-1 listed'])

  expect(b.registry.holderOf(registration().id)).toBe('http://a:10390')
  expect(a.registry.holderOf(registration().id)).toBeUndefined()
  expect(b.registry.holderOf('payments/orders/taskmanager/nobody')).toBeUndefined()

  await put(b, registration())
  await expect.poll(() => a.registry.holderOf(registration().id)).toBe('http://b:10390')
})

it('ends through one replica what another has acknowledged a moment ago', async () => {
  const [a, b] = [await start('a'), await start('b')]
  const many = registrations(10)

  await put(b, ...many)
  const outcomes = await Promise.all(many.map((one) => withdraw(a, one)))

  expect(outcomes).toEqual(many.map(() => 'ended'))
  await expect.poll(() => [listed(a), listed(b)], { timeout: 10_000 }).toEqual([[], []])
})

it('ends both lives when the newer one ends at the replica that had the older one', async () => {
  const [a, b] = [await start('a'), await start('b')]
  const older = registration()
  const newer = registration({ incarnation: '2' })
  await put(a, older)
  await expect.poll(() => listed(b), { timeout: 10_000 }).toHaveLength(1)

  await put(b, newer)
  expect(await a.registry.withdraw(newer.id, '2', signal)).toBe('ended')

  await expect.poll(() => [listed(a), listed(b)], { timeout: 10_000 }).toEqual([[], []])
  await expect.poll(() => [isThere(older), isThere(newer)], { timeout: 10_000 }).toEqual([false, false])
})

it('is told by another replica that one that is lost here has ended', async () => {
  const [a, b] = [await start('a', 'a', 600), await start('b', 'b', 600)]
  const one = registration({ leaseSeconds: 5 })
  await put(a, one)
  await expect.poll(() => listed(a), { timeout: 10_000 }).toEqual(['tm-1 lingering'])
  await expect.poll(() => isThere(one), { timeout: 10_000 }).toBe(false)

  await withdraw(b, one)

  await expect.poll(() => listed(a), { timeout: 2_000 }).toEqual([])
  expect(a.registry.explain(one.id)?.departures).toMatchObject([{ why: 'its end was announced' }])
})

it('lets a new life have the place of one that is lost here, whatever its incarnation is called', async () => {
  const [a, b] = [await start('a', 'a', 600), await start('b', 'b', 600)]
  const lost = registration({ incarnation: 'first', leaseSeconds: 5 })
  const next = registration({ incarnation: 'second', address: '10.0.0.8:9250', leaseSeconds: 3_600 })
  await put(a, lost)
  await expect.poll(() => listed(a), { timeout: 10_000 }).toEqual(['tm-1 lingering'])
  await expect.poll(() => isThere(lost), { timeout: 10_000 }).toBe(false)

  await put(b, next)

  const lifeAt = ({ registry }: RunningReplica) => registry.find(next.id)?.registration.incarnation
  await expect.poll(() => [lifeAt(a), lifeAt(b)], { timeout: 10_000 }).toEqual(['second', 'second'])
  const { mzxid } = zookeeper.data.tree.stat(pathOf(next))
  await sleep(300)
  expect(zookeeper.data.tree.stat(pathOf(next)).mzxid).toBe(mzxid)
})

it('does not bring back one that is lost here when another id has had its address', async () => {
  const [a, b] = [await start('a', 'a', 600), await start('b', 'b', 600)]
  const [lost, winner] = registrations(2, { address: '10.0.0.7:9250', leaseSeconds: 5 })
  await put(a, lost!)
  await expect.poll(() => listed(a), { timeout: 10_000 }).toEqual(['tm-0 lingering'])
  await expect.poll(() => isThere(lost!), { timeout: 10_000 }).toBe(false)

  await put(b, winner!)
  await expect.poll(() => listed(a), { timeout: 2_000 }).toEqual(['tm-1 listed'])
  await withdraw(b, winner!)

  await expect.poll(() => [listed(a), listed(b)], { timeout: 2_000 }).toEqual([[], []])
})

it('does not bring back what ended elsewhere while it was away for less than its session', async () => {
  const [a, b] = [await start('a'), await start('b')]
  const one = registration({ leaseSeconds: 3_600 })
  await put(b, one)
  await expect.poll(() => listed(a), { timeout: 10_000 }).toHaveLength(1)
  await b.stop()

  expect(await withdraw(a, one)).toBe('ended')
  await expect.poll(() => listed(a), { timeout: 10_000 }).toEqual([])
  await sleep(500)
  const again = await start('b')

  await expect.poll(() => listed(again), { timeout: 2_000 }).toEqual([])
  await expect.poll(() => isThere(one), { timeout: 10_000 }).toBe(false)
  expect([listed(a), listed(again)]).toEqual([[], []])
})
