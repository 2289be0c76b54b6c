import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonRequest, openRegistrationWorld, type RegistrationWorld } from '../http/registration-world.ts'
import { type PrometheusRig, startPrometheus } from '../rigs/prometheus.ts'

const soon = { timeout: 60_000, interval: 200 }

/** The scrapers of Prometheus are changed at most ten seconds after its list. */
const settledMs = 11_000

let first: RegistrationWorld
let second: RegistrationWorld
let prometheus: PrometheusRig
let hasStopped = false

beforeAll(async () => {
  first = await openRegistrationWorld()
  second = await openRegistrationWorld()
  const urls = [first, second].map(({ url }) => `{ url: '${url}/sd/v1/targets', refresh_interval: 1s }`)
  prometheus = await startPrometheus({
    config: [
      'global: { scrape_interval: 1h }',
      'scrape_configs:',
      `  - { job_name: streaming, http_sd_configs: [${urls.join(', ')}] }`,
    ].join('\n'),
  })
})
afterAll(async () => {
  await prometheus?.stop()
  if (!hasStopped) await first?.[Symbol.asyncDispose]()
  await second?.[Symbol.asyncDispose]()
})

it('is one list in Prometheus, whichever of two replicas says it, and needs only one of them', async () => {
  await Promise.all([put(first, 'a', 'b'), put(second, 'b', 'c')])
  await expect.poll(instances, soon).toEqual(['a', 'b', 'c'])

  await put(first, 'c')
  await put(second, 'a')
  await sleep(settledMs)
  expect(await instances()).toEqual(['a', 'b', 'c'])

  // The last word of a replica that is gone stays.
  await first[Symbol.asyncDispose]()
  hasStopped = true
  await put(second, 'd')
  await expect.poll(instances, soon).toEqual(['a', 'b', 'c', 'd'])
  await fetch(urlOf(second, 'd'), { method: 'DELETE' })
  await fetch(urlOf(second, 'a'), { method: 'DELETE' })
  await expect.poll(instances, soon).toEqual(['a', 'b', 'c'])
})

const urlOf = ({ url }: RegistrationWorld, instance: string) => `${url}/v1/registrations/test/etl/worker/${instance}`

async function put(replica: RegistrationWorld, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const body = { incarnation: '1', address: `10.0.0.${name.charCodeAt(0)}:9250`, lease_seconds: 600 }
    const response = await fetch(urlOf(replica, name), jsonRequest('PUT', body))
    expect(response.ok).toBe(true)
  }
}

/** One entry for each scrape loop. */
async function instances(): Promise<readonly string[]> {
  return (await prometheus.targets())
    .map(({ discoveredLabels }) => discoveredLabels['__meta_lagkeeper_instance'] ?? '')
    .toSorted()
}
