import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { kafkaTool } from '../rigs/kafka-tool.ts'
import { rigUsers } from '../rigs/kafka-users.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { type KafkaDaemon, startKafkaDaemon } from './kafka-daemon.ts'
import type { AllowedLag } from './lag-oracle.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

const version = '3.9.2'

let kafka: KafkaRig
let rig: RigClient
let daemon: KafkaDaemon
const allowed = new Map<string, AllowedLag>()
let member: Awaited<ReturnType<RigClient['hold']>>

beforeAll(async () => {
  kafka = await startKafka({ version, security: 'secure' })
  rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
  await rig.createTopics([{ name: 'pub' }, { name: 'secret', partitions: 2 }])
  await rig.produceMany([
    { topic: 'pub', partition: 0, count: 10 },
    { topic: 'secret', partition: 0, count: 20 },
    { topic: 'secret', partition: 1, count: 20 },
  ])
  await rig.commit('both', [
    { topic: 'pub', partition: 0, offset: 4n },
    { topic: 'secret', partition: 0, offset: 5n },
    { topic: 'secret', partition: 1, offset: 6n },
  ])
  await rig.commit('alone', [{ topic: 'pub', partition: 0, offset: 7n }])
  await rig.commit('hidden', [{ topic: 'pub', partition: 0, offset: 2n }])
  member = await rig.hold({ protocol: 'classic', group: 'live', topic: 'secret' })
  for (const name of ['pub', 'secret']) await allow('lag', 'TOPIC', name)
  for (const name of ['both', 'alone', 'hidden', 'live', 'doomed']) await allow('lag', 'GROUP', name)
  allows({ 'both/pub/0': 6n, 'both/secret/0': 15n, 'both/secret/1': 14n, 'alone/pub/0': 3n, 'hidden/pub/0': 8n })
  allows({ 'live/secret/0': 'none', 'live/secret/1': 'none' })
  daemon = await startKafkaDaemon(asUser('lag'), allowed)
  await daemon.hasLag('both', 'secret', '14', 1)
  await daemon.hasState('live', 'secret', 'no_position', '2')
})
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]()
  await member?.release()
  await rig?.stop()
  await kafka?.stop()
  await removeTemporaryFolders()
})

afterEach(async () => {
  // As before, and nothing was printed meanwhile that was not so.
  await daemon.hasLag('both', 'secret', '15')
  await daemon.hasLag('hidden', 'pub', '8')
  await eventually('the sum of both', 10_000, async () => (await daemon.total('both')) === '35')
  expect(await daemon.value('lagkeeper_source_up', { name: 'real' })).toBe('1')
  await daemon.judge()
})

type User = keyof typeof rigUsers
type Resource = 'TOPIC' | 'GROUP' | 'CLUSTER'

const asUser = (user: User): readonly string[] => [
  `bootstrap: "${kafka.secure?.saslPlaintext}"`,
  `sasl: { mechanism: PLAIN, username: ${user}, password: ${rigUsers[user]} }`,
]

const allow = (user: User, resource: Resource, name: string): Promise<void> =>
  rig.allow({ principal: `User:${user}`, resource, name, operation: 'DESCRIBE' })

async function revoke(resource: Resource, name: string): Promise<void> {
  const target = resource === 'CLUSTER' ? ['--cluster'] : [`--${resource.toLowerCase()}`, name]
  const acls = (...args: readonly string[]) =>
    kafkaTool(version, 'acls', ['--bootstrap-server', kafka.bootstrap, ...args, ...target])
  await acls('--remove', '--force', '--allow-principal', 'User:lag', '--operation', 'Describe')
  injected(!(await acls('--list')).includes('User:lag'), `there is still a right on ${resource} ${name}`)
}

function allows(lags: Readonly<Record<string, bigint | 'none'>>): void {
  for (const [key, lag] of Object.entries(lags)) allowed.set(key, lag === 'none' ? 'none' : { least: lag, most: lag })
}

/** The log of `pub` grows, and the lag of the one that nothing was done to follows. */
async function othersFollow(): Promise<void> {
  await rig.commit('alone', [{ topic: 'pub', partition: 0, offset: 5n }])
  allowed.set('alone/pub/0', { least: 3n, most: 5n })
  await daemon.hasLag('alone', 'pub', '5')
  expect(await daemon.total('alone')).toBe('5')
  await rig.commit('alone', [{ topic: 'pub', partition: 0, offset: 7n }])
  await daemon.hasLag('alone', 'pub', '3')
  allows({ 'alone/pub/0': 3n })
}

