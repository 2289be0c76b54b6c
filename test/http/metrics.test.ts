import { gunzipSync, inflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { acceptsGzip } from '../../src/http/accept-encoding.ts'
import type { Clusters } from '../../src/http/clusters.ts'
import { metricsRoutes } from '../../src/http/metrics.ts'
import { createPage, type PageDeps, type PageRules } from '../../src/http/page.ts'
import type { Route } from '../../src/http/route.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { parsePage } from '../exposition/parse-page.ts'
import { ask, bytesOf, textOf } from '../fakes/http.ts'
import { fakeSnapshot } from '../fakes/snapshot.ts'
import { syntheticSnapshot } from '../fakes/synthetic-snapshot.ts'

const SELF = '# HELP lagkeeper_build_info x\n# TYPE lagkeeper_build_info gauge\nlagkeeper_build_info{version="1"} 1\n'
const gzipped = { headers: { 'accept-encoding': 'gzip' } }

function routesFor(
  snapshots: readonly Snapshot[],
  names: readonly string[] = [],
  deps: Partial<PageDeps> = {},
): readonly Route[] {
  const clusters: Clusters = { names: () => names, snapshots: () => snapshots }
  const selfMetrics = async (): Promise<string> => SELF
  return metricsRoutes({ clusters, selfMetrics, page: createPage({ selfMetrics, ...deps }) })
}

function small(kafkaCluster: string, consumer = 'billing'): Snapshot {
  const row = { consumer: { name: consumer, kind: 'classic' }, topic: 't', partition: 0, position: 1n } as const
  return fakeSnapshot([{ ...row, start: 0n, end: 5n }], { kafkaCluster })
}

describe('/metrics', () => {
  it('answers text and gzip with the same bytes, the own metrics behind the lag families', async () => {
    const routes = routesFor([syntheticSnapshot({ consumers: 100, topicsPerConsumer: 10, partitions: 10 })])

    const plain = await ask(routes, '/metrics')
    const packed = await ask(routes, '/metrics', gzipped)

    const text = await bytesOf(plain)
    expect(gunzipSync(await bytesOf(packed)).equals(text)).toBe(true)
    expect(text.toString().endsWith(SELF)).toBe(true)
    expect(parsePage(text).filter(({ name }) => name === 'stream_consumer_records_lag')).toHaveLength(10_000)
    expect([plain.headers['Content-Encoding'], packed.headers['Content-Encoding']]).toEqual([undefined, 'gzip'])
    for (const { headers } of [plain, packed])
      expect(headers['Content-Type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  it('sends one gzip member only: curl fails on a second and Chromium drops it', async () => {
    const page = await bytesOf(await ask(routesFor([small('main')]), '/metrics', gzipped))

    // Between the head of 10 bytes and the tail of 8 lies one stream of deflate that has the whole text.
    expect(inflateRawSync(page.subarray(10, -8)).equals(gunzipSync(page))).toBe(true)
  })

  it('sends a valid member also when there are no own metrics', async () => {
    const routes = routesFor([small('main')], [], { selfMetrics: async () => '' })

    const packed = await bytesOf(await ask(routes, '/metrics', gzipped))

    expect(gunzipSync(packed).equals(await bytesOf(await ask(routes, '/metrics')))).toBe(true)
  })

  it('renders a cycle once for readers at the same time, and again for the next cycle', async () => {
    let current = small('main')
    let rendered = 0
    const counting = (snapshot: Snapshot): Snapshot => ({
      ...snapshot,
      get consumers() {
        rendered++
        return snapshot.consumers
      },
    })
    const selfMetrics = async (): Promise<string> => SELF
    const clusters: Clusters = { names: () => [], snapshots: () => [counting(current)] }
    const routes = metricsRoutes({ clusters, selfMetrics, page: createPage({ selfMetrics }) })

    await Promise.all([1, 2, 3].map(async () => bytesOf(await ask(routes, '/metrics', gzipped))))
    const once = rendered
    await textOf(await ask(routes, '/metrics'))
    expect([once > 0, rendered]).toEqual([true, once])

    current = { ...current, cycle: 2 }
    await textOf(await ask(routes, '/metrics'))
    expect(rendered).toBe(2 * once)
  })

  it('gives the lag families of one cluster, and the own metrics with them', async () => {
    const routes = routesFor([small('main'), small('aux')])

    const samples = parsePage(await bytesOf(await ask(routes, '/metrics?kafka_cluster=aux')))

    expect(new Set(samples.map(({ labels }) => labels['kafka_cluster']))).toEqual(new Set(['aux', undefined]))
  })

  it('refuses an unknown cluster with 404 and the names of those known', async () => {
    await expect(ask(routesFor([small('main')], ['late']), '/metrics?kafka_cluster=x')).rejects.toMatchObject({
      status: 404,
      message: 'No Kafka cluster "x", known are: late, main',
      details: { kafka_clusters: ['late', 'main'] },
    })
  })

  it('has only the own metrics before the first cycle', async () => {
    const samples = parsePage(await bytesOf(await ask(routesFor([], ['late']), '/metrics?kafka_cluster=late')))

    expect(samples.map(({ name }) => name)).toEqual(['lagkeeper_build_info'])
  })

  it('tells how many series each family had', async () => {
    const selfMetrics = async (): Promise<string> => SELF
    const page = createPage({ selfMetrics, families: new Set(['stream_consumer_present', 'stream_consumer_info']) })
    for await (const _ of page.gzip([small('main'), small('aux')]));

    expect(page.series().map(({ kafkaCluster, family, count }) => `${kafkaCluster} ${family} ${count}`)).toEqual([
      'aux stream_consumer_info 1',
      'aux stream_consumer_present 1',
      'main stream_consumer_info 1',
      'main stream_consumer_present 1',
    ])
  })

  it('gives one set of names, without the own metrics beside those of others', async () => {
    const routes = routesFor([small('main')])

    const text = await textOf(await ask(routes, '/metrics?names=kafka_exporter'))
    const packed = gunzipSync(await bytesOf(await ask(routes, '/metrics?names=kafka_exporter', gzipped)))

    expect(packed.toString()).toBe(text)
    expect(text).toContain('kafka_consumergroup_lag{kafka_cluster="main",consumergroup="billing"')
    expect(text).not.toMatch(/^(stream|lagkeeper)_/m)
    expect(await textOf(await ask(routes, '/metrics?names=lagkeeper'))).toBe(
      await textOf(await ask(routes, '/metrics')),
    )
  })

  it('refuses an unknown set of names with those that there are', async () => {
    const answer = ask(routesFor([small('main')]), '/metrics?names=burrow')

    await expect(answer).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('one of lagkeeper, kafka_exporter, kafka_lag_exporter'),
    })
  })

  it('prints what the rules say, and makes every page anew when they change', async () => {
    let rules: PageRules = { tables: ['lagkeeper', 'kafka_lag_exporter'] }
    const routes = routesFor([small('main')], [], { rules: () => rules })
    const both = await textOf(await ask(routes, '/metrics'))

    rules = { tables: ['lagkeeper'], granularity: () => 'consumer' }
    const coarse = await textOf(await ask(routes, '/metrics'))

    expect(both).toContain('\nkafka_consumergroup_group_lag{')
    expect(both).toContain('\nstream_consumer_records_lag{')
    expect(coarse).not.toContain('\nkafka_consumergroup_group_lag{')
    expect(coarse).not.toContain('\nstream_consumer_records_lag{')
    expect(coarse).toContain('\nstream_consumer_total_records_lag{')
  })

  it('makes a page of one cluster anew after a cycle when somebody has read it since, and no other', async () => {
    let looks = 0
    const granularity = (): 'consumer' => {
      looks++
      return 'consumer'
    }
    const rules: PageRules = { tables: ['lagkeeper'], granularity }
    const page = createPage({ selfMetrics: async () => SELF, rules: () => rules })
    const cycle = (number: number): Snapshot => ({ ...small('main', `after cycle ${number}`), cycle: number })
    const isMadeAfter = async (step: () => unknown): Promise<boolean> => {
      looks = 0
      await step()
      await new Promise((resolve) => setImmediate(resolve))
      return looks > 0
    }
    const readPage = async (...snapshots: Snapshot[]): Promise<string> => {
      const chunks: Uint8Array[] = []
      for await (const chunk of page.identity(snapshots)) chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    }

    expect(await isMadeAfter(() => page.prepare(cycle(1)))).toBe(false)
    expect(await isMadeAfter(() => readPage(cycle(1)))).toBe(true)
    expect(await isMadeAfter(() => page.prepare(cycle(2)))).toBe(true)
    expect(await isMadeAfter(async () => expect(await readPage(cycle(2))).toContain('after cycle 2'))).toBe(false)
    expect(await isMadeAfter(() => page.prepare(small('other')))).toBe(false)
    expect(await isMadeAfter(() => page.prepare(cycle(3)))).toBe(true)
    // Nobody has read the third.
    expect(await isMadeAfter(() => page.prepare(cycle(4)))).toBe(false)
    expect(await isMadeAfter(() => readPage(cycle(4), small('other')))).toBe(true)
    expect(await isMadeAfter(() => page.prepare(cycle(5)))).toBe(false)
  })

  it('tells what limits left out of the last page of each set of names', async () => {
    const limits = { perKafkaCluster: 6, perPage: 1000 }
    const page = createPage({ selfMetrics: async () => '', rules: () => ({ tables: ['lagkeeper'], limits }) })
    const rules = { tables: ['lagkeeper'] as const, limits }
    const steady = createPage({ selfMetrics: async () => '', rules: () => rules })
    for (const one of [page, steady]) for await (const _ of one.gzip([small('main')]));
    for await (const _ of steady.gzip([small('main')], ['kafka_exporter']));

    expect(page.dropped()).toHaveLength(2)
    // Of ours two of the row, two of the topic and two of the log; of theirs two, two and four.
    expect(steady.dropped()).toEqual([
      { kafkaCluster: 'main', reason: 'kafka_cluster_limit', count: 14 },
      { kafkaCluster: 'main', reason: 'page_limit', count: 0 },
    ])
  })

  it('fails for its reader when the own metrics fail, instead of ending early', async () => {
    const selfMetrics = (): Promise<string> => Promise.reject(new Error('no metrics'))
    const routes = routesFor([small('main')], [], { selfMetrics })

    const response = await ask(routes, '/metrics', gzipped)

    await expect(bytesOf(response)).rejects.toThrow('no metrics')
  })
})

it('/metrics/self has the own metrics alone', async () => {
  const response = await ask(routesFor([small('main')]), '/metrics/self')

  expect(await textOf(response)).toBe(SELF)
  expect(response.headers['Content-Type']).toBe('text/plain; version=0.0.4; charset=utf-8')
})

describe('acceptsGzip()', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['gzip', true],
    ['GZIP', true],
    ['x-gzip', true],
    ['deflate, gzip;q=1.0, *;q=0.5', true],
    ['gzip;q=0', false],
    ['gzip; q=0.000', false],
    ['gzip ; q=0.001', true],
    ['*', true],
    ['*;q=0', false],
    ['gzip;q=0, *', false],
    ['identity', false],
    ['br', false],
    ['gzip;q=abc', false],
    [',,;;,', false],
    ['gzipx', false],
  ])('says of %j: %s', (header, accepts) => {
    expect(acceptsGzip(header)).toBe(accepts)
  })
})
