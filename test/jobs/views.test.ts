import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JobFacts, JobGauges } from '../../src/jobs/facts.ts'
import { takeInventory } from '../../src/jobs/inventory.ts'
import { jobViews } from '../../src/jobs/views.ts'
import type { Job } from '../../src/model/job.ts'
import type { JobView } from '../../src/model/job-view.ts'
import { payloads } from '../console/payloads.ts'
import { fakeFacts, fakeGauges, fakeJob, fakeReading, fakeRules, inSteps, NOW } from './fakes.ts'

function viewsOf(jobs: readonly Job[], facts: (job: Job) => Partial<JobFacts> = () => ({})): readonly JobView[] {
  const inventory = inSteps(takeInventory(jobs, new Map(), 0, fakeRules())).value
  const factsFor = ({ job }: { job?: Job }) => (job === undefined ? undefined : fakeFacts({ job, ...facts(job) }))
  return inSteps(jobViews(inventory, factsFor, new Map(), NOW)).value.views
}

describe('jobViews()', () => {
  it('has figures of every source: the true lag beside what Flink says', () => {
    const gauges = fakeGauges(
      { partition: 0 },
      { partition: 1, subtask: 1 },
      { task: 't2', operator: 'o2', topic: 'b' },
    )
    const operator = fakeReading({}).operator
    const [view] = viewsOf(
      [
        fakeJob({
          vertices: [
            { id: 't1', name: 'Source: orders[7] -> Calc[8]', parallelism: 2, state: 'RUNNING', backPressure: 0.25 },
            { id: 't2', name: 'Source: orders[9] -> Calc[10]', parallelism: 1, state: 'RUNNING' },
          ],
        }),
      ],
      () => ({
        gauges: {
          ...gauges,
          operators: [
            { operator, pendingRecords: 3, backPressure: 0.75, watermarkLagMs: 1500 },
            { operator: { ...operator, subtask: 1 }, pendingRecords: 4, watermarkLagMs: 9.2e18 },
            {
              operator: { ...operator, taskId: 't2' },
              pendingRecords: Number.NaN,
              backPressure: Number.NaN,
              watermarkLagMs: -5,
            },
          ],
        },
        lagOf: (topic, partition) => (topic === 'b' ? undefined : 100 + partition),
      }),
    )

    expect(view).toMatchObject({ backPressure: 0.75, watermarkLagMs: 1500 })
    expect(view?.sources).toEqual([
      {
        vertex: 'Source: orders -> Calc',
        vertexId: 't1',
        topics: ['orders'],
        partitions: 2,
        recordsLag: 201,
        pendingRecords: 7,
        backPressure: 0.75,
      },
      { vertex: 'Source: orders -> Calc (t2)', vertexId: 't2', topics: ['b'], partitions: 1 },
    ])
  })

  it('has no sum over a part of the partitions: not every subtask stands on a page', () => {
    const job = fakeJob({ vertices: [{ id: 't1', name: 'Source', parallelism: 2, state: 'RUNNING' }] })
    const { operator } = fakeReading({})
    const half = { ...fakeGauges({ partition: 0 }), operators: [{ operator, pendingRecords: 3 }] }
    const whole = {
      ...fakeGauges({ partition: 0 }, { partition: 1, subtask: 1 }),
      operators: [...half.operators, { operator: { ...operator, subtask: 1 }, pendingRecords: 4 }],
    }
    const sums = (gauges: JobGauges, hasAllPages: boolean) =>
      viewsOf([job], () => ({ gauges, hasAllPages, lagOf: () => 100 })).flatMap(({ sources }) =>
        sources.map(({ recordsLag, pendingRecords }) => [recordsLag, pendingRecords]),
      )

    expect(sums(half, false)).toEqual([[undefined, undefined]])
    // A subtask without partitions has no gauges.
    expect(sums(half, true)).toEqual([[100, 3]])
    expect(sums(whole, false)).toEqual([[200, 7]])
  })

  it('has no findings and figures of a job that is gone or silent', () => {
    const [view] = viewsOf([fakeJob({ state: 'FAILED', version: '1.8.0' })], () => ({ gauges: fakeGauges({}) }))

    expect(view).toMatchObject({ present: false, sources: [], findings: [] })
  })

  it('lets others run within the look at one job', () => {
    const inventory = inSteps(takeInventory([fakeJob()], new Map(), 0, fakeRules())).value

    expect(inSteps(jobViews(inventory, () => fakeFacts(), new Map(), NOW)).steps).toBeGreaterThan(10)
  })

  const hostile = fc.oneof(
    fc.constantFrom(...payloads, '', '\n', '"', '\\', 'x'.repeat(10_000)),
    fc.string({ unit: 'binary' }),
  )
  const numbers = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(2 ** 63, -1, Number.NaN))

  it('takes whatever names and numbers a JobManager may send', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, numbers, numbers, (name, vertexName, topic, a, b) => {
        const job = fakeJob({
          name,
          startedAt: a,
          version: topic,
          restarts: b,
          vertices: [{ id: 't1', name: vertexName, parallelism: b, state: topic, backPressure: a }],
          plan: [{ id: 'x', description: vertexName, parallelism: 1, inputs: [topic, 'x'] }],
          checkpoints: { intervalMs: a, completed: b, failed: b, inProgress: a, restored: a, lastCompletedAt: b },
        })
        const [view, ...more] = viewsOf([job], () => ({
          gauges: fakeGauges({ topic, operator: name, partition: 0 }, { topic, operator: vertexName, current: b }),
          partitionsOf: () => 3,
          lagOf: () => 1,
          namesakes: [name],
          groupSharedWith: [{ group: topic, label: name }],
        }))

        expect(more).toEqual([])
        expect(view?.name).toBe(name)
        for (const { evidence } of view?.findings ?? [])
          for (const line of evidence) expect(line.length).toBeLessThan(310)
        for (const { vertex } of view?.sources ?? []) expect(vertex).toMatch(/^\P{Cs}+$/u)
      }),
    )
  })
})
