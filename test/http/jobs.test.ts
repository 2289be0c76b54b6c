import { gunzipSync, inflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type JobPagesDeps, jobPagesRoute } from '../../src/http/job-pages.ts'
import { createJobText } from '../../src/http/job-text.ts'
import { type JobsDeps, jobsRoute } from '../../src/http/jobs.ts'
import { metricsRoutes } from '../../src/http/metrics.ts'
import { createPage } from '../../src/http/page.ts'
import type { JobView } from '../../src/model/job-view.ts'
import { payloads } from '../console/payloads.ts'
import { parsePage } from '../exposition/parse-page.ts'
import { ask, bytesOf, textOf } from '../fakes/http.ts'
import { fakeSnapshot } from '../fakes/snapshot.ts'
import { fakeApplication, fakeJob, fakeView, NOW } from '../jobs/fakes.ts'
import { readOpenApi } from './openapi-file.ts'

const clock = { monotonic: () => 5_000, wall: () => NOW, sleep: async () => undefined }
const api = readOpenApi()

const whole = fakeView({
  label: 'orders',
  job: fakeJob({
    takenAt: 4_000,
    application: fakeApplication(7, 2),
    vertices: [{ id: 't1', name: 'Source: x', parallelism: 2, state: 'RUNNING', backPressure: 0.5 }],
    checkpoints: {
      intervalMs: 10_000,
      completed: 5,
      failed: 1,
      inProgress: 0,
      restored: 1,
      lastCompletedAt: NOW - 1000,
      lastFailure: { at: NOW - 2000, text: 'timed out' },
    },
    lastException: { at: 1e300, text: 'java.lang.RuntimeException: no' },
    unread: ['checkpoints: timed out'],
  }),
  groups: ['billing'],
  backPressure: 0.5,
  watermarkLagMs: 1500,
  sources: [{ vertex: 'Source: x', vertexId: 't1', topics: ['a'], partitions: 2, recordsLag: 399, pendingRecords: 0 }],
  findings: [{ kind: 'checkpoint_overdue', message: 'm', evidence: ['e'], since: NOW - 9000 }],
})
const twice = fakeView({
  label: 'twice',
  findings: [{ kind: 'topic_read_twice', message: 'm', evidence: [] }],
})
const {
  job: _job,
  present: _present,
  restarts: _restarts,
  ...expected
} = fakeView({ flinkCluster: 'test', label: 'never seen' })

function deps(jobs: readonly JobView[] | undefined = [whole, twice, expected]): JobsDeps {
  return { jobs: () => jobs, flinkClusters: () => ['prod', 'test'], clock }
}

async function listed(query: string, jobs?: readonly JobView[]): Promise<readonly { readonly flink_job: string }[]> {
  const text = await textOf(await ask(jobsRoute(deps(jobs)), `/api/v1/jobs${query}`))
  const { jobs: rows }: { jobs: readonly { readonly flink_job: string }[] } = JSON.parse(text)
  return rows
}

const labels = async (query: string) => (await listed(query)).map(({ flink_job: label }) => label)

