import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePage } from '../../bench/conformance/page.ts'
import { promtoolBinary } from '../rigs/prometheus.ts'
import { type FlinkSimulatedWorld, oneJob, openFlinkSimulatedWorld } from './flink-simulated-world.ts'
import { hostileTexts } from './hostile-values.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually } from './waiting.ts'

/** Of what registrants try, and what is meant for HTML, for labels, for lines of a log, and for our own code. */
const names: readonly string[] = [
  ...new Set([
    ...hostileTexts.flatMap(({ labels }) => Object.values(labels).filter((text) => typeof text === 'string')),
    ...hostileTexts.flatMap(({ labels }) => Object.keys(labels)),
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</title></textarea><svg onload=alert(1)>',
    'javascript:alert(1)',
    '&lt;b&gt;&amp;',
    '"} 1\nup{job="x',
    'a\\',
    'a\\"',
    '{{ 7 * 7 }} #{7*7} $labels',
    '../../etc/passwd',
    '%00%0d%0aSet-Cookie: a=b',
    '__proto__',
    'constructor',
    'toString',
    '@',
    'a@application_1_0001',
    '#',
    '?flink_job=x&y=z',
    '..',
    '/',
    '\ufeffbom',
    '\u200b',
    'e\u0301',
    '(unnamed)',
    '𝕁𝕠𝕓 🦑',
    'x'.repeat(10_240),
    `${'\u202e'}${'é'.repeat(300)}`,
  ]),
].filter((name) => name.length <= 60_000)

let world: FlinkSimulatedWorld
/** Labels by name, half characters replaced as JSON cannot have them. */
const labels = new Map<string, string>()

function whole(name: string): string {
  return name.replace(/\p{Cs}/gu, '\ufffd')
}

beforeAll(async () => {
  const plain = oneJob('plain', 'orders', 1)
  const [job] = plain.jobs
  if (job === undefined) throw new Error('a plan without a job')
  const jobs = names.map((name) => ({
    ...job,
    name,
    vertices: job.vertices.map((vertex) => ({
      ...vertex,
      name: `${name} ${vertex.name}`,
      description: `${name}\n${vertex.description}`,
      ...(vertex.source === undefined ? {} : { source: { ...vertex.source, operator: `Source: ${name}` } }),
    })),
  }))
  world = await openFlinkSimulatedWorld({
    victim: [
      {
        ...plain,
        name: names[3] ?? '',
        user: names[0] ?? '',
        queue: 'root."<b>\n',
        tags: ['<i>'],
        slots: names.length,
        jobs,
      },
      oneJob('orders-copy', 'orders', 1),
    ],
    labelOf: (name) => labels.get(whole(name)) ?? name,
  })
  await world.isRight('healthy')
  await eventually('all jobs to be known', 60_000, async () => (await knownJobs()).length > names.length)
  for (const { name, flink_job: label } of await knownJobs()) labels.set(whole(name), label)
})

afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
  await removeTemporaryFolders()
})

async function knownJobs(): Promise<readonly { readonly name: string; readonly flink_job: string }[]> {
  return JSON.parse(await world.text('/api/v1/jobs?flink_cluster=victim')).jobs
}

describe('faults of class T: names', () => {
  it('T09 hostile names of jobs, operators and applications are kept apart, and printed as text everywhere', async () => {
    const observed = await world.observe()
    const jobs = (await knownJobs()).filter(({ flink_job: label }) => label !== 'orders-copy')
    const seen = new Set(jobs.map(({ name }) => whole(name)))
    expect(names.filter((name) => !seen.has(whole(name)))).toEqual([])
    expect(new Set(jobs.map(({ flink_job: label }) => label)).size).toBe(names.length)
    for (const { flink_job: label } of jobs) {
      expect(label.length).toBeLessThanOrEqual(280)
      expect(label).not.toMatch(/\p{Cs}/u)
    }

    await world.isRight('victim', 60_000)

    // Metrics: Prometheus reads them, every job has its own rows, and the lag of each is true.
    await eventually('each job to have its lag', 30_000, async () => {
      const lags = (await world.page()).filter(
        ({ name, labels }) =>
          name === 'stream_consumer_records_lag' && labels['consumer']?.startsWith('victim/') === true,
      )
      return new Set(lags.map(({ labels }) => labels['consumer'])).size === names.length + 1
    })
    const page = await world.text('/metrics')
    const samples = parsePage(page)
    const series = samples.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).toSorted()]))
    expect(new Set(series).size).toBe(series.length)
    expect(samples.filter(({ name }) => name === 'up')).toEqual([])
    const running = samples.filter(
      ({ name, labels }) => name === 'stream_job_present' && labels['flink_cluster'] === 'victim',
    )
    expect(running.map(({ labels }) => labels['flink_job']).toSorted()).toEqual(
      (await knownJobs()).map(({ flink_job: label }) => label).toSorted(),
    )
    const promtool = promisify(execFile)(await promtoolBinary(), ['check', 'metrics'])
    promtool.child.stdin?.end(page)
    const checked = await promtool.then(
      () => '',
      (error: { readonly stdout?: string; readonly stderr?: string }) => `${error.stderr}${error.stdout}`,
    )
    expect(checked).not.toMatch(/error while linting|parse error|text format parsing/i)

    // The console: no name is markup, and each job's page is found by its link.
    const html = await world.text('/jobs')
    expect(tagsOf(html).filter((tag) => !['script', 'img', 'svg', 'textarea', 'b', 'i'].includes(tag)).length).toBe(
      tagsOf(html).length,
    )
    for (const bad of ['<script>alert', '<img', '<svg', '<textarea', 'onerror=alert(1)>', "onmouseover='"])
      expect(html).not.toContain(bad)
    const links = [...html.matchAll(/href="([^"]*flink_job=[^"]*)"/g)].map(([, link = '']) =>
      link.replaceAll('&amp;', '&'),
    )
    expect(links.length).toBeGreaterThanOrEqual(names.length)
    for (const link of links) {
      const answer = await fetch(new URL(link, `${world.url}/jobs`))
      expect([link.slice(0, 80), answer.status]).toEqual([link.slice(0, 80), 200])
      const text = await answer.text()
      expect(answer.headers.get('content-security-policy')).not.toBeNull()
      for (const bad of ['<script>alert', '<img', '<svg', 'onerror=alert(1)>']) expect(text).not.toContain(bad)
    }
    const api = await fetch(`${world.url}/api/v1/jobs`)
    expect(api.headers.get('content-type')).toContain('application/json')
    expect(api.headers.get('x-content-type-options')).toBe('nosniff')

    // Prometheus labels of targets, and lines of the log.
    for (const line of (await world.log()).split('\n').filter((text) => text !== ''))
      expect(() => JSON.parse(line)).not.toThrow()
    const groups: readonly { readonly labels: Readonly<Record<string, string>> }[] = JSON.parse(
      await world.text('/sd/v1/targets'),
    )
    expect(groups.length).toBeGreaterThan(4)
    for (const { labels } of groups)
      for (const text of Object.values(labels))
        expect(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text)).toBe(false)
    await world.follows('healthy')
    await world.follows('victim')
    await observed.end()
  })
})

function tagsOf(html: string): readonly string[] {
  return [...html.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, name = '']) => name.toLowerCase())
}
