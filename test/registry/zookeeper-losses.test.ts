import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Registration } from '../../src/model/registration.ts'
import type { Probe } from '../../src/registry/identity-book.ts'
import { registries } from '../../src/registry/index.ts'
import type { ZookeeperRegistry } from '../../src/registry/zookeeper.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { encodeMember } from '../../src/targets/member-document.ts'
import { memberPath } from '../../src/targets/member-name.ts'
import type { Verdict } from '../../src/targets/process-identity.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { stepFor, stepUntil } from '../fakes/stepping.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'
import { registration, registrations } from '../targets/samples.ts'

const signal = AbortSignal.timeout(600_000)
const put = async (one: Registration) => {
  let outcome: string | undefined
  void registry.put([one], signal).then(([receipt]) => {
    outcome = receipt?.outcome
  })
  await stepUntil(clock, () => outcome === undefined, false)
  return outcome
}

let clock: FakeClock
let zookeeper: FakeZookeeper
let registry: ZookeeperRegistry
let verdict: Verdict
let stop: AbortController
let done: Promise<void>

beforeEach(async () => {
  clock = fakeClock()
  zookeeper = await startFakeZookeeper()
  verdict = 'unknown'
  stop = new AbortController()
  const probe: Probe = async (_, known) => {
    // Nobody is the same as somebody who is not known.
    const isNew = known === undefined && verdict === 'same'
    return { verdict: isNew ? 'unverified' : verdict, identity: 'start=1', why: `the test says ${verdict}` }
  }
  registry = registries.zookeeper(
    {
      connect: zookeeper.connect,
      storagePath: undefined,
      lingerSeconds: 3,
      holdSeconds: 60,
      sessionTimeoutMs: 600_000,
    },
    { clock, logger: silentLogger, probe },
  )
  done = registry.run(stop.signal)
  await eventually(() => registry.view() === undefined, false)
})
afterEach(async () => {
  stop.abort()
  await done
  await zookeeper.stop()
})

const pathOf = (one: Registration) => `/targets/${memberPath(one, one.incarnation)}`

/** Members of another replica, in a session of its own. */
async function membersOfOthers(many: readonly Registration[]): Promise<bigint> {
  const { data } = zookeeper
  const session = data.newSession(600_000)
  for (const one of many) {
    const path = pathOf(one)
    for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1))
      if (!data.tree.has(path.slice(0, at))) data.create(path.slice(0, at), '')
    data.create(path, Buffer.from(encodeMember(one, 'ALIVE', { holder: 'b' })).toString(), session.id)
  }
  await eventually(counts, { listed: many.length })
  return session.id
}

const eventually = (look: () => unknown, expected: unknown) => stepUntil(clock, look, expected)

function counts(): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const { state } of registry.view()?.targets ?? []) found[state] = (found[state] ?? 0) + 1
  return found
}

it('lets few members of a lost session linger and go', async () => {
  const many = registrations(5)
  const session = await membersOfOthers(many)
  expect(registry.explain(many[0]!.id)).toMatchObject({ target: { state: 'listed' }, holder: 'b' })

  zookeeper.data.endSession(session)

  await eventually(counts, { lingering: 5 })
  await eventually(counts, {})
  expect(registry.explain(many[0]!.id)?.departures).toMatchObject([
    { why: 'its znode is gone; it lingered for 3 s', address: many[0]!.address },
  ])
})

it('holds the members of a lost session when they are many, until they are back or released', async () => {
  const many = registrations(40)
  const session = await membersOfOthers(many)

  zookeeper.data.endSession(session)
  await eventually(counts, { held: 40 })
  expect(registry.explain(many[0]!.id)?.lost).toMatchObject({ why: 'its znode is gone', heldAt: expect.any(Number) })

  expect(await put(many[0]!)).toBe('renewed')
  await eventually(counts, { held: 39, listed: 1 })
  expect(registry.release([many[0]!.id, many[1]!.id])).toEqual([many[1]!.id])
  await eventually(counts, { held: 38, listed: 1 })
  expect(registry.release()).toHaveLength(38)
  await eventually(() => registry.view()?.targets.length, 1)
})

it('lets time stand still while it cannot see', async () => {
  const session = await membersOfOthers(registrations(3))
  zookeeper.data.endSession(session)
  await eventually(counts, { lingering: 3 })

  zookeeper.freeze()
  zookeeper.dropConnections()
  // Three times as long as they linger.
  await stepFor(clock, 9_000)
  expect(counts()).toEqual({ lingering: 3 })

  zookeeper.thaw()
  await eventually(counts, {})
})

it('keeps members whose process answers although their znode is gone', async () => {
  const many = registrations(3)
  verdict = 'same'
  const session = await membersOfOthers(many)
  await eventually(() => registry.explain(many[2]!.id)?.probe?.learnt, 'start=1')

  zookeeper.data.endSession(session)
  await stepFor(clock, 10_000)
  expect(counts()).toEqual({ listed: 3 })

  verdict = 'gone'
  await eventually(counts, {})
  expect(registry.explain(many[0]!.id)?.departures[0]?.why).toBe('its znode is gone; it lingered for 3 s')
})

it.each(['gone', 'other'] as const)('of the held lets go target by target of those who are %s', async (found) => {
  const many = registrations(20)
  const session = await membersOfOthers(many)
  zookeeper.data.endSession(session)
  await eventually(counts, { held: 20 })

  verdict = found

  await eventually(counts, {})
  expect(registry.explain(many[0]!.id)?.departures[0]?.why).toBe(`its znode is gone; the test says ${found}`)
})

it.each([
  ['gone', 'created'],
  ['other', 'created'],
  ['same', 'conflict'],
  ['unknown', 'conflict'],
] as const)(
  'of an address of another namespace at another replica that is %s the outcome is %s',
  async (found, outcome) => {
    const owner = registration()
    await membersOfOthers([owner])
    verdict = found
    const thief = registration({ namespace: 'fraud' })

    expect(await put(thief)).toBe(outcome)

    const winner = outcome === 'created' ? thief : owner
    await eventually(() => registry.view()?.targets.map((one) => one.registration.id), [winner.id])
    if (outcome === 'created') expect(registry.explain(owner.id)?.coveredBy).toBe(thief.id)
  },
)

it('says which znode of an id is no good', async () => {
  const [good] = registrations(1)
  await membersOfOthers([good!])
  const bad = registration({ instance: 'bad' })

  zookeeper.data.create(pathOf(bad), '{')

  await eventually(
    () => registry.explain(bad.id)?.quarantined,
    [{ where: pathOf(bad), why: 'it is not a JSON object in UTF-8' }],
  )
  expect(registry.explain(good!.id)?.quarantined).toEqual([])
})

it('does not bring back a member of others that lost its address, when the winner goes', async () => {
  const address = '10.0.0.7:9250'
  const [loser, winner] = registrations(2, { address })
  const session = await membersOfOthers([loser!])

  expect(await put(winner!)).toBe('created')
  zookeeper.data.endSession(session)
  await eventually(() => registry.explain(loser!.id)?.departures.length, 1)
  expect(registry.explain(loser!.id)).toMatchObject({ evicted: { by: winner!.id } })
  expect(await put(loser!)).toBe('conflict')

  let outcome: string | undefined
  void registry.withdraw(winner!.id, undefined, signal).then((ended) => {
    outcome = ended
  })
  await eventually(() => outcome, 'ended')
  expect(counts()).toEqual({})
})