describe('/api/v1/jobs', () => {
  it('answers as the file says, with all that is known and nothing that is not', async () => {
    const response = await ask(jobsRoute(deps()), '/api/v1/jobs')
    const text = await textOf(response)
    const headers = new Headers(response.headers)

    expect(api.problems({ operation: 'GET /api/v1/jobs', status: 200, headers, text })).toEqual([])
    expect(text).not.toContain('null')
    expect(JSON.parse(text).jobs[0]).toMatchInlineSnapshot(`
      {
        "application": {
          "attempt": 2,
          "id": "application_1700000000000_0007",
          "name": "app 7",
          "queue": "stream",
          "tags": [],
          "user": "flink",
        },
        "backpressure_ratio": 0.5,
        "checkpoints": {
          "completed": 5,
          "failed": 1,
          "in_progress": 0,
          "interval_seconds": 10,
          "last_completed_at": "2026-11-29T23:59:59.000Z",
          "last_failure": {
            "at": "2026-11-29T23:59:58.000Z",
            "text": "timed out",
          },
          "restored": 1,
        },
        "expected_running": true,
        "findings": [
          {
            "evidence": [
              "e",
            ],
            "finding": "checkpoint_overdue",
            "message": "m",
            "since": "2026-11-29T23:59:51.000Z",
          },
        ],
        "flink_cluster": "prod",
        "flink_job": "orders",
        "groups": [
          "billing",
        ],
        "job_id": "0123456789abcdef0123456789abcdef",
        "last_exception": {
          "text": "java.lang.RuntimeException: no",
        },
        "name": "orders",
        "present": true,
        "read_at": "2026-11-29T23:59:59.000Z",
        "rest": "http://10.0.0.1:8081",
        "restarts": 0,
        "sources": [
          {
            "flink_pending_records": 0,
            "partitions": 2,
            "records_lag": 399,
            "topics": [
              "a",
            ],
            "vertex": "Source: x",
            "vertex_id": "t1",
          },
        ],
        "started_at": "2026-11-29T23:00:00.000Z",
        "state": "running",
        "unread": [
          "checkpoints: timed out",
        ],
        "version": "2.2.1",
        "vertices": [
          {
            "backpressure_ratio": 0.5,
            "id": "t1",
            "name": "Source: x",
            "parallelism": 2,
            "state": "RUNNING",
          },
        ],
        "watermark_lag_seconds": 1.5,
      }
    `)
    expect(JSON.parse(text).jobs[2]).toEqual({
      flink_cluster: 'test',
      flink_job: 'never seen',
      name: 'orders',
      state: 'unknown',
      expected_running: true,
      groups: [],
      sources: [],
      findings: [],
    })
  })

  it('leaves what is asked for', async () => {
    expect(await labels('')).toEqual(['orders', 'twice', 'never seen'])
    expect(await labels('?flink_cluster=prod')).toEqual(['orders', 'twice'])
    expect(await labels('?flink_job=twice')).toEqual(['twice'])
    expect(await labels('?flink_cluster=test&flink_job=twice')).toEqual([])
    expect(await labels('?finding=topic_read_twice')).toEqual(['twice'])
  })

  it('refuses what there is not', async () => {
    const refused = (query: string, jobs?: readonly JobView[] | null) =>
      Promise.resolve().then(() =>
        ask(jobsRoute(jobs === null ? { ...deps(), jobs: () => undefined } : deps(jobs)), `/api/v1/jobs${query}`),
      )

    await expect(refused('?flink_cluster=x')).rejects.toMatchObject({
      status: 404,
      details: { flink_clusters: ['prod', 'test'] },
    })
    await expect(refused('?finding=x')).rejects.toMatchObject({ status: 400, details: { parameter: 'finding' } })
    await expect(refused('?job=x')).rejects.toMatchObject({ status: 400 })
    await expect(refused('', null)).rejects.toMatchObject({ status: 503 })
  })

  it('has no jobs, and no trouble, where no Flink cluster is configured', async () => {
    const route = jobsRoute({ jobs: () => undefined, flinkClusters: () => [], clock })

    expect(await textOf(await ask(route, '/api/v1/jobs'))).toBe('{"jobs":[]}\n')
  })

  it.each(payloads)('gives names as they are: %j', async (payload) => {
    const [job] = await listed('', [fakeView({ label: payload, name: payload, job: fakeJob({ name: payload }) })])

    expect(job).toMatchObject({ flink_job: payload, name: payload })
  })

  it('sends a thousand jobs with long exceptions in pieces', async () => {
    const job = fakeJob({ lastException: { at: NOW, text: 'x'.repeat(10_000) } })
    const many = Array.from({ length: 1000 }, (_, number) => fakeView({ label: `${number}`, job }))
    const { body } = await ask(jobsRoute(deps(many)), '/api/v1/jobs')
    const sizes: number[] = []
    if (typeof body === 'string' || body instanceof Uint8Array) throw new Error('One piece')
    for await (const piece of body) sizes.push(piece.length)

    expect(sizes.length).toBeGreaterThan(100)
    expect(Math.max(...sizes)).toBeLessThan(100_000)
  })
})

