import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jobFamilies } from '../../src/exposition/families.ts'
import { type JobRenderOptions, renderJobs } from '../../src/exposition/job-render.ts'
import { findingKinds } from '../../src/model/finding.ts'
import type { JobView } from '../../src/model/job-view.ts'
import { jobStates } from '../../src/model/job-view.ts'
import { payloads } from '../console/payloads.ts'
import { fakeApplication, fakeJob, fakeView } from '../jobs/fakes.ts'
import { parsePage } from './parse-page.ts'

function pageOf(jobs: readonly JobView[], options: JobRenderOptions = {}): string {
  return Buffer.concat([...renderJobs(jobs, options)]).toString()
}

const whole = fakeView({
  job: fakeJob({
    version: '1.20.5',
    application: fakeApplication(7),
    checkpoints: {
      intervalMs: 60_000,
      completed: 5,
      failed: 2,
      inProgress: 0,
      restored: 0,
      lastCompletedAt: 1_700_000_000_250,
    },
  }),
  restarts: 3,
  backPressure: 0.98765,
  watermarkLagMs: 1500,
  sources: [
    {
      vertex: 'Source: orders',
      vertexId: 'a',
      topics: ['orders'],
      partitions: 3,
      recordsLag: 51_951,
      pendingRecords: 364,
    },
    { vertex: 'Source: b', vertexId: 'b', topics: ['b'], partitions: 1 },
  ],
  findings: [
    { kind: 'topic_read_twice', message: 'x', evidence: [] },
    { kind: 'end_of_life', message: 'x', evidence: [] },
  ],
})

