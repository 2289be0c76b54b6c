import { expect, it } from 'vitest'
import { createFlinkRest } from '../../src/flink/flink-rest.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { fakeClock } from '../fakes/clock.ts'
import { type Answering, handled, jobDetail, jobId, sendJson, smallCluster, startRest, vertexId } from './rest-fake.ts'

const of = { flinkCluster: 'dev' }
const never = new AbortController().signal

async function cluster(jobs: number, more?: Answering) {
  const server = await startRest(smallCluster(jobs, more))
  const clock = fakeClock()
  const rest = createFlinkRest({ url: server.url }, { clock, logger: silentLogger })
  return {
    server,
    clock,
    look: async () => {
      server.asked.length = 0
      return rest.look(of, never)
    },
    [Symbol.asyncDispose]: async () => {
      rest.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

it('a look at a cluster at rest costs two requests and two a running job', async () => {
  await using here = await cluster(3)

  const first = await here.look()
  expect(here.server.asked).toHaveLength(2 + 2 + 3 * 5)
  await here.clock.advance(31_000)
  const second = await here.look()
  const due = here.server.asked.toSorted()
  await here.clock.advance(10_000)
  const third = await here.look()

  expect(here.server.asked.toSorted()).toEqual(['/jobs/overview', '/taskmanagers'])
  expect(third.jobs).toEqual(second.jobs)
  expect(due).toEqual(
    [
      '/jobs/overview',
      '/taskmanagers',
      ...[0, 1, 2].flatMap((index) => [`/jobs/${jobId(index)}`, `/jobs/${jobId(index)}/checkpoints`]),
    ].toSorted(),
  )
  expect(second).toEqual({
    ...first,
    takenAt: 31_000,
    jobs: first.jobs.map((job) => ({ ...job, takenAt: 31_000 })),
  })
  expect(second.jobs[0]).toEqual({
    flinkCluster: 'dev',
    name: 'job-0',
    id: jobId(0),
    state: 'RUNNING',
    startedAt: 1_700_000_000_000,
    version: '1.20.5',
    rest: here.server.url,
    vertices: [{ id: vertexId, name: 'Source: orders[1]', parallelism: 2, state: 'RUNNING', backPressure: 0 }],
    plan: [
      { id: vertexId, description: '[1]:TableSourceScan(table=[[a, b, orders]])<x>\n', parallelism: 2, inputs: [] },
    ],
    restarts: 0,
    checkpoints: {
      intervalMs: 10_000,
      completed: 1,
      failed: 0,
      inProgress: 0,
      restored: 0,
      lastCompletedAt: 1_700_000_002_000,
    },
    takenAt: 31_000,
    unread: [],
  })
})

it('after a restart the number is asked until it has come, and the exception once', async () => {
  let [modified, restarts] = [1, '0']
  await using here = await cluster(1, (path) => {
    if (path === '/jobs/overview')
      return { jobs: [{ jid: jobId(0), name: 'a', state: 'RUNNING', 'start-time': 1, 'last-modification': modified }] }
    if (path.endsWith('/exceptions'))
      return {
        exceptionHistory: { entries: [{ stacktrace: 'Boom: x\n\tat a.b(C.java)\nCaused by: y', timestamp: 9 }] },
      }
    return path === `/jobs/${jobId(0)}/metrics` ? [{ id: 'numRestarts', value: restarts }] : undefined
  })
  const asked = (end: string): number => here.server.asked.filter((path) => path.includes(end)).length

  await here.look()
  await here.clock.advance(40_000)
  await here.look()
  expect([asked('numRestarts'), asked('/exceptions')]).toEqual([0, 0])
  modified = 2
  await here.clock.advance(10_000)
  expect((await here.look()).jobs[0]?.restarts).toBe(0)
  restarts = '1'
  await here.clock.advance(10_000)
  const [job] = (await here.look()).jobs
  expect(job).toMatchObject({ restarts: 1, lastException: { at: 9, text: 'Boom: x\nCaused by: y' } })
  expect([asked('numRestarts'), asked('/exceptions')]).toEqual([1, 1])
  await here.clock.advance(40_000)

  expect((await here.look()).jobs[0]).toMatchObject({ restarts: 1, lastException: { at: 9 } })
  expect([asked('numRestarts'), asked('/exceptions')]).toEqual([0, 0])
})

it('back-pressure is asked for while the time that a vertex was held up moves', async () => {
  let [accumulated, share] = [0, 0]
  await using here = await cluster(1, (path) => {
    if (path === `/jobs/${jobId(0)}`)
      return {
        ...jobDetail,
        vertices: jobDetail.vertices.map((one) => ({
          ...one,
          metrics: { 'accumulated-backpressured-time': accumulated },
        })),
      }
    return path.endsWith('/subtasks/metrics') ? [{ id: 'backPressuredTimeMsPerSecond', max: share }] : undefined
  })
  const shares: (number | undefined)[] = []
  const asked: number[] = []
  for (const [time, now] of [
    [0, 0],
    [0, 0],
    [700, 700],
    [700, 0],
    [700, 0],
  ] as const) {
    accumulated = time
    share = now
    shares.push((await here.look()).jobs[0]?.vertices[0]?.backPressure)
    asked.push(here.server.asked.filter((path) => path.includes('backPressured')).length)
  }

  expect(shares).toEqual([0, 0, 0.7, 0, 0])
  expect(asked).toEqual([1, 0, 1, 1, 0])
})

it('a new life of the JobManager, and ten minutes, make it ask for version and settings again', async () => {
  let [start, isDown] = [1, false]
  await using here = await cluster(1, (path, _query, response) => {
    if (isDown) return sendJson(response, { errors: ['leader election'] }, 503)
    if (path !== '/jobs/overview') return undefined
    return { jobs: [{ jid: jobId(0), name: 'a', state: 'RUNNING', 'start-time': start, 'last-modification': 1 }] }
  })
  const asksSettings = async (): Promise<boolean> => {
    await here.look().catch(() => undefined)
    return here.server.asked.includes('/config') && here.server.asked.includes('/jobmanager/config')
  }

  expect(await asksSettings()).toBe(true)
  expect(await asksSettings()).toBe(false)
  start = 2
  expect(await asksSettings()).toBe(true)
  expect(here.server.asked).toContain(`/jobs/${jobId(0)}/checkpoints/config`)
  isDown = true
  expect(await asksSettings()).toBe(false)
  isDown = false
  expect(await asksSettings()).toBe(true)
  await here.clock.advance(601_000)
  expect(await asksSettings()).toBe(true)
})

it('a job without checkpointing is asked once, and one whose interval nobody set has none', async () => {
  await using here = await cluster(2, (path, _query, response) => {
    if (path === `/jobs/${jobId(0)}/checkpoints/config`)
      return sendJson(response, { errors: [`Checkpointing is not enabled for this job (${jobId(0)}).`] }, 404)
    if (path === `/jobs/${jobId(1)}/checkpoints/config`) {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"interval":9223372036854775807}')
      return handled
    }
    return undefined
  })

  const { jobs } = await here.look()
  await here.look()

  expect(jobs[0]?.checkpoints).toEqual({ completed: 0, failed: 0, inProgress: 0, restored: 0 })
  expect(jobs[1]?.checkpoints).toMatchObject({ completed: 1 })
  expect(jobs[1]?.checkpoints).not.toHaveProperty('intervalMs')
  expect(jobs.map(({ unread }) => unread)).toEqual([[], []])
  expect(here.server.asked.filter((path) => path.includes(`${jobId(0)}/checkpoints`))).toEqual([])
})

it('jobs that ended are not asked about, but for why they failed, once', async () => {
  const states = ['FINISHED', 'CANCELED', 'FAILED', 'SUSPENDED']
  await using here = await cluster(0, (path) => {
    if (path.endsWith('/exceptions')) return { 'root-exception': 'Boom', timestamp: 7, 'all-exceptions': [] }
    if (path !== '/jobs/overview') return undefined
    return {
      jobs: states.map((state, index) => ({ jid: jobId(index), name: state, state, 'start-time': 1, 'end-time': 5 })),
    }
  })

  const { jobs } = await here.look()

  expect(jobs.map(({ endedAt, lastException }) => [endedAt, lastException?.text])).toEqual([
    [5, undefined],
    [5, undefined],
    [5, 'Boom'],
    [5, undefined],
  ])
  expect(here.server.asked.filter((path) => path.startsWith('/jobs/0'))).toEqual([
    `/jobs/${jobId(2)}/exceptions?maxExceptions=1`,
  ])
  await here.look()
  expect(here.server.asked.filter((path) => path.startsWith('/jobs/0'))).toEqual([])
})

it('hundreds of jobs of one session cluster are read within the look; when time is up the rest says so', async () => {
  await using server = await startRest(smallCluster(400))
  const deps = { clock: systemClock, logger: silentLogger }
  const patient = createFlinkRest({ url: server.url, lookMs: 100_000 }, deps)
  const hurried = createFlinkRest({ url: server.url, lookMs: 50 }, deps)

  const all = await patient.look(of, never)
  expect(all.jobs.filter(({ unread }) => unread.length > 0)).toEqual([])
  expect(server.asked).toHaveLength(2 + 2 + 400 * 5)
  const some = (await hurried.look(of, never)).jobs
  const late = some.filter(({ unread }) => unread.length > 0)

  expect(some).toHaveLength(400)
  expect(late.length).toBeGreaterThan(100)
  expect(late[0]).toMatchObject({ state: 'RUNNING', unread: ['Not asked about: the look had taken 0.05 s already'] })
  patient.close()
  hurried.close()
}, 120_000)

it('jobs that there was no time for come first in the next look, and keep what was read of them', async () => {
  let slow = 0
  const clock = fakeClock()
  await using server = await startRest(
    smallCluster(4, (path) => {
      // The clock moves while the third job is being read, which takes two requests as the others do.
      if (/^\/jobs\/0/.test(path) && slow > 0 && ++slow === 7) void clock.advance(20_000)
      return undefined
    }),
  )
  const rest = createFlinkRest({ url: server.url, mostAtOnce: 1 }, { clock, logger: silentLogger })
  const unreadOf = async (): Promise<readonly string[]> =>
    (await rest.look(of, never)).jobs.filter(({ unread }) => unread.length > 0).map(({ name }) => name)

  expect(await unreadOf()).toEqual([])
  await clock.advance(40_000)
  slow = 1
  const { jobs } = await rest.look(of, never)
  expect(jobs.map(({ unread, restarts, takenAt }) => [unread.length, restarts, takenAt >= 40_000])).toEqual([
    [0, 0, true],
    [0, 0, true],
    [0, 0, true],
    [1, 0, false],
  ])
  slow = 0
  server.asked.length = 0
  expect(await unreadOf()).toEqual([])
  expect(server.asked.find((path) => path.startsWith('/jobs/0'))).toBe(`/jobs/${jobId(3)}`)
  rest.close()
})
