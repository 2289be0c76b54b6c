import { readFileSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Registration } from '../../src/model/registration.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { memberPath } from '../../src/targets/member-name.ts'
import { errorCodes } from '../../src/zookeeper/errors.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'
import { registrations } from '../targets/samples.ts'
import { fastClock, type RunningReplica, runReplica, untilReady } from './zookeeper-registry-world.ts'

const signal = AbortSignal.timeout(600_000)
/** Ten members fill a session, and forty all of them. */
const limits = { pathBytes: 10 * 51, sessions: 4 }

let zookeeper: FakeZookeeper
let folder: string
let replicas: RunningReplica[]

beforeEach(async () => {
  zookeeper = await startFakeZookeeper()
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-shards-'))
  replicas = []
})
afterEach(async () => {
  for (const replica of replicas) await replica.stop()
  await zookeeper.stop()
  await rm(folder, { recursive: true })
})

async function start(speed = 10, sessionTimeoutMs = 60_000): Promise<RunningReplica> {
  const options = { connect: zookeeper.connect, storagePath: folder, sessionTimeoutMs, leaseSeconds: 3_600 }
  const replica = runReplica(options, fastClock(speed), { shardLimits: limits })
  replicas.push(replica)
  await untilReady(replica)
  return replica
}

/** All with paths of 51 bytes. */
const members = (count: number, first = 10): Registration[] =>
  registrations(first + count, { leaseSeconds: 3_600 }).slice(first)
const pathOf = (one: Registration) => `/targets/${memberPath(one, one.incarnation)}`
const isThere = (one: Registration) => zookeeper.data.tree.has(pathOf(one))
const statOf = (one: Registration) => zookeeper.data.tree.stat(pathOf(one))
const ownerOf = (one: Registration) => statOf(one).ephemeralOwner
const put = ({ registry }: RunningReplica, ...many: Registration[]) => registry.put(many, signal)
const withdraw = ({ registry }: RunningReplica, one: Registration) => registry.withdraw(one.id, undefined, signal)
const listed = ({ registry }: RunningReplica) => registry.view()?.targets.length ?? 0

/** How many of them each session has. */
function perSession(many: readonly Registration[]): readonly number[] {
  const counts = new Map<bigint, number>()
  for (const one of many) counts.set(ownerOf(one), (counts.get(ownerOf(one)) ?? 0) + 1)
  return [...counts.values()]
}

it('spreads members over as many sessions as they need', async () => {
  const replica = await start()
  const many = members(25)

  await put(replica, ...many)

  expect(perSession(many)).toEqual([10, 10, 5])
  expect(replica.registry.shards()).toMatchObject({ sessions: 3, members: 25, expiries: 0 })
})

it('refuses what would be too much for all sessions, and none of it is kept', async () => {
  const replica = await start()
  await put(replica, ...members(39))
  const [last, next] = members(2, 49)

  await expect(put(replica, last!, next!)).rejects.toThrow(UnavailableError)
  await expect(put(replica, last!, next!)).rejects.toThrow(
    /have 1989 bytes, expected at most 2040 with the 102 that come/,
  )

  expect(listed(replica)).toBe(39)
  expect((await put(replica, last!))[0]?.outcome).toBe('created')
  await withdraw(replica, last!)
  await expect.poll(() => isThere(last!)).toBe(false)
  await expect.poll(async () => (await put(replica, next!).catch(() => []))[0]?.outcome).toBe('created')
})

it('counts what is on its way when it looks whether there is room', async () => {
  const replica = await start()

  const outcomes = await Promise.allSettled([put(replica, ...members(30)), put(replica, ...members(30, 50))])

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  expect(perSession(members(30))).toEqual([10, 10, 10])
})

it('changes what is there when all sessions are full', async () => {
  const replica = await start()
  await put(replica, ...members(40))
  const [one] = members(1)

  const [receipt] = await put(replica, { ...one!, labels: { team: 'a' } })

  expect(receipt?.outcome).toBe('replaced')
  expect(listed(replica)).toBe(40)
})

it('takes all its sessions over after a restart, and writes nothing', async () => {
  const many = members(35)
  const first = await start()
  await put(first, ...many)
  await first.stop()
  const before = many.map(statOf)

  const second = await start()
  await expect.poll(() => second.registry.shards()?.members).toBe(35)
  await sleep(100)

  expect(many.map(statOf)).toEqual(before)
  expect(second.registry.shards()).toMatchObject({ sessions: 4, members: 35, expiries: 0 })
  expect((await stat(join(folder, 'zookeeper.session'))).mode & 0o777).toBe(0o600)
})

