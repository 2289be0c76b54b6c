import { describe, expect, it } from 'vitest'
import { offsetNumber } from '../../src/model/offsets.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createDemo } from '../../src/simulator/demo.ts'
import { consumerPlans, topicPlans } from '../../src/simulator/demo-plan.ts'
import { createDemoWorld } from '../../src/simulator/demo-world.ts'
import { createKafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { openKafkaSocket } from '../contract/kafka-socket.ts'
import { fakeClock } from '../fakes/clock.ts'
import { askGroups, askMetadata } from './ask.ts'

/** The committed lag of a consumer after each of so many seconds; partitions without a lag are left out. */
function lagsOf(group: string, seconds: number): number[] {
  const state = createKafkaState('4.3', [1, 2, 3], seededRandom(1))
  const world = createDemoWorld(state, seededRandom(1))
  const lags: number[] = []
  for (let second = 0; second < seconds; second++) {
    world.tick()
    let lag = 0
    for (const [topic, { offset, absent }] of state.groups.get(group)?.commits ?? []) {
      const end = state.topics.get(topic)?.end
      for (let partition = 0; partition < absent.length; partition++)
        if (absent[partition] === 0 && end !== undefined)
          lag += Math.max(0, offsetNumber(end, partition) - offsetNumber(offset, partition))
    }
    lags.push(lag)
  }
  return lags
}

describe('The demo world', () => {
  it('has a consumer whose lag is a saw-tooth', () => {
    const lags = lagsOf('fraud-detection', 60)

    expect(Math.min(...lags)).toBe(0)
    expect(Math.max(...lags)).toBeGreaterThan(250)
    expect(Math.max(...lags)).toBeLessThan(600)
  })

  it('has a consumer that is always caught up', () => {
    expect(Math.max(...lagsOf('order-status', 60))).toBe(0)
  })

  it('has a consumer that falls behind slowly', () => {
    const lags = lagsOf('clickstream-sessions', 600)

    expect(lags[600 - 1]! - lags[0]!).toBeGreaterThan(8_000)
    expect(lags[600 - 1]! - lags[0]!).toBeLessThan(30_000)
  })

  it('has a consumer that stopped, whose lag only grows', () => {
    const lags = lagsOf('invoice-export', 60)

    expect(lags).toEqual(lags.toSorted((one, other) => one - other))
    expect(lags[0]).toBeGreaterThan(30_000)
  })

  it('has a consumer that works in bursts', () => {
    const lags = lagsOf('search-indexer', 120)

    expect(Math.max(...lags)).toBeGreaterThan(500)
    expect(lags.filter((lag) => lag < 30).length).toBeGreaterThan(5)
  })

  it('has a partition without a commit and one with a position beyond the end', () => {
    const state = createKafkaState('4.3', [1, 2, 3], seededRandom(1))
    const world = createDemoWorld(state, seededRandom(1))
    for (let second = 0; second < 100; second++) world.tick()

    expect(state.groups.get('refund-audit')?.commits.get('refunds')?.absent).toEqual(Uint8Array.of(0, 1, 0))
    const position = state.groups.get('email-sender')?.commits.get('notifications')?.offset ?? new Uint32Array(6)
    expect(offsetNumber(position, 2)).toBeGreaterThan(offsetNumber(state.topics.get('notifications')!.end, 2))
  })
})

describe('The demo', () => {
  it('listens before it runs, moves while it runs and leaves nothing behind', async () => {
    const clock = fakeClock()
    const demo = await createDemo({ logger: silentLogger, clock })
    const [broker = ''] = demo.bootstrap
    const { topics, brokers } = await askMetadata(broker)
    expect(topics.map(({ name }) => name)).toEqual(topicPlans.map(({ name }) => name))
    expect(brokers).toHaveLength(3)

    const stop = new AbortController()
    const run = demo.run(stop.signal)
    const groups = (await Promise.all(demo.bootstrap.map(askGroups))).flat()
    expect(groups.toSorted()).toEqual(consumerPlans.map(({ group }) => group).toSorted())
    await clock.advance(3_000)
    expect(await page(demo.reporters[0]?.address ?? '')).toMatch(/job_uptime\S* 4000\n/)
    stop.abort()
    await run

    await expect(openKafkaSocket(broker)).rejects.toThrow('ECONNREFUSED')
    for (const { address } of demo.reporters) await expect(page(address)).rejects.toThrow('fetch failed')
  })

  it('has a JobManager and a TaskManager for each of three jobs, whose pages answer', async () => {
    await using demo = await createDemo({ logger: silentLogger, clock: fakeClock() })

    expect(demo.reporters.map(({ app, role }) => `${app} ${role}`)).toEqual(
      ['fraud-detection', 'clickstream-sessions', 'warehouse-sync'].flatMap((app) => [
        `${app} jobmanager`,
        `${app} taskmanager`,
      ]),
    )
    for (const { address, role, app } of demo.reporters) {
      const text = await page(address)
      expect(text).toContain(`job_name="${app.replaceAll('-', '_')}"`)
      expect(text).toContain(`# TYPE flink_${role}_Status_JVM_CPU_Load gauge\nflink_${role}_Status_JVM_CPU_Load{`)
      for (const line of text.trimEnd().split('\n'))
        expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|[a-zA-Z_]+(\{([a-zA-Z_]+="[^"]*",)+\})? -?\d+(\.\d+)?)$/)
    }
    const answer = await fetch(`http://${demo.reporters[0]?.address}/`)
    expect(answer.status).toBe(404)
  })
})

async function page(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/metrics`)
  expect(answer.status).toBe(200)
  return await answer.text()
}
