import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readExpression } from '../alerts/promql.ts'
import { type Answer, answersOf, everything, type Period, substitute, type Variables } from '../dashboards/answers.ts'
import { startBackfilled, storyEnd } from '../dashboards/backfilled.ts'
import { labelValuesOf, linksOf, type Panel, panelsOf, readDashboards } from '../dashboards/dashboard-file.ts'
import { draw } from '../dashboards/draw.ts'
import { type Scraped, startScraped } from '../dashboards/scraped.ts'
import { HOUR } from '../dashboards/world-consumers.ts'
import { startDaemon } from '../loads/start-daemon.ts'
import type { PrometheusRig } from '../rigs/prometheus.ts'

const files = readDashboards().map((file) => ({ ...file, panels: panelsOf(file.dashboard) }))
const queries = files.flatMap(({ dashboard, panels }) =>
  panels.flatMap((panel) =>
    panel.targets.map((target) => ({ name: `${dashboard.title}: ${panel.title} (${target.refId})`, panel, target })),
  ),
)

/** The consumer of the story that the Consumer dashboard is drawn of, and others that have what it has not. */
const [drawnConsumer, ...otherConsumers] = [
  'invoice-export',
  'stock-loader',
  'refund-audit',
  'prod/clickstream-sessions',
]
const shown = { end: storyEnd, seconds: 3 * HOUR, step: 60 }