it('puts back what one lost session had, and touches nothing else', async () => {
  const many = members(25)
  const replica = await start()
  await put(replica, ...many)
  const lost = ownerOf(many[12]!)
  const others = many.filter((one) => ownerOf(one) !== lost)
  const before = others.map(statOf)
  let least = 25
  const timer = setInterval(() => {
    least = Math.min(least, listed(replica))
  }, 1)

  zookeeper.data.endSession(lost)
  await expect.poll(() => many.every(isThere), { timeout: 10_000 }).toBe(true)
  await sleep(50)
  clearInterval(timer)

  expect(many.map(ownerOf)).not.toContain(lost)
  expect(others.map(statOf)).toEqual(before)
  expect(least).toBe(25)
  expect(replica.registry.shards()).toMatchObject({ sessions: 3, members: 25, expiries: 1 })
})

it('puts the members of a lost session into another one when it cannot come back itself', async () => {
  const many = members(12)
  const replica = await start()
  await put(replica, ...many)
  for (const one of many.slice(0, 2)) await withdraw(replica, one)
  await expect.poll(() => many.slice(0, 2).some(isThere)).toBe(false)
  const orphans = many.slice(10)
  const other = ownerOf(many[5]!)

  zookeeper.handshake = 'close'
  zookeeper.data.endSession(ownerOf(orphans[0]!))

  await expect.poll(() => orphans.every(isThere), { timeout: 10_000 }).toBe(true)
  expect(orphans.map(ownerOf)).toEqual([other, other])
})

it('acknowledges nothing that a session took with it when it ended', async () => {
  const replica = await start()
  const kept = members(1)[0]!
  await put(replica, kept)
  const lost = ownerOf(kept)
  zookeeper.onRequest = ({ opcode }) => {
    if (opcode !== opcodes.multi) return undefined
    zookeeper.onRequest = () => undefined
    setImmediate(() => zookeeper.data.endSession(lost))
    return { kind: 'silence' }
  }
  const many = members(3, 20)

  // Uncertain is an answer too, but "done" must be true.
  const there = await put(replica, ...many).then(
    () => many.map(isThere),
    () => 'uncertain',
  )

  expect(['uncertain', [true, true, true]]).toContainEqual(there)
  await expect.poll(() => [kept, ...many].every(isThere), { timeout: 10_000 }).toBe(true)
  expect(ownerOf(many[0]!)).not.toBe(lost)
})

it('knows after a restart what an even earlier session of its own has left', async () => {
  const many = members(5)
  const first = await start()
  await put(first, ...many)
  const before = ownerOf(many[0]!)
  // It loses its session, and the server does not know that. Before anything is written again, the process dies.
  zookeeper.onRequest = ({ opcode }) =>
    opcode === opcodes.multi ? { kind: 'error', code: errorCodes.THROTTLED_OP } : undefined
  zookeeper.handshake = 'new-session'
  zookeeper.dropConnections()
  await expect.poll(() => savedSessions().map(({ id }) => id), { timeout: 10_000 }).not.toContain(String(before))
  await first.stop()
  expect(many.map(ownerOf)).toEqual(many.map(() => before))
  zookeeper.onRequest = () => undefined
  zookeeper.handshake = 'answer'

  const second = await start()
  await expect.poll(() => many.some((one) => ownerOf(one) === before), { timeout: 10_000 }).toBe(false)

  expect(await second.registry.renew(many, signal)).toEqual([])
  await expect.poll(() => second.registry.shards()?.members).toBe(5)
})

it('does not take for granted that a silent server has what it wrote', async () => {
  const replica = await start(200)
  const one = members(1)[0]!
  await put(replica, one)

  zookeeper.freeze()
  await sleep(400)

  await expect(put(replica, one)).rejects.toThrow(UnavailableError)
  zookeeper.thaw()
  await expect
    .poll(async () => (await put(replica, one).catch(() => []))[0]?.outcome, { timeout: 10_000 })
    .toBe('renewed')
})

it('saves a session before it writes with it', async () => {
  const replica = await start()
  const saved: number[] = []
  zookeeper.onRequest = ({ opcode }) => {
    if (opcode === opcodes.multi) saved.push(savedSessions().length)
    return undefined
  }

  await put(replica, ...members(20))

  expect(perSession(members(20))).toEqual([10, 10])
  expect(saved.at(-1)).toBe(2)
})

it('closes a session that nobody needs any more, but the first', async () => {
  const replica = await start(300, 3_000_000)
  const many = members(12)
  await put(replica, ...many)
  expect(replica.registry.shards()?.sessions).toBe(2)

  for (const one of many) await withdraw(replica, one)

  await expect.poll(() => replica.registry.shards()?.sessions, { timeout: 10_000 }).toBe(1)
  await expect.poll(() => savedSessions()).toHaveLength(1)
})

function savedSessions(): readonly { readonly id: string }[] {
  return JSON.parse(readFileSync(join(folder, 'zookeeper.session'), 'utf8')).sessions
}