describe(`a Kafka ${version} that takes rights away`, () => {
  it('K14 a topic may not be described any more: its rows are unauthorized, whoever reads it has no sum, others go on', async () => {
    const before = [await daemon.errors('unauthorized'), await daemon.errors('incomplete')] as const
    await revoke('TOPIC', 'secret')
    allows({ 'both/secret/0': 'none', 'both/secret/1': 'none' })

    await daemon.hasState('both', 'secret', 'unauthorized', '2')
    await daemon.hasLag('both', 'secret', undefined)
    expect(await daemon.reasonOf('both', 'secret', 1)).toBe('unauthorized')
    expect(await daemon.total('both')).toBeUndefined()
    await daemon.hasLag('both', 'pub', '6')
    // Who reads it now is known by its members, and not by what it has committed.
    await daemon.hasState('live', 'secret', 'incomplete', '2')
    await othersFollow()
    // It stays so.
    await sleep(5_000)
    await daemon.hasState('both', 'secret', 'unauthorized', '2')
    expect(await daemon.errors('unauthorized')).toBeGreaterThan(before[0] + 3)
    expect(await daemon.errors('incomplete')).toBeGreaterThan(before[1] + 3)

    await allow('lag', 'TOPIC', 'secret')
    allows({ 'both/secret/0': 15n, 'both/secret/1': 14n })
    await daemon.hasState('both', 'secret', 'known', '2')
    await daemon.hasState('live', 'secret', 'no_position', '2')
    await eventually('no more errors', 10_000, async () => {
      const count = await daemon.errors('unauthorized')
      await sleep(3_000)
      return (await daemon.errors('unauthorized')) === count
    })
  })

  it('K15 a group may be listed and not be described any more: it is unauthorized, and others go on', async () => {
    await allow('lag', 'CLUSTER', 'kafka-cluster')
    const before = await daemon.errors('unauthorized')
    await revoke('GROUP', 'hidden')
    allows({ 'hidden/pub/0': 'none' })

    await daemon.hasState('hidden', 'pub', 'unauthorized', '1')
    await daemon.hasLag('hidden', 'pub', undefined)
    expect(await daemon.reasonOf('hidden', 'pub')).toBe('unauthorized')
    expect(await daemon.total('hidden')).toBeUndefined()
    expect(await daemon.value('stream_consumer_present', { consumer: 'hidden' })).toBe('1')
    await othersFollow()
    expect(await daemon.total('both')).toBe('35')
    expect(await daemon.errors('unauthorized')).toBeGreaterThan(before + 3)

    await allow('lag', 'GROUP', 'hidden')
    allows({ 'hidden/pub/0': 8n })
    await daemon.hasState('hidden', 'pub', 'known', '1')
    await revoke('CLUSTER', 'kafka-cluster')
  })

  it('K16 a group is left out of the list without a word: it is unauthorized and not gone', async () => {
    const before = await daemon.errors('unauthorized')
    await revoke('GROUP', 'hidden')
    allows({ 'hidden/pub/0': 'none' })

    await daemon.hasState('hidden', 'pub', 'unauthorized', '1')
    await daemon.hasLag('hidden', 'pub', undefined)
    await othersFollow()
    // Three lists without it would be the end of a group that was deleted.
    await sleep(6_000)
    await daemon.hasState('hidden', 'pub', 'unauthorized', '1')
    expect(await daemon.value('stream_consumer_present', { consumer: 'hidden' })).toBe('1')
    expect(await daemon.errors('unauthorized')).toBeGreaterThan(before + 5)

    await allow('lag', 'GROUP', 'hidden')
    allows({ 'hidden/pub/0': 8n })
    await daemon.hasState('hidden', 'pub', 'known', '1')
  })

  it('K16 a group that is deleted is stale at first, and then gone', async () => {
    await rig.commit('doomed', [{ topic: 'pub', partition: 0, offset: 9n }])
    allows({ 'doomed/pub/0': 1n })
    await daemon.hasLag('doomed', 'pub', '1')
    const before = await daemon.errors('stale')

    allows({ 'doomed/pub/0': 'none' })
    await rig.deleteGroups(['doomed'])
    await eventually('its end', 10_000, async () => {
      return (await daemon.value('stream_consumer_present', { consumer: 'doomed' })) === '0'
    })
    await daemon.hasLag('doomed', 'pub', undefined)
    expect(await daemon.errors('stale')).toBe(before + 2)
  })

  it('K16 a user who may describe nothing is told so, and not that the cluster is empty', async () => {
    await using none = await startKafkaDaemon(asUser('none'), allowed)
    for (const source of ['kafka', 'kafka-groups'] as const)
      await eventually(`${source} to be down`, 10_000, async () => {
        return (await none.value('lagkeeper_source_up', { source, name: 'real' })) === '0'
      })
    await eventually('a few cycles', 10_000, async () => (await none.errors('unauthorized')) > 5)
    expect(await none.log()).toContain('the brokers show us no topic at all')

    await allow('none', 'TOPIC', 'pub')
    await eventually('the topic', 10_000, () => none.isUp())
    // There is a topic now, and still no group: a lag that nobody has is told too.
    expect(await none.isUp('kafka-groups')).toBe(false)
    await allow('none', 'GROUP', 'alone')
    await none.hasLag('alone', 'pub', '3')
    await eventually('the groups', 10_000, () => none.isUp('kafka-groups'))
    await none.judge()
  })
})