describe('the dashboards, over six hours of two replicas', () => {
  let prometheus: PrometheusRig

  beforeAll(async () => {
    prometheus = await startBackfilled()
  }, 120_000)
  afterAll(() => prometheus?.stop())

  it.each(queries)('get data for $name', async ({ panel, target }) => {
    const only = { ...panel, targets: [target] }
    const answers = await firstAnswers(prometheus, only, [everything, ...consumersAlone()], shown)

    expect(answers.length).toBeGreaterThan(0)
    expect(answers.flatMap(({ values }) => values).filter(([, value]) => !Number.isFinite(value))).toEqual([])
  })

  it.each(files)('get values for the variables of $file', async ({ dashboard }) => {
    const variables = { ...everything, ...consumersAlone()[0] }
    for (const { query } of dashboard.templating.list.filter(({ type }) => type === 'query')) {
      const { selector, label } = labelValuesOf(query)
      const given = { 'match[]': substitute(selector, variables), start: String(storyEnd - 600), end: String(storyEnd) }
      const answer = await fetch(`${prometheus.url}/api/v1/label/${label}/values?${new URLSearchParams(given)}`)

      expect(LabelValues.parse(await answer.json()).data.length).toBeGreaterThan(0)
    }
  })

  it.each(files)('let Prometheus read the annotations of $file', async ({ dashboard }) => {
    for (const { expr } of dashboard.annotations.list) await prometheus.query(substitute(expr, everything))
  })

  it.each(files)('have the fields that links of $file take from a row', async ({ panels }) => {
    for (const panel of panels.filter(({ type }) => type === 'table')) {
      const answers = await firstAnswers(prometheus, panel, [everything, ...consumersAlone()], shown)
      const fields = new Set(answers.flatMap(({ labels }) => Object.keys(labels)))
      const taken = linksOf(panel).flatMap(({ url }) =>
        [...url.matchAll(/__data\.fields\["(\w+)"\]/g)].map(([, name]) => name),
      )

      expect(taken.filter((name) => !fields.has(name ?? ''))).toEqual([])
    }
  })

  it.each([
    ['Consumers by status', [2, 2, 1, 1, 1, 1]],
    ['Over an objective', [3]],
    ['About to lose records', [1]],
    ['Lag unknown', [1]],
    ['Vanished', [1]],
    ['Should run', [6]],
    ['Should run and do not', [1]],
    ['Cannot be seen', [1]],
    ['Jobs with findings', [3]],
    ['Restarts in the shown time', [9]],
    ['Listed', [64]],
    ['Quarantined', [1]],
    ['Lagkeepers', [2]],
    ['Sources down', [1]],
    ['Series dropped', [12]],
    ['Old configurations', [1]],
  ])('count %s once for both replicas: %s', async (title, expected) => {
    const answers = await answersOf(panelCalled(title), prometheus, everything, shown)

    expect(lastOf(answers).sort((a, b) => b - a)).toEqual(expected)
  })

  it('rank each consumer by its own status, one row each', async () => {
    const [rank] = panelCalled('Consumers, worst first').targets
    const answers = await answersOf(
      { ...panelCalled('Consumers, worst first'), targets: [rank!] },
      prometheus,
      everything,
      shown,
    )

    expect(Object.fromEntries(answers.map(({ labels, values }) => [labels['consumer'], values.at(-1)?.[1]]))).toEqual({
      'invoice-export': 5,
      'sensor-alerts': 4,
      'stock-loader': 3,
      'prod/clickstream-sessions': 2,
      'old-report': 2,
      'refund-audit': 1,
      'prod/fraud-detection': 0,
      'search-indexer': 0,
    })
  })

  it('hold the time lag with its uncertainty against what is promised', async () => {
    const answers = await answersOf(
      panelCalled('Time lag, worst topic'),
      prometheus,
      consumerAlone('invoice-export'),
      shown,
    )

    expect(Object.fromEntries(answers.map(({ name, values }) => [name, values.at(-1)?.[1]]))).toEqual({
      'at most': 5_620,
      'at least': 5_180,
      'time lag': 5_400,
      'promised to billing (warning)': 600,
      'promised to billing (critical)': 3_600,
    })
  })

  it('say for how much of the window an objective was broken', async () => {
    const [broken] = panelCalled('Objectives, least kept first').targets
    const answers = await answersOf(
      { ...panelCalled('Objectives, least kept first'), targets: [broken!] },
      prometheus,
      { ...everything, slo_window: '1h' },
      shown,
    )
    const of = (consumer: string, severity: string) =>
      answers
        .find(({ labels }) => labels['consumer'] === consumer && labels['severity'] === severity)
        ?.values.at(-1)?.[1]

    expect(of('invoice-export', 'warning')).toBe(1)
    expect(of('invoice-export', 'critical')).toBeCloseTo(0.5, 1)
    expect(of('prod/fraud-detection', 'critical')).toBe(0)
  })

  it('are empty, not zero, for a cluster that nobody watches', async () => {
    const stats = files
      .flatMap(({ panels }) => panels)
      .filter(
        ({ type, targets }) => type === 'stat' && targets.some(({ expr }) => /\$(kafka|flink)_cluster/.test(expr)),
      )
    const nowhere = { ...everything, kafka_cluster: 'nowhere', flink_cluster: 'nowhere' }

    for (const panel of stats)
      expect([panel.title, await answersOf(panel, prometheus, nowhere, shown)]).toEqual([panel.title, []])
    expect(stats.length).toBeGreaterThan(15)
  })

  it.each(files)(
    'are drawn in docs/pictures as their queries are answered: $file',
    async ({ file, dashboard, panels }) => {
      const answers = new Map<Panel, readonly Answer[]>()
      const variables = { ...everything, ...(file === 'consumer.json' && { consumer: drawnConsumer ?? '' }) }
      for (const panel of panels) answers.set(panel, await answersOf(panel, prometheus, variables, shown))

      const picture = draw(dashboard, (panel) => answers.get(panel) ?? [], { from: storyEnd - 3 * HOUR, to: storyEnd })

      expect(picture.length).toBeLessThan(200_000)
      await expect(picture).toMatchFileSnapshot(`../../docs/pictures/dashboard-${file.replace('.json', '.svg')}`)
    },
  )
})

