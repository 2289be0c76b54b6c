import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { labelValuesOf, panelsOf, readDashboard } from '../dashboards/dashboard-file.ts'
import { startFixtureFeed } from '../dashboards/feed.ts'
import { type Scraped, startScraped } from '../dashboards/scraped.ts'
import type { Served } from '../dashboards/serve.ts'
import { startDaemon } from '../loads/start-daemon.ts'
import type { PrometheusRig } from '../rigs/prometheus.ts'

const { dashboard } = readDashboard('fleet-overview.json')
const panels = panelsOf(dashboard)
const queries = panels.flatMap((panel) =>
  panel.targets.map((target) => ({ name: `${panel.title} (${target.refId})`, ...target })),
)
const variables = dashboard.templating.list.filter(({ type }) => type === 'query')

/** What Grafana would put in: "All" everywhere, and a window of several scrapes. */
const substitutes: readonly (readonly [string, string])[] = [
  ['$kafka_cluster', '.+'],
  ['$consumer', '.+'],
  ['$topic', '.+'],
  ['$__rate_interval', '8s'],
]

const feeds: readonly (readonly [string, () => Promise<Served>])[] = [
  ['a page of every family', startFixtureFeed],
  ['the demo of npm start', () => startDaemon([])],
]

describe.each(feeds)('the Fleet overview, fed by %s, scraped each second from two replicas', (_, startFeed) => {
  let scraped: Scraped
  let prometheus: PrometheusRig

  beforeAll(async () => {
    scraped = await startScraped(startFeed)
    prometheus = scraped.prometheus
    await waitForScrapes(prometheus, 12)
  })
  afterAll(() => scraped[Symbol.asyncDispose]())

  it('is scraped without a refused sample', async () => {
    const refused = await prometheus.query(
      'max_over_time(scrape_samples_scraped[1m]) != max_over_time(scrape_samples_post_metric_relabeling[1m])',
    )
    const targets = await prometheus.targets()

    expect(refused).toEqual([])
    expect(targets.map(({ health, lastError }) => [health, lastError])).toEqual([
      ['up', ''],
      ['up', ''],
    ])
  })

  it.each(queries)('gets data for $name', async ({ expr, range }) => {
    const query = substitute(expr)
    const now = Date.now() / 1_000

    const values =
      range === true
        ? (await prometheus.queryRange(query, now - 4, now, 1)).flatMap((series) =>
            series.values.map(([, value]) => value),
          )
        : (await prometheus.query(query)).map((sample) => sample.value)

    expect(values.length).toBeGreaterThan(0)
    expect(values.filter((value) => !Number.isFinite(Number(value)))).toEqual([])
  })

  it.each(variables)('gets values for the variable $name', async ({ query }) => {
    const { selector, label } = labelValuesOf(query)
    const url = `${prometheus.url}/api/v1/label/${label}/values?${new URLSearchParams({ 'match[]': substitute(selector) })}`

    const answer = LabelValues.parse(await (await fetch(url)).json())

    expect(answer.data.length).toBeGreaterThan(0)
  })

  it('lets Prometheus read the query of every annotation', async () => {
    for (const { expr } of dashboard.annotations.list) await prometheus.query(substitute(expr))
  })
})

describe('the Fleet overview, on the fixture page', () => {
  let scraped: Scraped
  let prometheus: PrometheusRig

  beforeAll(async () => {
    scraped = await startScraped(startFixtureFeed)
    prometheus = scraped.prometheus
    await waitForScrapes(prometheus, 2)
  })
  afterAll(() => scraped[Symbol.asyncDispose]())

  it.each([
    ['Consumers over an objective', '1'],
    ['Partitions with unknown lag', '2'],
    ['Vanished consumers', '1'],
    ['Sources down', '1'],
    ['Lagkeepers', '2'],
  ])('counts %s once for both replicas: %s', async (title, expected) => {
    const [target] = panels.find((panel) => panel.title === title)?.targets ?? []

    const samples = await prometheus.query(substitute(target?.expr ?? ''))

    expect(samples.map(({ value }) => value)).toEqual([expected])
  })

  it('shows only the broken objective in the table, with owner and severity', async () => {
    const [lag, times] = panels.find((panel) => panel.title === 'Over their objective, worst first')?.targets ?? []

    const rows = await prometheus.query(substitute(lag?.expr ?? ''))
    const ratios = await prometheus.query(substitute(times?.expr ?? ''))

    const labels = { kafka_cluster: 'main', consumer: 'orders', topic: 'orders', owner: 'owner', severity: 'warning' }
    expect(rows).toEqual([{ metric: labels, value: '500' }])
    expect(ratios).toEqual([{ metric: labels, value: '1.25' }])
  })

  it('is empty, not zero, for a cluster that nobody watches', async () => {
    const stats = panels.filter(
      ({ type, targets }) => type === 'stat' && targets.some(({ expr }) => expr.includes('$')),
    )

    for (const { targets } of stats)
      for (const { expr } of targets)
        expect(await prometheus.query(substitute(expr.replaceAll('$kafka_cluster', 'nowhere')))).toEqual([])
    expect(stats).toHaveLength(3)
  })
})

const LabelValues = z.object({ data: z.array(z.string()) })

function substitute(expression: string): string {
  return substitutes.reduce((text, [name, value]) => text.replaceAll(name, value), expression)
}

/** Until every replica has answered so many scrapes. */
async function waitForScrapes(prometheus: PrometheusRig, scrapes: number): Promise<void> {
  for (;;) {
    const counts = await prometheus.query('sum_over_time(up[2m])')
    if (counts.length === 2 && counts.every(({ value }) => Number(value) >= scrapes)) return
    await sleep(200)
  }
}
