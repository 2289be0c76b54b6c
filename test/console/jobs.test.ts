import { describe, expect, it } from 'vitest'
import { jobPage, jobsPage } from '../../src/console/job-page.ts'
import { worstFirst } from '../../src/console/job-table.ts'
import { type LandingInput, landingPage } from '../../src/console/landing.ts'
import { consoleCss } from '../../src/console/style.ts'
import type { Finding } from '../../src/model/finding.ts'
import type { JobView } from '../../src/model/job-view.ts'
import { fakeApplication, fakeJob, fakeView, NOW } from '../jobs/fakes.ts'
import { payloads } from './payloads.ts'
import { skeleton } from './skeleton.ts'

function finding(kind: Finding['kind'], text = 'Something is wrong'): Finding {
  return { kind, message: text, evidence: [text, 'more'], since: NOW - 600_000 }
}

const well = fakeView({ label: 'well' })
const old = fakeView({ label: 'old', findings: [finding('end_of_life')] })
const stuck = fakeView({
  label: 'stuck',
  restarts: 12,
  findings: [finding('checkpoint_overdue'), finding('end_of_life')],
  judged: { consumer: 'prod/stuck', status: 'stalled', why: 'two partitions stand', timeLagMs: 90_000 },
  sources: [
    { vertex: 'Source: pay', vertexId: 'v', topics: ['pay'], partitions: 2, recordsLag: 51_951, pendingRecords: 364 },
  ],
})
const gone = fakeView({ label: 'gone', present: false })
const blind = fakeView({ label: 'blind', sources: [{ vertex: 'Source: x', vertexId: 'v', topics: [], partitions: 1 }] })

/** A job of which everything is named by one text. */
function named(text: string): JobView {
  return fakeView({
    flinkCluster: text,
    label: text,
    name: text,
    groups: [text],
    backPressure: 0.5,
    watermarkLagMs: 1500,
    job: fakeJob({
      name: text,
      id: text,
      state: 'RUNNING',
      version: text,
      rest: text,
      application: { ...fakeApplication(1), id: text, queue: text, user: text },
      vertices: [{ id: text, name: text, parallelism: 1, state: text }],
      checkpoints: { intervalMs: 1, completed: 1, failed: 1, inProgress: 0, restored: 0, lastFailure: { at: 0, text } },
      lastException: { at: NOW, text },
      unread: [text],
    }),
    sources: [{ vertex: text, vertexId: text, topics: [text], partitions: 1 }],
    findings: [finding('end_of_life', text)],
    judged: { consumer: text, status: 'stalled', why: text },
  })
}

function landing(more: Partial<LandingInput>): string {
  return landingPage({ version: '1', demo: false, address: 'a:1', now: 0, clusters: [], ...more })
}

/** What a reader sees, without markup. */
function seen(document: string): string {
  return document
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<\/(th|td|p|li|h1|h2|h3|dt|dd|div)>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}

describe('the table of jobs', () => {
  it('has those that need somebody first', () => {
    expect(worstFirst([well, old, stuck, gone, blind]).map(({ label }) => label)).toEqual([
      'gone',
      'stuck',
      'old',
      'blind',
      'well',
    ])
  })

  it('stands on the landing page where jobs are looked for, and only there', () => {
    expect(seen(landing({}))).not.toContain('Jobs')
    expect(seen(landing({ jobs: [] }))).toContain('Jobs No job has been seen yet.')
    expect(seen(landing({ jobs: [well, old, stuck, gone, blind] }))).toContain(
      'Job State Status Findings Lag in records Restarts Flink cluster gone gone none 0 prod stuck running stalled checkpoint overdue, 1 more 51,951 12 prod old running end of life 0 prod blind running none unknown 0 prod well running none 0 prod 5 jobs. Missing: 1. With findings: 2. All jobs',
    )
  })

  it('is no longer than somebody reads there', () => {
    const many = Array.from({ length: 30 }, (_, number) => fakeView({ label: `job ${number}` }))

    expect(seen(landing({ jobs: many }))).toContain('The first 10 of 30 jobs.')
    expect(seen(jobsPage(many))).toContain('30 jobs.')
  })

  it('is made in time for 5,000 jobs', () => {
    const many = Array.from({ length: 5_000 }, (_, number) => ({ ...stuck, label: `job ${number}` }))
    const times = Array.from({ length: 5 }, () => {
      const startedAt = performance.now()
      landing({ jobs: many })
      return performance.now() - startedAt
    })

    expect(Math.min(...times)).toBeLessThan(50)
  })
})

describe('the page of a job', () => {
  it('says what there is to say', () => {
    expect(seen(jobPage({ ...stuck, job: fakeJob({ application: fakeApplication(7) }) }, NOW))).toMatchInlineSnapshot(
      `"stuck Lagkeeper / Jobs / prod Now State running Should run yes Status stalled Why two partitions stand Behind by 90 s Restarts 12 Started 60 min ago Flink 2.2.1 Job id 0123456789abcdef0123456789abcdef Application application_1700000000000_0007 Attempt 1 Queue stream User flink JobManager http://10.0.0.1:8081 Findings checkpoint overdue for 10 min Something is wrong. Something is wrong more end of life for 10 min Something is wrong. Something is wrong more Sources Source Lag in records Pending, says Flink Back-pressure Partitions Topics Source: pay 51,951 364 2 pay"`,
    )
  })

  it('says what is not known', () => {
    const { job: _, present: __, ...never } = fakeView({ restarts: 0 })

    expect(seen(jobPage(never, NOW))).toContain('State unknown Should run yes')
    expect(seen(jobPage(blind, NOW))).toContain('Source: x unknown')
  })

  it.each(payloads)('has the same structure whatever the names: %j', (payload) => {
    for (const page of [
      (text: string) => jobPage(named(text), NOW),
      (text: string) => jobsPage([named(text)]),
      (text: string) => landing({ jobs: [named(text)] }),
    ]) {
      expect(skeleton(page(payload))).toEqual(skeleton(page('harmless')))
      expect(page(payload)).not.toMatch(/<script|<img|<svg|\son[a-z]+="/i)
    }
  })

  it('has a rule for every class, holds nothing inline, and links relatively', () => {
    const page = `${jobPage(named('x'), NOW)}${jobsPage([stuck, gone])}`
    const classes = new Set([...page.matchAll(/class="([^"]*)"/g)].flatMap(([, names = '']) => names.split(' ')))
    const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, link]) => link)

    expect([...classes].filter((name) => !consoleCss.includes(`.${name}`))).toEqual([])
    expect(page).not.toMatch(/<script|<style|style=|\son[a-z]+=|javascript:/i)
    expect(links.filter((link) => link?.startsWith('/') || link?.includes(':'))).toEqual([])
    expect(links).toContain('jobs?flink_cluster=prod&amp;flink_job=stuck')
  })
})