describe('the dashboards, fed by the demo of npm start, scraped each second from two replicas', () => {
  /** What the demo has none of: no Prometheus that scrapes itself, no ZooKeeper, nobody who registers, no watermarks. */
  const notInTheDemo: readonly string[] = [
    'prometheus_sd_refresh_failures_total',
    'lagkeeper_registry_rejected_total',
    'lagkeeper_registry_leases_ended_total',
    'lagkeeper_registry_path_bytes',
    'lagkeeper_registry_session_expiries_total',
    'stream_job_watermark_lag_seconds',
  ]
  /** Rates are of minutes, which the test does not wait for. */
  const notYet: readonly string[] = [
    'stream_consumer_produce_records_per_second',
    'stream_consumer_consume_records_per_second',
    'stream_consumer_drain_seconds',
  ]
  let scraped: Scraped
  let names: ReadonlySet<string>
  let consumers: readonly string[]

  beforeAll(async () => {
    scraped = await startScraped(() => startDaemon([]))
    await waitForScrapes(scraped.prometheus, 12)
    names = new Set(await valuesOf(scraped.prometheus, '__name__'))
    consumers = await valuesOf(scraped.prometheus, 'consumer')
  }, 120_000)
  afterAll(() => scraped?.[Symbol.asyncDispose]())

  it('are scraped without a refused sample', async () => {
    const refused = await scraped.prometheus.query(
      'max_over_time(scrape_samples_scraped[1m]) != max_over_time(scrape_samples_post_metric_relabeling[1m])',
    )
    const targets = await scraped.prometheus.targets()

    expect(refused).toEqual([])
    expect(targets.map(({ health, lastError }) => [health, lastError])).toEqual([
      ['up', ''],
      ['up', ''],
    ])
  })

  it.each(queries)('get data for $name, unless the demo has none', async ({ panel, target }) => {
    const only = { ...panel, targets: [{ ...target, expr: target.expr.replaceAll(':5m]', ':1s]') }] }
    const now = { end: Date.now() / 1_000, seconds: 4, step: 1 }
    const tried = [live, ...consumers.map((consumer) => ({ ...live, consumer }))]
    const metrics = new Set(readExpression(target.expr).metrics)

    const answers = await firstAnswers(scraped.prometheus, only, tried, now)

    expect(notInTheDemo.filter((metric) => names.has(metric))).toEqual([])
    if ([...notInTheDemo, ...notYet].some((metric) => metrics.has(metric))) return
    expect(answers.length).toBeGreaterThan(0)
    expect(answers.flatMap(({ values }) => values).filter(([, value]) => !Number.isFinite(value))).toEqual([])
  })
})

/** As if the dashboards were opened twelve seconds after the first scrape. */
const live: Variables = { ...everything, __rate_interval: '8s', __range: '10s', slo_window: '10s' }

const LabelValues = z.object({ data: z.array(z.string()) })

/** What a panel gets with the first of these variables with which it gets anything. */
async function firstAnswers(
  prometheus: PrometheusRig,
  panel: Panel,
  tried: readonly Variables[],
  period: Period,
): Promise<readonly Answer[]> {
  for (const variables of tried) {
    const answers = await answersOf(panel, prometheus, variables, period)
    if (answers.length > 0) return answers
  }
  return []
}

async function valuesOf(prometheus: PrometheusRig, label: string): Promise<readonly string[]> {
  const answer = await fetch(`${prometheus.url}/api/v1/label/${label}/values`)
  return LabelValues.parse(await answer.json()).data
}

function consumerAlone(consumer: string): Variables {
  return { ...everything, consumer }
}

function consumersAlone(): readonly Variables[] {
  return [drawnConsumer ?? '', ...otherConsumers].map(consumerAlone)
}

function panelCalled(title: string): Panel {
  const panel = files.flatMap(({ panels }) => panels).find((each) => each.title === title)
  if (panel === undefined) throw new Error(`No panel is called "${title}"`)
  return panel
}

function lastOf(answers: readonly Answer[]): number[] {
  return answers.flatMap(({ values }) => values.slice(-1).map(([, value]) => Math.round(value)))
}

/** Until every replica has answered so many scrapes. */
async function waitForScrapes(prometheus: PrometheusRig, scrapes: number): Promise<void> {
  for (;;) {
    const counts = await prometheus.query('sum_over_time(up[2m])')
    if (counts.length === 2 && counts.every(({ value }) => Number(value) >= scrapes)) return
    await sleep(200)
  }
}
