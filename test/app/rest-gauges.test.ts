import { afterEach, expect, it } from 'vitest'
import { createRestGaugeReader, type RestGaugeReader } from '../../src/app/rest-gauges.ts'
import type { FoundReporter, FoundScope, SilentProcess } from '../../src/discovery/discoverer.ts'
import type { PageReading } from '../../src/flink/flink-page.ts'
import type { Job } from '../../src/model/job.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { pass } from '../discovery/report.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'

const gauge = '0.Source__orders[1].KafkaSourceReader.topic.orders.partition.0.currentOffset'

function job(name: string, overrides: Partial<Job> = {}): Job {
  const vertex = (id: string, parallelism = 1) => ({ id, name: id, parallelism, state: 'RUNNING' })
  const node = (id: string, inputs: readonly string[]) => ({ id, description: id, parallelism: 1, inputs })
  return {
    flinkCluster: 'prod',
    name,
    id: name,
    state: 'RUNNING',
    startedAt: 1,
    rest: 'http://jm:8081',
    vertices: [vertex('source', 2), vertex('sink')],
    plan: [node('source', []), node('sink', ['source'])],
    restarts: 0,
    takenAt: 0,
    unread: [],
    ...overrides,
  }
}

function reporter(instance: string): FoundReporter {
  const incarnation = '1'
  const address = '10.0.0.1:9250'
  const identity = { namespace: 'prod', app: 'session', role: 'taskmanager', instance }
  return { ...identity, incarnation, address, zone: 'default', tmId: instance, facts: {} }
}

/** A page on which a job's source shows this subtask. */
function pageWith(instance: string, jobId: string, subtask: number): PageReading {
  const operator = { jobId, jobName: jobId, taskId: 'source', operatorId: 'o', operatorName: 'o', subtask, attempt: 0 }
  const partitions = [{ operator, generation: 'source', topic: 'orders', partition: subtask, current: 1 }] as const
  return {
    id: `prod/session/taskmanager/${instance}`,
    flinkCluster: 'prod',
    url: 'http://10.0.0.1:9250/metrics',
    page: { partitions, operators: [], topicNames: new Map(), bytes: 1, badLines: 0 },
    sentAt: 0,
    takenAt: 0,
  }
}

const mute: SilentProcess = { process: 'tm-b', host: 'h', why: 'no Prometheus reporter is configured' }

interface World {
  readonly clock: FakeClock
  readonly reader: RestGaugeReader
  scopes: readonly FoundScope[]
  readonly pages: Map<string, PageReading>
  /** `<job> <vertex> <seconds>` of each question. */
  readonly asked: string[]
  answer: (job: string, signal: AbortSignal) => Promise<ReadonlyMap<string, number>>
  firsts: number
  scope(overrides?: Partial<FoundScope>): FoundScope
}

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

function begin(): World {
  const clock = fakeClock()
  const pages = new Map<string, PageReading>()
  const world: World = {
    clock,
    pages,
    scopes: [],
    asked: [],
    firsts: 0,
    answer: async () => new Map([[gauge, 41]]),
    scope: (overrides = {}) => ({
      scope: 'session',
      flinkCluster: 'prod',
      reporters: [],
      silent: [mute],
      jobs: [job('etl')],
      vertexMetrics: async (id, vertex, wanted, signal) => {
        world.asked.push(`${id} ${vertex} ${Math.round(clock.monotonic() / 1_000)}`)
        expect([wanted(gauge), wanted('0.numRecordsIn')]).toEqual([true, false])
        return await world.answer(id, signal)
      },
      ...overrides,
    }),
    reader: createRestGaugeReader({
      board: { scopes: () => world.scopes },
      pages: () => pages,
      intervalMs: 30_000,
      onFirst: () => {
        world.firsts++
      },
      clock,
      logger: silentLogger,
    }),
  }
  const stop = new AbortController()
  const done = world.reader.run(stop.signal)
  ends.push(async () => {
    stop.abort()
    await done
    expect(world.reader.gauges()).toEqual([])
  })
  return world
}

it('asks for the sources of jobs without reporters at its interval, once such a run has been seen for a while', async () => {
  const world = begin()
  world.scopes = [world.scope({ jobs: [job('etl'), job('done', { state: 'FINISHED' }), job('new', { plan: [] })] })]
  await pass(world.clock, 80_000)

  expect(world.asked).toEqual(['etl source 12', 'etl source 42', 'etl source 72'])
  expect(world.firsts).toBe(1)
  expect(world.reader.gauges()).toEqual([
    {
      flinkCluster: 'prod',
      jobId: 'etl',
      vertex: 'source',
      url: 'http://jm:8081',
      metrics: new Map([[gauge, 41]]),
      // Flink's own fetcher may have been there ten seconds before.
      sentAt: 72_000 - 11_000,
      takenAt: 72_000,
    },
  ])
})

it('asks nothing while every process has a reporter, or only the JobManager has none', async () => {
  const world = begin()
  world.scopes = [
    world.scope({ silent: [], reporters: [reporter('tm-a')] }),
    world.scope({ scope: 'application_1_0001', silent: [{ ...mute, process: 'jobmanager' }] }),
  ]
  await pass(world.clock, 100_000)
  expect(world.asked).toEqual([])
})