describe('renderJobs()', () => {
  it('prints this page', () => {
    const lines = pageOf([whole, fakeView({ flinkCluster: 'a "b"\\', label: 'x\ny', expectedRunning: false })]).split(
      '\n',
    )

    expect(lines.filter((line) => !/state=".*"} 0$|^#/.test(line)).join('\n')).toMatchInlineSnapshot(`
      "stream_job_info{flink_cluster="a \\"b\\"\\\\",flink_job="x\\ny",version="2.2.1",job_id="0123456789abcdef0123456789abcdef"} 1
      stream_job_info{flink_cluster="prod",flink_job="orders",version="1.20.5",job_id="0123456789abcdef0123456789abcdef",application_id="application_1700000000000_0007",queue="stream",user="flink"} 1
      stream_job_state{flink_cluster="a \\"b\\"\\\\",flink_job="x\\ny",state="running"} 1
      stream_job_state{flink_cluster="prod",flink_job="orders",state="running"} 1
      stream_job_expected_running{flink_cluster="a \\"b\\"\\\\",flink_job="x\\ny"} 0
      stream_job_expected_running{flink_cluster="prod",flink_job="orders"} 1
      stream_job_present{flink_cluster="a \\"b\\"\\\\",flink_job="x\\ny"} 1
      stream_job_present{flink_cluster="prod",flink_job="orders"} 1
      stream_job_restarts_total{flink_cluster="a \\"b\\"\\\\",flink_job="x\\ny"} 0
      stream_job_restarts_total{flink_cluster="prod",flink_job="orders"} 3
      stream_job_last_checkpoint_timestamp_seconds{flink_cluster="prod",flink_job="orders"} 1700000000.25
      stream_job_checkpoints_failed_total{flink_cluster="prod",flink_job="orders"} 2
      stream_job_source_records_lag{flink_cluster="prod",flink_job="orders",vertex="Source: orders"} 51951
      stream_job_flink_pending_records{flink_cluster="prod",flink_job="orders",vertex="Source: orders"} 364
      stream_job_backpressure_ratio{flink_cluster="prod",flink_job="orders"} 0.988
      stream_job_watermark_lag_seconds{flink_cluster="prod",flink_job="orders"} 1.5
      stream_job_finding{flink_cluster="prod",flink_job="orders",finding="topic_read_twice"} 1
      stream_job_finding{flink_cluster="prod",flink_job="orders",finding="end_of_life"} 1
      "
    `)
  })

  it('has one head for each family, and nothing for no jobs', () => {
    expect(pageOf([])).toBe('')
    expect(pageOf([whole]).match(/^# TYPE (\S+)/gm)).toEqual(
      Object.values(jobFamilies).map(({ name }) => `# TYPE ${name}`),
    )
  })

  it('has every state of the closed list, exactly one of them as 1', () => {
    const states = (more: Partial<JobView>): readonly string[] =>
      parsePage(Buffer.from(pageOf([fakeView(more)])))
        .filter(({ name, value }) => name === 'stream_job_state' && value === '1')
        .map(({ labels }) => labels['state'] ?? '')

    expect(states({})).toEqual(['running'])
    expect(states({ present: false })).toEqual(['gone'])
    expect(states({ present: false, job: fakeJob({ state: 'FAILED' }) })).toEqual(['failed'])
    const { present: _, ...silent } = fakeView()
    expect(states({ job: fakeJob({ state: 'A_NEW_WORD' }) })).toEqual(['unknown'])
    expect(parsePage(Buffer.from(pageOf([silent]))).map(({ name }) => name)).not.toContain('stream_job_present')
    expect(parsePage(Buffer.from(pageOf([silent]))).filter(({ name }) => name === 'stream_job_state')).toHaveLength(
      jobStates.length,
    )
  })

  it('leaves out what is no number', () => {
    const odd = fakeView({
      restarts: Number.NaN,
      backPressure: Number.NaN,
      watermarkLagMs: Number.POSITIVE_INFINITY,
      job: fakeJob({ checkpoints: { completed: 0, failed: -1, inProgress: 0, restored: 0, lastCompletedAt: -5 } }),
    })

    expect(pageOf([odd])).not.toMatch(/ (-|NaN|Inf)/)
  })

  it('prints the same bytes whatever the order of the jobs', () => {
    const jobs = ['b', 'a', 'c'].map((label) => fakeView({ label }))

    expect(pageOf(jobs.toReversed())).toBe(pageOf(jobs))
  })

  it('is read back whole, whatever the names', () => {
    const name = fc.oneof(
      fc.constantFrom(...payloads, 'x'.repeat(10_000), 'a\r\nb', '\u202egnp'),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(
        fc.uniqueArray(
          name.map((text) => text.replace(/\p{Cs}/gu, '?')),
          { maxLength: 5 },
        ),
        (labels) => {
          const sources = (vertex: string) => [{ vertex, vertexId: 'v', topics: [], partitions: 1, recordsLag: 7 }]
          const jobs = labels.map((label) => fakeView({ label, sources: sources(label) }))
          const samples = parsePage(Buffer.from(pageOf(jobs)))

          const found = samples.filter((sample) => sample.name === 'stream_job_source_records_lag')
          expect(found.map((sample) => sample.labels['flink_job']).sort()).toEqual([...labels].sort())
          for (const {
            labels: { flink_job: job, vertex },
          } of found)
            expect(vertex).toBe(job)
        },
      ),
    )
  })

  describe('with a limit', () => {
    const source = (number: number) => ({
      vertex: `v${number}`,
      vertexId: `${number}`,
      topics: [],
      partitions: 1,
      recordsLag: 1,
    })
    const many = (count: number) => Array.from({ length: count }, (_, number) => source(number))
    const jobs = [
      fakeView({ label: 'a', present: false, sources: [] }),
      fakeView({ label: 'b', sources: many(50) }),
      fakeView({ label: 'c', sources: many(5) }),
    ]
    /** What one job has at most, without its sources. */
    const ofJob = Object.keys(jobFamilies).length - 4 + jobStates.length + findingKinds.length

    function printed(limit: number): {
      readonly jobs: readonly string[]
      readonly sources: readonly string[]
      readonly dropped: number
    } {
      let dropped = -1
      const text = pageOf(jobs, {
        limit,
        onDropped: (count) => {
          dropped = count
        },
      })
      const of = (family: string) => [
        ...new Set(
          parsePage(Buffer.from(text))
            .filter(({ name }) => name === family)
            .map(({ labels }) => labels['flink_job'] ?? ''),
        ),
      ]
      return { jobs: of('stream_job_state'), sources: of('stream_job_source_records_lag'), dropped }
    }

    it.each([
      [3 * ofJob + 110, ['a', 'b', 'c'], ['b', 'c'], 0],
      [3 * ofJob + 109, ['a', 'b', 'c'], ['c'], 100],
      [3 * ofJob, ['a', 'b', 'c'], [], 110],
      [3 * ofJob - 1, ['b', 'c'], [], 110 + ofJob],
      [ofJob, ['b'], [], 110 + 2 * ofJob],
      [0, [], [], 110 + 3 * ofJob],
    ] as const)('of %i drops sources first, then jobs that are gone', (limit, left, withSources, dropped) => {
      expect(printed(limit)).toEqual({ jobs: left, sources: withSources, dropped })
    })
  })

  it('takes small steps with 2,000 jobs', () => {
    const jobs = Array.from({ length: 2_000 }, (_, number) => fakeView({ label: `job ${number}` }))
    const steps = [...renderJobs(jobs)].map((chunk) => chunk.length)

    expect(Math.max(...steps)).toBeLessThanOrEqual(256 * 1024)
    expect(steps.length).toBeGreaterThan(50)
  })
})
