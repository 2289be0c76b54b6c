import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serviceDiscoveryRoutes } from '../../src/http/service-discovery.ts'
import {
  createTargetList,
  type TargetList,
  type TargetListOptions,
  type TargetSource,
} from '../../src/http/target-list.ts'
import type { RegistryView, Target } from '../../src/model/target.ts'
import { createBell } from '../../src/runtime/bell.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { fakeClock } from '../fakes/clock.ts'
import { ask, bytesOf, textOf } from '../fakes/http.ts'
import { whatPrometheusRefuses } from '../targets/prometheus-rules.ts'
import { registrations, target } from '../targets/samples.ts'

/** A source that shows what a test wants. */
function createSource(name = 'registry') {
  const bell = createBell()
  let view: RegistryView | undefined
  const source: TargetSource = { name, view: () => view, changes: (signal) => bell.listen(signal) }
  return {
    source,
    show: (targets: readonly Target[], more: Partial<RegistryView> = {}) => {
      view = { version: 1, confirmedAt: 0, whole: true, targets, quarantined: [], ...more }
      bell.ring()
    },
    fail: () => {
      view = undefined
      bell.ring()
    },
  }
}

let stop: AbortController
let running: Promise<void> | undefined

beforeEach(() => {
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await running
})

function start(options: Partial<TargetListOptions>, clock = systemClock): TargetList {
  const list = createTargetList({ sources: [], leaseSeconds: 30, ...options }, { clock, logger: silentLogger })
  running = list.run(stop.signal)
  return list
}

const sd = (list: TargetList, query = '', headers: Record<string, string> = {}) =>
  ask(serviceDiscoveryRoutes(list), `/sd/v1/targets${query}`, { headers })

async function listOf(list: TargetList, query = ''): Promise<string[]> {
  const response = await sd(list, query)
  if (response.status !== 200) return [String(response.status)]
  const groups: { targets: string[] }[] = JSON.parse(await textOf(response))
  return groups.flatMap(({ targets }) => targets).toSorted()
}

