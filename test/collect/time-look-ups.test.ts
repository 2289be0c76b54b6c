import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTimeLookUps, type TimeLookUpOptions, type WantedTime } from '../../src/collect/time-look-ups.ts'
import { createKafkaCluster as connect, type KafkaCluster } from '../../src/kafka/cluster.ts'
import { ROUNDS } from '../../src/kafka/look-up-times.ts'
import { readCatalog } from '../../src/kafka/read-catalog.ts'
import { type Catalog, type CatalogTopic, emptyCatalog } from '../../src/model/catalog.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'

const NOW = 1_700_000_000_000
const PARTITIONS = 40
const signal = new AbortController().signal
const clock: Clock = { ...systemClock, wall: () => NOW }
let broker: Simulated
let cluster: KafkaCluster
let catalog: Catalog

beforeEach(async () => {
  broker = await simulate()
  broker.state.createTopic('t', PARTITIONS)
  // 100 records, one every 10 s, the last one at NOW.
  for (let partition = 0; partition < PARTITIONS; partition++)
    for (let age = 99; age >= 0; age--) broker.state.append('t', partition, 1, NOW - age * 10_000)
  cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 5_000, clock })
  await refresh()
})
afterEach(async () => {
  cluster.close()
  await broker[Symbol.asyncDispose]()
})

async function refresh(): Promise<void> {
  catalog = (await readCatalog(cluster, emptyCatalog, () => true, signal)).catalog
}

const topic = (name = 't'): CatalogTopic => catalog.topics[catalog.topicIndex.get(name)!]!
const at = (position: number): number => NOW - (99 - position) * 10_000

function wanted(partition: number, position: number, more: Partial<WantedTime> = {}): WantedTime {
  const end = { offset: 100n, at: NOW }
  return { consumer: 'g', topic: 't', partition, position: BigInt(position), start: 0n, end, ...more }
}

function keeper(options: Partial<TimeLookUpOptions> = {}) {
  const looks = createTimeLookUps({ cluster, clock, deadlineMs: 3_000, ...options })
  return {
    looks,
    cycle: (...rows: readonly WantedTime[]) => looks.look(catalog, rows, signal),
    /** As many cycles as a position takes. */
    look: async (...rows: readonly WantedTime[]) => {
      for (let round = 0; round < ROUNDS; round++) await looks.look(catalog, rows, signal)
    },
    time: (partition: number, position: number) => {
      const found = looks.known(topic(), partition, BigInt(position), NOW)
      return found === undefined || 'reason' in found ? found?.reason : found.at
    },
  }
}

/** Partitions and positions of each search by time. */
const asked = (): number => broker.requests.total('ListOffsets')