describe('/jobs', () => {
  const pages: JobPagesDeps['pages'] = {
    all: (jobs) => `all ${jobs.map(({ label }) => label).join()}`,
    one: (job, now) => `one ${job.label} ${now}`,
  }
  const page = async (query: string) => textOf(await ask(jobPagesRoute({ ...deps(), pages }), `/jobs${query}`))

  it('is of all jobs, or of one', async () => {
    expect(await page('')).toBe('all orders,twice,never seen')
    expect(await page('?finding=topic_read_twice')).toBe('all twice')
    expect(await page('?flink_cluster=prod&flink_job=twice')).toBe(`one twice ${NOW}`)
  })

  it('says that a job is not known', async () => {
    await expect(page('?flink_cluster=prod&flink_job=nobody')).rejects.toMatchObject({ status: 404 })
  })
})

describe('/metrics', () => {
  const SELF = 'lagkeeper_x 1\n'
  function routes(jobs: () => readonly JobView[] | undefined, limit = 1_000_000) {
    const text = createJobText({ jobs, limit: () => limit })
    const selfMetrics = async (): Promise<string> => SELF
    const row = { consumer: { name: 'c', kind: 'classic' }, topic: 't', partition: 0, position: 1n } as const
    const snapshot = fakeSnapshot([{ ...row, start: 0n, end: 5n }])
    const clusters = { names: () => ['main'], snapshots: () => [snapshot] }
    const page = createPage({ selfMetrics, jobs: text.pieces })
    return { text, all: metricsRoutes({ clusters, selfMetrics, page, jobs: text.pieces }) }
  }
  const has = (text: string) => [
    text.includes('stream_consumer_records_lag{'),
    text.includes('stream_job_present{'),
    text.includes(SELF),
  ]

  it('has the jobs on the whole page and alone, not on the page of one Kafka cluster', async () => {
    const { all } = routes(() => [whole])

    expect(has(await textOf(await ask(all, '/metrics')))).toEqual([true, true, true])
    expect(has(await textOf(await ask(all, '/metrics?kafka_cluster=main')))).toEqual([true, false, true])
    expect(has(await textOf(await ask(all, '/metrics?names=kafka_exporter')))).toEqual([false, false, false])
    expect(has(await textOf(await ask(all, '/metrics/jobs')))).toEqual([false, true, false])
  })

  it('has nothing of jobs before they were looked at', async () => {
    const { all, text } = routes(() => undefined)

    expect(await textOf(await ask(all, '/metrics/jobs'))).toBe('')
    expect(text.dropped()).toBeUndefined()
    expect(has(await textOf(await ask(all, '/metrics')))).toEqual([true, false, true])
  })

  it('is rendered once for each look at the jobs', async () => {
    let jobs: readonly JobView[] = [whole]
    const { text, all } = routes(() => jobs)
    const first = text.pieces()
    const read = async () => parsePage(await bytesOf(await ask(all, '/metrics/jobs'))).length
    const before = await read()

    expect(text.pieces()).toBe(first)
    jobs = [whole, twice]
    expect(await read()).toBeGreaterThan(before)
  })

  it('is one gzip member with the same text', async () => {
    const { all } = routes(() => [whole, twice])
    const gzipped = { headers: { 'accept-encoding': 'gzip' } }

    for (const path of ['/metrics', '/metrics/jobs']) {
      const packed = await bytesOf(await ask(all, path, gzipped))
      const text = await bytesOf(await ask(all, path))

      expect(gunzipSync(packed).equals(text)).toBe(true)
      expect(inflateRawSync(packed.subarray(10, -8)).equals(text)).toBe(true)
    }
  })

  it('tells what the limit left out', async () => {
    const { text, all } = routes(() => [whole, twice], 40)
    await textOf(await ask(all, '/metrics/jobs'))

    expect(text.dropped()).toBeGreaterThan(30)
  })
})
