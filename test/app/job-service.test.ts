import { expect, it } from 'vitest'
import { createJobBoard } from '../../src/app/job-board.ts'
import { jobRules } from '../../src/app/job-rules.ts'
import { createJobService } from '../../src/app/job-service.ts'
import type { Job } from '../../src/model/job.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeJob } from '../jobs/fakes.ts'

function world() {
  const clock = fakeClock()
  const board = createJobBoard()
  let pagesRead = 0
  let clusters = ['prod', 'dev']
  const service = createJobService({
    board,
    poller: {
      pages: () => {
        pagesRead++
        return new Map()
      },
      failures: () => new Map(),
    },
    rules: () => jobRules(clusters.map((name) => ({ name, jobs: [], expected_jobs: [] }))),
    kafka: () => [],
    kafkaClusterOf: () => 'main',
    isRead: () => true,
    hasLooked: () => true,
    staleMs: 45_000,
    clock,
  })
  const find = (flinkCluster: string, jobs: readonly Job[]): void =>
    board.reportOf(`flink/${flinkCluster}`).update({ scope: 'session', flinkCluster, reporters: [], silent: [], jobs })
  return {
    clock,
    board,
    service,
    find,
    pagesRead: () => pagesRead,
    configure: (names: string[]): void => {
      clusters = names
      board.retain(names.map((name) => `flink/${name}`))
    },
    labels: () => service.views()?.map(({ flinkCluster, label, present }) => `${flinkCluster}/${label} ${present}`),
    jobIds: () => service.flinkJobs().map(({ jobId }) => jobId),
  }
}

const idOf = (digit: string): string => digit.repeat(32)

it('goes through all pages every few seconds only, however often jobs are told that are what they were', async () => {
  const { clock, service, find, pagesRead, labels, jobIds } = world()
  const stop = new AbortController()
  const running = service.run(stop.signal)
  for (let turn = 0; turn < 100; turn++) {
    find('prod', [fakeJob({ takenAt: clock.monotonic() })])
    await clock.advance(100)
  }
  expect(labels()).toEqual(['prod/orders true'])
  expect(pagesRead()).toBeGreaterThanOrEqual(2)
  expect(pagesRead()).toBeLessThanOrEqual(4)

  const before = pagesRead()
  find('prod', [fakeJob({ id: idOf('b'), takenAt: clock.monotonic() })])
  await clock.advance(1_000)
  expect(jobIds()).toEqual([idOf('b')])
  expect(pagesRead()).toBeGreaterThan(before)
  stop.abort()
  await running
})

it('forgets the jobs of a Flink cluster that is taken out of the configuration', async () => {
  const { clock, service, find, configure, labels, jobIds } = world()
  const stop = new AbortController()
  const running = service.run(stop.signal)
  find('prod', [fakeJob()])
  find('dev', [fakeJob({ flinkCluster: 'dev' })])
  await clock.advance(1_000)
  expect(labels()).toEqual(['dev/orders true', 'prod/orders true'])

  configure(['prod'])
  await clock.advance(1_000)
  expect(labels()).toEqual(['prod/orders true'])
  expect(jobIds()).toHaveLength(1)
  stop.abort()
  await running
})