describe('createTimeLookUps()', () => {
  it('looks up a position once, whoever asks for it, and keeps what it learnt', async () => {
    const { look, time } = keeper()
    expect(time(0, 50)).toBeUndefined()
    await look(wanted(0, 50), wanted(0, 50, { consumer: 'other' }))
    expect(time(0, 50)).toBe(at(50))

    broker.requests.reset()
    await look(wanted(0, 50), wanted(0, 50, { consumer: 'other' }))
    expect(asked()).toBe(0)
  })

  it('knows of a position between two that were looked up, without a request', async () => {
    const { look, looks } = keeper()
    await look(wanted(0, 50))
    await look(wanted(0, 52))
    broker.requests.reset()

    expect(looks.known(topic(), 0, 51n, NOW)).toMatchObject({
      isExact: false,
      notBefore: at(50),
      notAfter: at(52),
      rounds: 0,
    })
    expect(looks.known(topic(), 0, 60n, NOW)).toBeUndefined()
    expect(looks.known(topic(), 1, 51n, NOW)).toBeUndefined()
    expect(asked()).toBe(0)
  })

  it('begins where the last look at the partition stopped', async () => {
    const { look, time, looks } = keeper()
    await look(wanted(0, 50))
    await look(wanted(0, 51))
    expect(time(0, 51)).toBe(at(51))
    expect(looks.known(topic(), 0, 51n, NOW)).toMatchObject({ rounds: 1 })
  })

  it('takes no more than its limit a cycle, and comes to all of them', async () => {
    const { cycle, time } = keeper({ limit: 10, configOf: () => ({ timestampType: 'CreateTime', remote: false }) })
    const rows = Array.from({ length: PARTITIONS }, (_, partition) => wanted(partition, 50))
    const exact: number[] = []
    for (let count = 0; count < 4 * ROUNDS; count++) {
      broker.requests.reset()
      await cycle(...rows)
      expect(asked()).toBeLessThanOrEqual(exact.at(-1) === PARTITIONS ? 0 : 1)
      exact.push(rows.filter(({ partition }) => time(partition, 50) === at(50)).length)
    }
    expect(exact[0]).toBeLessThanOrEqual(10)
    expect(exact.slice(1).every((count, index) => count - exact[index]! <= 10)).toBe(true)
    expect(exact.at(-1)).toBe(PARTITIONS)
  })

  it('shares the limit between consumers: one with many partitions does not keep the others out', async () => {
    const { cycle, time } = keeper({ limit: 4 })
    const many = Array.from({ length: 30 }, (_, partition) => wanted(partition, 50, { consumer: 'large' }))
    await cycle(...many, wanted(35, 50, { consumer: 'small' }), wanted(36, 50, { consumer: 'smaller' }))
    expect([time(35, 50), time(36, 50)]).not.toContain(undefined)
    expect(many.filter(({ partition }) => time(partition, 50) !== undefined)).toHaveLength(2)
  })

  it('gives every row its turn while positions move on', async () => {
    const { cycle, time } = keeper({ limit: 5 })
    const turns = new Map<number, number>()
    for (let count = 0; count < 16; count++) {
      const rows = Array.from({ length: 20 }, (_, partition) => wanted(partition, 30 + count * 3))
      await cycle(...rows)
      for (const { partition } of rows)
        if (time(partition, 30 + count * 3) !== undefined) turns.set(partition, (turns.get(partition) ?? 0) + 1)
    }
    expect([...turns.values()]).toEqual(Array.from({ length: 20 }, () => 4))
  })

  it('looks at one position of a partition in a cycle and at the others in the next', async () => {
    const { cycle, look, time } = keeper()
    const rows = [wanted(0, 20), wanted(0, 70, { consumer: 'other' })]
    await cycle(...rows)
    expect([time(0, 20), time(0, 70)]).toEqual([expect.any(Number), undefined])
    await look(...rows)
    await look(...rows)
    expect([time(0, 20), time(0, 70)]).toEqual([at(20), at(70)])
  })

  it('forgets a topic that was recreated', async () => {
    const { look, time } = keeper()
    await look(wanted(0, 50))
    broker.state.recreateTopic('t')
    await refresh()
    expect(time(0, 50)).toBeUndefined()
    await look()
    expect(time(0, 50)).toBeUndefined()
  })

  it('stays away from remote storage, and asks where it begins only now and then', async () => {
    broker.state.setLocalStart('t', 0, 60n)
    const { look, time } = keeper()
    await look(wanted(0, 50), wanted(1, 50))
    expect([time(0, 50), time(1, 50)]).toEqual(['cold', at(50)])
    broker.requests.reset()
    await look(wanted(0, 51), wanted(1, 50))
    expect([time(0, 51), asked()]).toEqual(['cold', 0])
    // The configuration of the topic can say that there is none.
    broker.requests.reset()
    await keeper({ configOf: () => ({ timestampType: 'CreateTime', remote: false }) }).look(wanted(1, 0))
    expect(asked()).toBe(1)
    const { look: lookAll, time: timeAll } = keeper({ cold: true })
    await lookAll(wanted(0, 50))
    expect(timeAll(0, 50)).toBe(at(50))
  })

  it('asks seldom what cannot be told', async () => {
    broker.state.createTopic('without', 1)
    broker.state.append('without', 0, 10)
    broker.state.setOffsetError('t', 0, 'TOPIC_AUTHORIZATION_FAILED')
    await refresh()
    const { looks, time } = keeper()
    const rows = [wanted(0, 5), wanted(0, 5, { topic: 'without', end: { offset: 10n, at: NOW } })]
    await looks.look(catalog, rows, signal)
    expect(looks.known(topic('without'), 0, 5n, NOW)).toMatchObject({ reason: 'no_timestamp' })
    expect(time(0, 5)).toBe('unauthorized')
    broker.requests.reset()
    broker.state.setOffsetError('t', 0, 'NONE')
    for (let cycle = 0; cycle < 19; cycle++) await looks.look(catalog, rows, signal)
    expect([asked(), time(0, 5)]).toEqual([0, 'unauthorized'])
    for (let round = 0; round < ROUNDS; round++) await looks.look(catalog, rows, signal)
    expect(time(0, 5)).toBe(at(5))
  })

  it('reads the records first where that is wanted, and searches where it may not', async () => {
    const { look, looks } = keeper({ readRecords: true })
    await look(wanted(0, 50))
    expect(looks.known(topic(), 0, 50n, NOW)).toMatchObject({ at: at(50), rounds: 1 })
    expect(broker.requests.total('Fetch')).toBe(1)

    broker.state.denied.reads.add('t')
    await look(wanted(0, 51), wanted(1, 50))
    expect(looks.known(topic(), 1, 50n, NOW)).toMatchObject({ at: at(50) })
    await look(wanted(2, 50))
    expect(looks.known(topic(), 2, 50n, NOW)).toMatchObject({ at: at(50) })
    expect(broker.requests.total('Fetch')).toBe(2)
  })

  it('gives up after its time, keeps what came, and says so', async () => {
    broker.faults.lie(({ api, bytes }) => (api === 'ListOffsets' ? 'silence' : bytes))
    const { look, looks, time } = keeper({ deadlineMs: 100 })
    const began = performance.now()
    await look(wanted(0, 50))
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(time(0, 50)).toBeUndefined()
    expect(looks.problems()).toMatchObject([{ reason: 'timeout' }])

    broker.faults.lie(undefined)
    const again = keeper()
    await again.look(wanted(0, 50))
    expect(again.time(0, 50)).toBe(at(50))
  })

  it('does nothing while a look is under way, and rejects on abort', async () => {
    const { look, looks } = keeper()
    const first = look(wanted(0, 50))
    await look(wanted(1, 50))
    await first
    expect(looks.known(topic(), 1, 50n, NOW)).toBeUndefined()

    const stop = new AbortController()
    stop.abort(new Error('over'))
    await expect(looks.look(catalog, [wanted(1, 50)], stop.signal)).rejects.toThrow('over')
  })
})
