import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiName } from '../../src/kafka-wire/apis.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { connectOldKafka } from '../rigs/old-kafka-client.ts'
import { startKafkaDaemon } from './kafka-daemon.ts'
import { lookFor, openSimulatedWorld, type SimulatedWorld } from './kafka-simulated-world.ts'
import type { AllowedLag } from './lag-oracle.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

afterAll(removeTemporaryFolders)

/** Its session at ZooKeeper, without which a broker that was killed is not let back in. */
const sessionMs = 6_000

// 0.8.2 hangs up on ApiVersions, 0.9 never answers it.
describe.each(['0.8.2.2', '0.9.0.1'])('one broker of Kafka %s', (version) => {
  let kafka: KafkaRig
  const allowed = new Map<string, AllowedLag>()

  beforeAll(async () => {
    kafka = await startKafka({ version })
    await using client = await connectOldKafka(kafka.bootstrap)
    await client.createTopics(['orders'])
    await client.produceMany([{ topic: 'orders', partition: 0, count: 10 }])
    await client.commit('g', [{ topic: 'orders', partition: 0, offset: 4n }])
    allowed.set('g/orders/0', { least: 6n, most: 6n })
  })
  afterAll(() => kafka?.stop())

  it('K17 what it does not know is asked once a connection, and its lag is right before and after it was killed', async () => {
    const options = [`bootstrap: "${kafka.bootstrap}"`, 'groups: [g]']
    await using daemon = await startKafkaDaemon(options, allowed)
    await daemon.hasLag('g', 'orders', '6')
    await sleep(1_000)
    const [asked, cycles] = [await daemon.requests('ApiVersions'), await daemon.requests('OffsetFetch')]
    await sleep(8_000)
    injected((await daemon.requests('OffsetFetch')) > cycles + 5, 'there were no cycles')
    expect(await daemon.requests('ApiVersions')).toBe(asked)
    expect(await daemon.problems()).toEqual([])
    expect([await daemon.isUp(), await daemon.isUp('kafka-groups')]).toEqual([true, true])

    const [broker] = kafka.brokers
    const before = await daemon.errors('read_failed')
    await broker?.kill()
    injected(broker?.pid === undefined, 'the broker runs')
    await daemon.hasState('g', 'orders', 'held', '1')
    await sleep(sessionMs + 2_000)
    expect(await daemon.reasonOf('g', 'orders')).toBe('read_failed')
    expect(await daemon.isUp()).toBe(false)
    expect(await daemon.errors('read_failed')).toBeGreaterThan(before + 5)
    // Nobody is there to be asked.
    expect(await daemon.requests('ApiVersions')).toBe(asked)

    await broker?.restart()
    await daemon.hasState('g', 'orders', 'known', '1')
    await using client = await connectOldKafka(kafka.bootstrap)
    allowed.set('g/orders/0', { least: 6n, most: 13n })
    await client.produceMany([{ topic: 'orders', partition: 0, count: 7 }])
    allowed.set('g/orders/0', { least: 13n, most: 13n })
    await daemon.hasLag('g', 'orders', '13')
    await eventually('no problem', 10_000, async () => (await daemon.problems()).length === 0)
    // One more connection, or two when it was not ready at the first.
    expect(await daemon.requests('ApiVersions')).toBeLessThanOrEqual(asked + 3)
    await daemon.judge()
  })

  it('K17 without names its groups are found only where it can list them, and that is said', async () => {
    await using daemon = await startKafkaDaemon([`bootstrap: "${kafka.bootstrap}"`], allowed)
    await eventually('the logs to be read', 20_000, () => daemon.isUp())
    await sleep(3_000)
    const lists = version !== '0.8.2.2'
    expect(await daemon.problems()).toEqual(lists ? [] : [expect.stringMatching(/^unsupported: List the groups/)])
    expect(await daemon.isUp('kafka-groups')).toBe(lists)
    expect((await daemon.errors('unsupported')) > 2).toBe(!lists)
    expect(await daemon.total('g')).toBeUndefined()
  })
})

describe('simulated brokers that answer UNSUPPORTED_VERSION', () => {
  let world: SimulatedWorld

  beforeAll(async () => {
    world = await openSimulatedWorld()
    world.main.state.createTopic('orders', 2)
    for (const partition of [0, 1]) {
      world.main.state.setLog('orders', partition, 0n, 100n)
      world.main.state.commit('billing', 'orders', partition, 90n)
    }
    await shows('10')
  })
  afterAll(() => world[Symbol.asyncDispose]())

  async function shows(lag: string): Promise<void> {
    for (const partition of [0, 1])
      await eventually(`partition ${partition} to show ${lag}`, 20_000, async () => {
        return (await world.lag('billing', 'orders', partition)) === lag
      })
  }

  const errors = async (): Promise<number> =>
    Number(
      (await world.value('lagkeeper_source_errors_total', { source: 'kafka', name: 'main', reason: 'unsupported' })) ??
        0,
    )

  it.each<[ApiName, number, isShown: boolean]>([
    ['ListOffsets', 16, false],
    ['OffsetFetch', 5, false],
    // Which groups there are is known from before.
    ['ListGroups', 10, true],
  ])(
    'K17 to %s: no lag that is not known, the reason, and it goes on when they know it again',
    async (api, count, isShown) => {
      const before = await errors()
      world.main.faults.errorFor(api, ...Array<'UNSUPPORTED_VERSION'>(count).fill('UNSUPPORTED_VERSION'))
      await eventually('it to be counted', 10_000, async () => (await errors()) > before)
      if (!isShown)
        await eventually('the reason', 10_000, async () =>
          (await world.api('billing')).includes('"reason":"unsupported"'),
        )
      const seen = await lookFor(1_000, () => world.lag('billing', 'orders'))
      for (const lag of seen) expect(lag === '10' || (lag === undefined && !isShown), `a lag of ${lag}`).toBe(true)
      await world.otherFollows()

      for (const partition of [0, 1]) world.main.state.setLog('orders', partition, 0n, 130n)
      await shows('40')
      for (const partition of [0, 1]) world.main.state.setLog('orders', partition, 0n, 100n)
      await shows('10')
      expect(world.pid()).toBeDefined()
    },
  )

  it('K17 to ApiVersions itself: asked ever more seldom, and it goes on when they know it again', async () => {
    const [before, asked] = [await errors(), world.main.requests.total('ApiVersions')]
    const refused = 10
    world.main.faults.errorFor('ApiVersions', ...Array<'UNSUPPORTED_VERSION'>(refused).fill('UNSUPPORTED_VERSION'))
    for (const broker of [1, 2]) world.main.faults.disconnect(broker)
    await eventually('it to be counted', 10_000, async () => (await errors()) > before)
    await eventually('the reason', 10_000, async () => (await world.api('billing')).includes('"reason":"unsupported"'))
    expect(await world.lag('billing', 'orders')).toBeUndefined()
    const inBetween = world.main.requests.total('ApiVersions')
    await sleep(4_000)
    // Five phases a cycle would be twenty attempts at each broker.
    expect(world.main.requests.total('ApiVersions') - inBetween).toBeLessThanOrEqual(8)
    await world.otherFollows()

    await shows('10')
    expect(world.main.requests.total('ApiVersions') - asked).toBeGreaterThan(refused)
    expect(world.main.requests.total('ApiVersions') - asked).toBeLessThanOrEqual(refused + 4)
  })
})
