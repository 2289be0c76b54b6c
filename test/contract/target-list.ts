import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Route } from '../../src/http/route.ts'
import type { Registration } from '../../src/model/registration.ts'
import type { FieldProblem } from '../../src/targets/field-problem.ts'
import { sizeProblem } from '../../src/targets/member-document.ts'
import { parseBatchItem } from '../../src/targets/registration-document.ts'
import { jsonRequest, openRegistrationWorld, type RegistrationWorld } from '../http/registration-world.ts'
import { type PrometheusRig, type PrometheusVersion, startPrometheus } from '../rigs/prometheus.ts'
import { anyBody, anyIdentity } from '../targets/any-registration.ts'

const soon = { timeout: 60_000, interval: 200 }

/** Our own list in one generation of Prometheus, with the relabelling that the documentation tells users to copy. */
export function targetListContract(version: PrometheusVersion): void {
  describe(`our target list in Prometheus ${version}`, () => {
    it('is followed: a target comes, has a new life, moves and goes', async () => {
      await using world = await openRegistrationWorld({ routes: [page] })
      await using prometheus = await startPrometheus({ version, config: configFor(world.url, '1s') })
      const url = `${world.url}/v1/registrations/payments/orders/tm/tm%201`
      const put = (body: object) =>
        fetch(url, jsonRequest('PUT', { address: `127.0.0.1:${world.server.port}`, ...body }))
      const seen = async () =>
        (await prometheus.targets()).map(({ labels, scrapeUrl, health }) => ({ ...labels, scrapeUrl, health }))
      // Answered before the first registration, so that whatever fails from here on is ours.
      await expect.poll(() => metric(prometheus, 'prometheus_sd_discovered_targets', 'streaming'), soon).toBe(0)

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
      await expectNoFailure(prometheus)
    })

    it('is taken whole, whatever 2,000 random registrations are', async () => {
      await using world = await openRegistrationWorld()
      const odd = randomRegistrations(2_000).map(({ item }) => item)
      await register(world, odd)
      // All of it under names that nothing else has: what was discovered is shown wrongly by 2.42 once it was relabelled.
      const copy = '      - { action: labelmap, regex: __meta_lagkeeper_(.+), replacement: seen_$1 }'
      const config = [configFor(world.url, '1h', '10s'), copy].join('\n')
      await using prometheus = await startPrometheus({ version, config })

      await expect.poll(async () => (await prometheus.targets()).length, soon).toBe(odd.length)
      await expectNoFailure(prometheus)
      const targets = await prometheus.targets()
      const ids = targets.map(({ labels }) =>
        ['namespace', 'app', 'role', 'instance'].map((part) => labels[`seen_${part}`]).join('/'),
      )

      expect(world.list.stats()?.states).toMatchObject({ quarantined: 0 })
      expect(new Set(ids).size).toBe(odd.length)
      for (const [index, { labels, scrapeUrl }] of targets.entries()) {
        const registration = world.registry.find(ids[index] ?? '')?.registration
        expect(labels).toMatchObject(prefixed('seen_label_', registration?.labels))
        expect(readUrl(scrapeUrl)).toEqual({
          scheme: registration?.scheme,
          address: registration?.address,
          path: registration?.metricsPath,
          params: registration?.params,
        })
      }
      expect(await metric(prometheus, 'prometheus_sd_discovered_targets', 'streaming')).toBe(odd.length)
    })
  })
}

const page: Route = {
  method: 'GET',
  path: '/jobs/:name',
  handle: () => ({ status: 200, headers: { 'Content-Type': 'text/plain; version=0.0.4' }, body: 'answers_total 1\n' }),
}

/** Prometheus gives the list as long as it waits between two requests; we are in one process with a test that counts. */
function configFor(url: string, interval: string, refresh = '1s'): string {
  return [
    `global: { scrape_interval: ${interval}, scrape_timeout: 1s }`,
    'scrape_configs:',
    '  - job_name: streaming',
    `    http_sd_configs: [{ url: '${url}/sd/v1/targets', refresh_interval: ${refresh} }]`,
    '    relabel_configs:',
    '      - { source_labels: [__meta_lagkeeper_instance], target_label: instance }',
    '      - { source_labels: [__meta_lagkeeper_app], target_label: app }',
    '      - { action: labelmap, regex: __meta_lagkeeper_label_(.+) }',
  ].join('\n')
}

/** The sum over the series of a metric of Prometheus itself that have a label with this value. */
async function metric(prometheus: PrometheusRig, name: string, label: string): Promise<number> {
  const lines = (await prometheus.metrics()).split('\n')
  const found = lines.filter((line) => line.startsWith(`${name}{`) && line.includes(`="${label}"`))
  return found.length === 0 ? Number.NaN : found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

async function expectNoFailure(prometheus: PrometheusRig): Promise<void> {
  expect(await metric(prometheus, 'prometheus_sd_refresh_failures_total', 'http')).toBe(0)
  expect(await prometheus.metrics()).toMatch(/^prometheus_target_sync_failed_total\{[^}]*"streaming"\} 0$/m)
}

/** Random registrations that the door lets in, each at an address of its own: as they are sent, and as they are kept. */
export function randomRegistrations(
  count: number,
): readonly { readonly item: unknown; readonly registration: Registration }[] {
  const found: { item: unknown; registration: Registration }[] = []
  for (let seed = 20_240; ; seed++)
    for (const [identity, body] of fc.sample(fc.tuple(anyIdentity(), anyBody()), { numRuns: 2_000, seed })) {
      const index = found.length
      if (index === count) return found
      const address =
        index % 3 === 0
          ? `[fd00::${index.toString(16)}]:9250`
          : `10.0.${index >> 8}.${index & 255}:${9250 + (index % 7)}`
      const item: unknown = JSON.parse(
        JSON.stringify({ ...identity, ...Object(body), address, namespace: `ns-${index}` }),
      )
      const problems: FieldProblem[] = []
      const parsed = parseBatchItem(item, problems)
      if (parsed !== undefined && sizeProblem(parsed.registration) === undefined)
        found.push({ item, registration: parsed.registration })
    }
}

async function register({ url }: RegistrationWorld, items: readonly unknown[]): Promise<void> {
  const response = await fetch(`${url}/v1/registrations`, jsonRequest('PUT', items))
  expect(await response.json()).toMatchObject({ accepted: items.length })
}

function readUrl(url: string) {
  const [, scheme, address, path = '', query] = /^(\w+):\/\/([^/]+)([^?]*)\??(.*)$/.exec(url) ?? []
  return { scheme, address, path: decodeURIComponent(path), params: Object.fromEntries(new URLSearchParams(query)) }
}

function prefixed(prefix: string, values: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]))
}