it('asks for no vertex whose subtasks all stand on pages', async () => {
  const world = begin()
  world.pages.set('prod/session/taskmanager/tm-a', pageWith('tm-a', 'whole', 0))
  world.pages.set('prod/session/taskmanager/tm-c', pageWith('tm-c', 'whole', 1))
  world.pages.set('prod/session/taskmanager/tm-d', pageWith('tm-d', 'half', 1))
  const reporters = ['tm-a', 'tm-c', 'tm-d'].map(reporter)
  world.scopes = [world.scope({ reporters, jobs: [job('whole'), job('half')] })]
  await pass(world.clock, 20_000)
  expect(world.asked).toEqual(['half source 12'])
})

it('believes nothing where a process may be dead: at once, and until Flink would have noticed', async () => {
  const world = begin()
  world.scopes = [world.scope()]
  await pass(world.clock, 20_000)
  expect(world.reader.gauges()).toHaveLength(1)

  world.scopes = [world.scope({ silent: [mute, { ...mute, process: 'tm-a', lostAt: world.clock.monotonic() }] })]
  world.reader.changed()
  expect(world.reader.gauges()).toEqual([])
  await pass(world.clock, 110_000)
  expect([world.reader.gauges(), world.asked]).toEqual([[], ['etl source 12']])
  await pass(world.clock, 40_000)
  expect(world.reader.gauges()).toHaveLength(1)

  world.scopes = [world.scope({ silent: [mute, { ...mute, process: 'tm-a', hasEnded: true }] })]
  world.reader.changed()
  expect(world.reader.gauges()).toEqual([])
  await pass(world.clock, 200_000)
  expect(world.reader.gauges()).toEqual([])
})

it('forgets what it heard of the run before a restart', async () => {
  const world = begin()
  world.scopes = [world.scope()]
  await pass(world.clock, 20_000)
  expect(world.reader.gauges()).toHaveLength(1)

  world.scopes = [world.scope({ jobs: [job('etl', { restarts: 1 })] })]
  await pass(world.clock, 6_000)
  expect(world.reader.gauges()).toEqual([])
  await pass(world.clock, 15_000)
  expect(world.reader.gauges()).toHaveLength(1)
  // What could not be read this time is no other run.
  const { restarts: _, ...unread } = job('etl')
  world.scopes = [world.scope({ jobs: [unread] })]
  await pass(world.clock, 6_000)
  expect(world.reader.gauges()).toHaveLength(1)
})

it('drops a run that ends while it is being asked about', async () => {
  const world = begin()
  world.scopes = [world.scope()]
  world.answer = async (_, signal) => {
    await world.clock.sleep(10_000, signal)
    return new Map([[gauge, 41]])
  }
  await pass(world.clock, 13_000)
  world.scopes = [world.scope({ jobs: [job('etl', { restarts: 1 })] })]
  await pass(world.clock, 10_000)
  expect([world.reader.gauges(), world.firsts]).toEqual([[], 0])
})

it('is not held up by JobManagers that hang', async () => {
  const world = begin()
  const hung = Array.from({ length: 12 }, (_, index) =>
    world.scope({
      scope: `application_1_${index}`,
      jobs: [job('stuck')],
      vertexMetrics: async (_job, _vertex, _wanted, signal) => {
        await world.clock.sleep(3_600_000, signal)
        throw new UnavailableError('aborted')
      },
    }),
  )
  world.scopes = [...hung, world.scope()]
  // The first time all are given the same chance.
  await pass(world.clock, 60_000)
  expect(world.reader.gauges()).toHaveLength(1)
  await pass(world.clock, 240_000)
  expect(world.asked.length).toBeGreaterThanOrEqual(8)
  expect(world.reader.gauges().every(({ takenAt }) => world.clock.monotonic() - takenAt < 40_000)).toBe(true)
})

it('asks two questions at a time of one JobManager', async () => {
  const world = begin()
  let most = 0
  let now = 0
  world.answer = async (_, signal) => {
    most = Math.max(most, ++now)
    await world.clock.sleep(500, signal)
    now--
    return new Map([[gauge, 41]])
  }
  world.scopes = [world.scope({ jobs: Array.from({ length: 20 }, (_, index) => job(`job-${index}`)) })]
  await pass(world.clock, 25_000)
  expect([world.asked.length, most, world.firsts]).toEqual([20, 2, 20])
})

it('asks seldom for what has no offset gauges, and for what refuses', async () => {
  const world = begin()
  world.scopes = [world.scope({ jobs: [job('datagen'), job('refused')] })]
  world.answer = async (id) => {
    if (id === 'refused') throw new UnavailableError('Read "http://jm:8081": HTTP 500')
    return new Map()
  }
  await pass(world.clock, 600_000)
  expect(world.reader.gauges()).toEqual([])
  for (const id of ['datagen', 'refused'])
    expect(world.asked.filter((one) => one.startsWith(id)).length).toBeLessThanOrEqual(6)
})

it('forgets scopes that are gone', async () => {
  const world = begin()
  world.scopes = [world.scope()]
  await pass(world.clock, 20_000)
  expect(world.reader.gauges()).toHaveLength(1)
  world.scopes = []
  world.reader.changed()
  expect(world.reader.gauges()).toEqual([])
  await pass(world.clock, 60_000)
  expect(world.asked).toHaveLength(1)
})
