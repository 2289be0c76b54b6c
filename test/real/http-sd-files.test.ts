import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFileSd } from '../../src/app/file-sd.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { jsonRequest, openRegistrationWorld, type RegistrationWorld } from '../http/registration-world.ts'
import { type PrometheusRig, startPrometheus } from '../rigs/prometheus.ts'

const soon = { timeout: 60_000, interval: 200 }

let folder: string
let world: RegistrationWorld
let writing: Promise<unknown>
let prometheus: PrometheusRig
const stop = new AbortController()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-files-'))
  world = await openRegistrationWorld()
  const deps = { list: world.list, clock: systemClock, logger: silentLogger }
  writing = Promise.all([
    createFileSd({ path: join(folder, 'all.json') }, deps).run(stop.signal),
    createFileSd({ path: join(folder, 'one.json'), namespace: 'one' }, deps).run(stop.signal),
  ])
  prometheus = await startPrometheus({
    config: [
      'global: { scrape_interval: 1h }',
      'scrape_configs:',
      `  - { job_name: http, http_sd_configs: [{ url: '${world.url}/sd/v1/targets', refresh_interval: 1s }] }`,
      // The pattern would also find what is half written, had it an ending of the kind.
      `  - { job_name: files, file_sd_configs: [{ files: ['${folder}/a*.json'] }] }`,
      `  - { job_name: slice, file_sd_configs: [{ files: ['${folder}/one.json'] }] }`,
    ].join('\n'),
  })
})
afterAll(async () => {
  stop.abort()
  await writing
  await prometheus?.stop()
  await world?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

it('is read from files by a real Prometheus as it is over HTTP, change by change', async () => {
  await register('one', 'a', { labels: { team: 'ä "b" \\' }, metrics_path: '/m', params: { x: 'y z' } })
  await register('two', 'b')
  await expect.poll(() => idsOf('files'), soon).toEqual(['one/a', 'two/b'])
  await expect.poll(() => idsOf('http'), soon).toEqual(['one/a', 'two/b'])
  expect(await idsOf('slice')).toEqual(['one/a'])
  expect(await seenIn('files')).toEqual(await seenIn('http'))

  await register('one', 'c')
  await fetch(urlOf('one', 'a'), { method: 'DELETE' })
  await expect.poll(() => idsOf('files'), soon).toEqual(['one/c', 'two/b'])
  await expect.poll(() => idsOf('slice'), soon).toEqual(['one/c'])

  await fetch(urlOf('one', 'c'), { method: 'DELETE' })
  await expect.poll(() => idsOf('slice'), soon).toEqual([])
  expect(await idsOf('files')).toEqual(['two/b'])
  expect(await prometheus.metrics()).toMatch(/^prometheus_sd_file_read_errors_total 0$/m)
})

const urlOf = (namespace: string, instance: string) =>
  `${world.url}/v1/registrations/${namespace}/orders/tm/${instance}`

async function register(namespace: string, instance: string, body: object = {}): Promise<void> {
  const address = `10.0.0.${instance.charCodeAt(0)}:9250`
  const response = await fetch(urlOf(namespace, instance), jsonRequest('PUT', { incarnation: '1', address, ...body }))
  expect(response.ok).toBe(true)
}

/** What Prometheus was told of each target of a job, but for where it was told. */
async function seenIn(job: string): Promise<readonly unknown[]> {
  const found = (await prometheus.targets()).filter(({ scrapePool }) => scrapePool === job)
  return found
    .map(({ discoveredLabels: { __meta_url, __meta_filepath, job: _, ...labels }, scrapeUrl }) => ({
      labels,
      scrapeUrl,
    }))
    .toSorted((a, b) => (a.scrapeUrl < b.scrapeUrl ? -1 : 1))
}

async function idsOf(job: string): Promise<readonly string[]> {
  const found = (await prometheus.targets()).filter(({ scrapePool }) => scrapePool === job)
  const part = (labels: Readonly<Record<string, string>>, name: string) => labels[`__meta_lagkeeper_${name}`]
  return found
    .map(({ discoveredLabels: labels }) => `${part(labels, 'namespace')}/${part(labels, 'instance')}`)
    .toSorted()
}