describe('GET /sd/v1/targets', () => {
  it('answers 503 with Retry-After before the first view, and never an empty list', async () => {
    const { source, show } = createSource()
    const list = start({ sources: [source] })

    const early = await sd(list)
    expect(early.status).toBe(503)
    expect(early.headers['Retry-After']).toBe('5')
    expect(await textOf(early)).toContain('waiting for first view of registry')

    show([target()])
    await expect.poll(() => listOf(list)).toEqual(['10.0.0.7:9250'])
  })

  it('waits a lease when registrations may have been lost', async () => {
    const clock = fakeClock()
    const { source, show } = createSource()
    show([], { whole: false })
    const list = start({ sources: [source] }, clock)

    await clock.advance(29_000)
    expect(await textOf(await sd(list))).toContain('registrants to come back')
    show([target()], { whole: false })
    await clock.advance(900)
    expect((await sd(list)).status).toBe(503)
    await clock.advance(1_000)
    await expect.poll(() => listOf(list)).toEqual(['10.0.0.7:9250'])
  })

  it('waits for those who look for reporters', async () => {
    const clock = fakeClock()
    const { source, show } = createSource()
    show([], { whole: false })
    let hasLooked = false
    const list = start({ sources: [source], discoverers: () => [{ name: 'yarn', hasLooked }] }, clock)

    await clock.advance(5_000)
    expect(await textOf(await sd(list))).toContain('first look of yarn')
    hasLooked = true
    await clock.advance(1_000)
    await expect.poll(() => listOf(list)).toEqual([])
  })

  it('is JSON that Prometheus takes, the same bytes for the same targets', async () => {
    const targets = registrations(2_000).map((registration) => target(registration))
    const one = createSource()
    const two = createSource()
    one.show(targets)
    two.show(targets.toReversed())
    const list = start({ sources: [one.source] })
    await expect.poll(() => list.stats()).toBeDefined()
    const first = await sd(list)
    stop.abort()
    await running
    stop = new AbortController()
    const other = start({ sources: [two.source] })
    await expect.poll(() => other.stats()).toBeDefined()
    const second = await sd(other)

    const bytes = await bytesOf(first)
    expect(bytes.equals(await bytesOf(second))).toBe(true)
    expect(first.headers).toEqual(second.headers)
    expect(first.headers['Content-Type']).toBe('application/json; charset=utf-8')
    expect(first.headers['Content-Length']).toBe(String(bytes.length))
    expect(whatPrometheusRefuses(bytes)).toEqual([])
    expect(JSON.parse(bytes.toString())).toHaveLength(2_000)
  })

  it('is compressed only for who asks', async () => {
    const { source, show } = createSource()
    show([target()])
    const list = start({ sources: [source] })
    await expect.poll(() => list.stats()).toBeDefined()

    const plain = await sd(list)
    const zipped = await sd(list, '', { 'accept-encoding': 'deflate, gzip;q=0.5' })
    const refused = await sd(list, '', { 'accept-encoding': 'gzip;q=0' })

    expect(plain.headers['Content-Encoding']).toBeUndefined()
    expect(refused.headers['Content-Encoding']).toBeUndefined()
    expect(zipped.headers['Content-Encoding']).toBe('gzip')
    expect(gunzipSync(await bytesOf(zipped)).equals(await bytesOf(plain))).toBe(true)
  })

  it('has an ETag that changes with the list and only with it', async () => {
    const { source, show } = createSource()
    show([target()])
    const list = start({ sources: [source] })
    await expect.poll(() => list.stats()).toBeDefined()
    const etag = (await sd(list)).headers['ETag'] ?? ''

    expect(await sd(list, '', { 'if-none-match': `"x", W/${etag}` })).toMatchObject({ status: 304, body: '' })
    const builtAt = list.stats()?.builtAt
    show([target()])
    await expect.poll(() => list.stats()?.builtAt).not.toBe(builtAt)
    expect((await sd(list, '', { 'if-none-match': etag })).status).toBe(304)
    show([target({ incarnation: '2' })])
    await expect.poll(async () => (await sd(list, '', { 'if-none-match': etag })).status).toBe(200)
  })

  it('has slices, and refuses words it does not know', async () => {
    const { source, show } = createSource()
    show([
      target({ instance: 'a', address: '10.0.0.1:1', facts: { kind: 'flink-tm', flinkCluster: 'prod' } }),
      target({ instance: 'b', address: '10.0.0.2:1', facts: { kind: 'flink-jm', flinkCluster: 'prod' } }),
      target({ namespace: 'fraud', address: '10.0.0.3:1' }),
    ])
    const list = start({ sources: [source] })
    await expect.poll(() => list.stats()).toBeDefined()

    expect(await listOf(list, '?namespace=fraud')).toEqual(['10.0.0.3:1'])
    expect(await listOf(list, '?flink_cluster=prod')).toEqual(['10.0.0.1:1', '10.0.0.2:1'])
    expect(await listOf(list, '?kind=flink-jm&flink_cluster=prod')).toEqual(['10.0.0.2:1'])
    expect(await listOf(list, '?namespace=nobody')).toEqual([])
    const shards = [0, 1, 2].map((index) => listOf(list, `?shard=${index}&of=3`))
    expect((await Promise.all(shards)).flat().toSorted()).toEqual(['10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1'])
    const wrong = await sd(list, '?namespce=fraud')
    expect(wrong.status).toBe(400)
    expect(await textOf(wrong)).toContain('namespce')
  })

  it('keeps the last good list when a source is lost', async () => {
    const { source, show, fail } = createSource()
    show([target()])
    const list = start({ sources: [source] })
    await expect.poll(() => listOf(list)).toEqual(['10.0.0.7:9250'])

    fail()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await listOf(list)).toEqual(['10.0.0.7:9250'])
    show([])
    await expect.poll(() => listOf(list)).toEqual([])
  })

  it('merges its sources and counts what it does not show', async () => {
    const registry = createSource()
    const files = createSource('files')
    registry.show([target(), target({ instance: 'lost', address: '10.0.0.8:1' }, 'lingering')], {
      quarantined: [{ where: '/targets/x', why: 'empty' }],
    })
    files.show([target({ instance: 'other' }), target({ instance: 'bad', address: 'x/y:1' })])
    const list = start({ sources: [registry.source, files.source] })

    await expect.poll(() => list.stats()).toBeDefined()
    expect(await listOf(list)).toEqual(['10.0.0.7:9250', '10.0.0.8:1'])
    expect(list.stats()).toMatchObject({
      states: { listed: 2, lingering: 1, held: 0, quarantined: 2 },
      duplicates: 1,
      groups: 2,
    })
  })
})
