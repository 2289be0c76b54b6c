import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Registration } from '../../src/model/registration.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { memberPath } from '../../src/targets/member-name.ts'
import { endSession, registryOnZookeeper, savedSessions } from '../contract/registry-on-zookeeper.ts'
import { runClient } from '../contract/zookeeper-world.ts'
import { type RunningReplica, runReplica, untilReady } from '../registry/zookeeper-registry-world.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'
import { registration, registrations } from '../targets/samples.ts'

const signal = AbortSignal.timeout(1_200_000)

registryOnZookeeper('3.9.5')

describe('two replicas before an ensemble of three', () => {
  const mine = (name: string) =>
    registrations(300, { app: `of-${name}`, leaseSeconds: 300 }).map((one) => ({
      ...one,
      address: one.address.replace('10.', name === 'a' ? '11.' : '12.'),
    }))
  let rig: ZookeeperRig
  let folder: string
  const replicas: RunningReplica[] = []

  beforeAll(async () => {
    rig = await startZookeeper({ version: '3.9.5', servers: 3 })
    folder = await mkdtemp(join(tmpdir(), 'lagkeeper-real-'))
  })
  afterAll(async () => {
    for (const replica of replicas) await replica.stop()
    await rig?.stop()
    await rm(folder, { recursive: true })
  })

  async function start(name: string): Promise<RunningReplica> {
    const options = {
      connect: rig.connect,
      storagePath: join(folder, name),
      sessionTimeoutMs: 6_000,
      lingerSeconds: 60,
    }
    // A hundred members fill a session.
    const replica = runReplica(options, systemClock, { shardLimits: { pathBytes: 5_300 } })
    replicas.push(replica)
    await untilReady(replica)
    return replica
  }

  const ids = ({ registry }: RunningReplica, state: string) =>
    (registry.view()?.targets ?? []).filter((one) => one.state === state).map(({ registration: { id } }) => id)

  it('lose nothing and keep no ghost through the loss of the leader, of a session, and of a replica', async () => {
    const [a, b] = [await start('a'), await start('b')]
    const all = [...mine('a'), ...mine('b')]
    await a.registry.put(mine('a'), signal)
    await b.registry.put(mine('b'), signal)
    await using looking = runClient({ connect: rig.connect, sessionTimeoutMs: 10_000 })
    const stats = () =>
      Promise.all(all.map((one) => looking.zookeeper.exists(`/targets/${memberPath(one, one.incarnation)}`)))
    const running = new Set([a, b])
    const whole = (replica: RunningReplica) =>
      expect.poll(() => ids(replica, 'listed').length, { timeout: 20_000 }).toBe(600)
    await Promise.all([whole(a), whole(b)])
    expect([a, b].map(({ registry }) => registry.shards()?.sessions)).toEqual([3, 3])
    let least = 600
    const timer = setInterval(() => {
      for (const { registry } of running) least = Math.min(least, registry.view()?.targets.length ?? 600)
    }, 5)

    const leader = await leaderOf(rig)
    await leader.kill()
    const late = registration({ app: 'of-a', instance: 'late', address: '11.9.9.9:1', leaseSeconds: 300 })
    await untilPut(a, late)
    await leader.restart()
    expect((await stats()).every((stat) => stat !== undefined)).toBe(true)

    const lost = (await savedSessions(join(folder, 'a')))[1]!
    await endSession(rig.connect, lost)
    await expect
      .poll(async () => (await stats()).filter((stat) => (stat?.ephemeralOwner ?? lost.id) === lost.id).length, {
        timeout: 20_000,
        interval: 200,
      })
      .toBe(0)
    expect(a.registry.shards()).toMatchObject({ expiries: 1, members: 301 })

    const before = (await stats()).map((stat) => stat?.czxid)
    running.delete(b)
    await b.stop()
    const again = await start('b')
    running.add(again)
    await expect.poll(() => again.registry.shards()?.members, { timeout: 20_000 }).toBe(300)
    expect((await stats()).map((stat) => stat?.czxid)).toEqual(before)

    clearInterval(timer)
    expect(least).toBe(600)

    for (const one of mine('a').slice(0, 5)) await a.registry.withdraw(one.id, '1', signal)
    for (const one of mine('b').slice(0, 5)) await a.registry.withdraw(one.id, '1', signal)
    const expected = [...mine('a').slice(5), late, ...mine('b').slice(5)].map(({ id }) => id).toSorted()
    for (const replica of [a, again]) {
      await expect.poll(() => ids(replica, 'listed').toSorted(), { timeout: 5_000 }).toEqual(expected)
      expect(ids(replica, 'lingering')).toEqual([])
    }
    await expect
      .poll(async () => (await stats()).filter((stat) => stat !== undefined).length, { timeout: 10_000 })
      .toBe(590)
  })
})

async function untilPut({ registry }: RunningReplica, one: Registration): Promise<void> {
  await expect
    .poll(
      () =>
        registry.put([one], signal).then(
          ([receipt]) => receipt?.outcome,
          () => undefined,
        ),
      { timeout: 30_000 },
    )
    .toMatch(/created|renewed/)
}

async function leaderOf({ servers }: ZookeeperRig) {
  for (const server of servers) if (/^Mode: leader/m.test(await server.fourLetter('srvr'))) return server
  throw new Error('The ensemble has no leader')
}
