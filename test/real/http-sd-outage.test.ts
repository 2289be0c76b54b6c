import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { jsonRequest } from '../http/registration-world.ts'
import { startDaemon } from '../rigs/daemon.ts'
import type { RigProcess } from '../rigs/process.ts'
import { type PrometheusRig, startPrometheus } from '../rigs/prometheus.ts'

const instances = ['a', 'b', 'c']

/** The scrapers of Prometheus are changed at most ten seconds after its list. */
const settledMs = 11_000

let folder: string
let url: string
let daemon: RigProcess
let prometheus: PrometheusRig
/** What the daemon and Prometheus said, all the time. */
const watched = { answers: new Set<string>(), targets: new Set<number>() }
const stop = new AbortController()
let watching: readonly Promise<void>[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-outage-'))
  const config = `storage: { path: "${join(folder, 'data')}" }\ndemo: false`
  ;({ process: daemon, url } = await startDaemon({ folder, config }))
  await vi.waitFor(register, { timeout: 30_000, interval: 200 })
  prometheus = await startPrometheus({
    config: [
      'global: { scrape_interval: 1h }',
      'scrape_configs:',
      `  - { job_name: streaming, http_sd_configs: [{ url: '${url}/sd/v1/targets', refresh_interval: 1s }] }`,
    ].join('\n'),
  })
  await vi.waitFor(async () => expect(await prometheus.targets()).toHaveLength(instances.length), {
    timeout: 60_000,
    interval: 200,
  })
  watching = [
    repeat(async () => {
      const answer = await ask().catch(() => undefined)
      if (answer !== undefined) watched.answers.add(answer)
    }),
    repeat(async () => void watched.targets.add((await prometheus.targets()).length)),
  ]
})
afterAll(async () => {
  stop.abort()
  await Promise.all(watching)
  await prometheus?.stop()
  await daemon?.stop()
  await rm(folder, { recursive: true, force: true })
})

it('never loses its targets to a daemon that is killed, comes back, or has forgotten everything', async () => {
  await daemon.kill()
  await sleep(settledMs)
  await daemon.restart()
  await vi.waitFor(async () => expect((await fetch(`${url}/sd/v1/targets`)).status).toBe(200), { timeout: 20_000 })
  await sleep(settledMs)
  const answersOfTheWhole = [...watched.answers]

  await daemon.kill()
  await rm(join(folder, 'data'), { recursive: true })
  await daemon.restart()
  await sleep(settledMs)
  expect((await fetch(`${url}/sd/v1/targets`)).status).toBe(503)
  await register()
  await vi.waitFor(async () => expect((await fetch(`${url}/sd/v1/targets`)).status).toBe(200), { timeout: 20_000 })
  await sleep(settledMs)

  expect(answersOfTheWhole.filter((answer) => answer.startsWith('200'))).toEqual(['200 3'])
  expect([...watched.answers].toSorted()).toEqual(['200 3', '503 0'])
  expect([...watched.targets]).toEqual([instances.length])
  // Prometheus did ask all the while.
  const failures = /^prometheus_sd_refresh_failures_total\{[^}]*"http"[^}]*\} (\d+)$/m.exec(await prometheus.metrics())
  expect(Number(failures?.[1])).toBeGreaterThan(10)
})

/** Status and number of targets; a failure when there is no whole answer. */
async function ask(): Promise<string> {
  const answer = await fetch(`${url}/sd/v1/targets`, { signal: AbortSignal.timeout(10_000) })
  return `${answer.status} ${countTargets(await answer.text())}`
}

async function register(): Promise<void> {
  const items = instances.map((instance, index) => ({
    ...{ namespace: 'test', app: 'etl', role: 'worker', instance, incarnation: '1' },
    address: `127.0.0.1:${9_250 + index}`,
    lease_seconds: 600,
  }))
  const response = await fetch(`${url}/v1/registrations`, jsonRequest('PUT', items))
  expect(response.status).toBe(200)
}

function countTargets(body: string): number {
  const list: unknown = JSON.parse(body)
  return Array.isArray(list) ? list.reduce((sum: number, { targets }) => sum + targets.length, 0) : 0
}

async function repeat(look: () => Promise<void>): Promise<void> {
  while (!stop.signal.aborted) {
    await look()
    await sleep(50)
  }
}
