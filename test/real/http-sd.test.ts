import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Route } from '../../src/http/route.ts'
import type { FieldProblem } from '../../src/targets/field-problem.ts'
import { parseBatchItem } from '../../src/targets/registration-document.ts'
import { jsonRequest, openRegistrationWorld } from '../http/registration-world.ts'
import { type PrometheusRig, startPrometheus } from '../rigs/prometheus.ts'
import { anyBody, anyIdentity } from '../targets/any-registration.ts'

const page: Route = {
  method: 'GET',
  path: '/jobs/:name',
  handle: () => ({ status: 200, headers: { 'Content-Type': 'text/plain; version=0.0.4' }, body: 'answers_total 1\n' }),
}

function configFor(url: string): string {
  return [
    'global: { scrape_interval: 1s, scrape_timeout: 1s }',
    'scrape_configs:',
    '  - job_name: streaming',
    `    http_sd_configs: [{ url: '${url}/sd/v1/targets', refresh_interval: 1s }]`,
    '    relabel_configs:',
    '      - { source_labels: [__meta_lagkeeper_instance], target_label: instance }',
    '      - { source_labels: [__meta_lagkeeper_app], target_label: app }',
    '      - { action: labelmap, regex: __meta_lagkeeper_label_(.+) }',
  ].join('\n')
}

async function metric(prometheus: PrometheusRig, name: string): Promise<number> {
  const line = (await prometheus.metrics()).split('\n').find((text) => text.startsWith(name))
  return Number(line?.split(' ').at(-1) ?? Number.NaN)
}

const refreshFailures = 'prometheus_sd_refresh_failures_total{mechanism="http"}'
const syncFailures = 'prometheus_target_sync_failed_total'

it('is followed by a real Prometheus: a target comes, has a new life, moves and goes', async () => {
  await using world = await openRegistrationWorld({ routes: [page] })
  await using prometheus = await startPrometheus({ config: configFor(world.url) })
  const url = `${world.url}/v1/registrations/payments/orders/tm/tm%201`
  const put = (body: object) => fetch(url, jsonRequest('PUT', { address: `127.0.0.1:${world.server.port}`, ...body }))
  const seen = async () =>
    (await prometheus.targets()).map(({ labels, scrapeUrl, health }) => ({ ...labels, scrapeUrl, health }))
  const soon = { timeout: 30_000, interval: 200 }
  // Answered before the first registration, so that whatever fails from here on is ours.
  await expect.poll(() => metric(prometheus, 'prometheus_sd_discovered_targets{config="streaming"'), soon).toBe(0)

  await put({ incarnation: '1', metrics_path: '/jobs/a', params: { x: 'y z' }, labels: { team: 'ä "b" \\' } })
  await expect.poll(seen, soon).toEqual([
    {
      instance: 'tm 1',
      app: 'orders',
      job: 'streaming',
      team: 'ä "b" \\',
      scrapeUrl: `${world.url}/jobs/a?x=y+z`,
      health: 'up',
    },
  ])

  await put({ incarnation: '2', metrics_path: '/jobs/b' })
  await expect
    .poll(async () => (await seen()).map(({ scrapeUrl, health }) => [scrapeUrl, health]), soon)
    .toEqual([[`${world.url}/jobs/b`, 'up']])
  const [found] = await prometheus.targets()
  expect(found?.discoveredLabels).toMatchObject({
    __lagkeeper_incarnation__: '2',
    __meta_lagkeeper_state: 'listed',
    __meta_lagkeeper_namespace: 'payments',
  })

  await fetch(url, { method: 'DELETE' })
  await expect.poll(seen, soon).toEqual([])
  expect(await metric(prometheus, refreshFailures)).toBe(0)
  expect(await metric(prometheus, syncFailures)).toBe(0)
})

it('gives a real Prometheus hundreds of odd registrations, none of which it refuses', async () => {
  await using world = await openRegistrationWorld()
  const odd = acceptable(400)
  const response = await fetch(`${world.url}/v1/registrations`, jsonRequest('PUT', odd))
  const { accepted } = JSON.parse(await response.text())
  await using prometheus = await startPrometheus({
    config: configFor(world.url).replace('1s, scrape_timeout', '1h, scrape_timeout'),
  })

  await expect
    .poll(() => metric(prometheus, 'prometheus_sd_discovered_targets{config="streaming"'), { timeout: 30_000 })
    .toBe(world.registry.view()?.targets.length)
  await sleep(7_000)
  const targets = await prometheus.targets()

  expect(accepted).toBeGreaterThan(300)
  expect(await metric(prometheus, refreshFailures)).toBe(0)
  expect(await metric(prometheus, syncFailures)).toBe(0)
  const wanted = new Set(
    world.registry.view()?.targets.map(({ registration: { address, zone } }) => `${address} ${zone}`),
  )
  expect(targets.length).toBeGreaterThan(wanted.size - 50)
  for (const { discoveredLabels } of targets) {
    const { registration } =
      world.registry.find(
        ['namespace', 'app', 'role', 'instance'].map((part) => discoveredLabels[`__meta_lagkeeper_${part}`]).join('/'),
      ) ?? {}
    expect(discoveredLabels['__address__']).toBe(registration?.address)
    for (const [name, value] of Object.entries(registration?.labels ?? {}))
      expect(discoveredLabels[`__meta_lagkeeper_label_${name}`]).toBe(value)
    expect(discoveredLabels['__metrics_path__']).toBe(registration?.metricsPath)
  }
})

/** Random registrations that the door lets in, at addresses of which each is its own. */
function acceptable(count: number): unknown[] {
  const found: unknown[] = []
  const samples = fc.sample(fc.tuple(anyIdentity(), anyBody()), { numRuns: count * 8, seed: 20_240 })
  for (const [index, [identity, body]] of samples.entries()) {
    const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:9250`
    const item = { ...identity, ...Object(body), address, namespace: `ns-${index}` }
    const problems: FieldProblem[] = []
    if (parseBatchItem(JSON.parse(JSON.stringify(item)), problems) !== undefined) found.push(item)
    if (found.length === count) break
  }
  return found
}
