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
async function start(name: string, holder = name): Promise<RunningReplica> {
  const options = { connect: zookeeper.connect, storagePath: join(folder, name), sessionTimeoutMs: 60_000, holder }
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
