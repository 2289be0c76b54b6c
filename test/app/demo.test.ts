import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningDaemon, startDaemon, whenReady } from '../loads/start-daemon.ts'

describe('the daemon with nothing configured', () => {
  let daemon: RunningDaemon
  const get = async (path: string) => {
    const answer = await fetch(`${daemon.url}${path}`)
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
  }
  const lags = async () =>
    (await get('/metrics')).text.split('\n').filter((line) => line.startsWith('stream_consumer_records_lag{'))

  beforeAll(async () => {
    daemon = await startDaemon([])
    await whenReady(daemon)
  })
  afterAll(async () => {
    await daemon[Symbol.asyncDispose]()
  })

  it('shows lag of the demo that moves', async () => {
    const first = await lags()
    expect(first.length).toBeGreaterThan(30)
    expect(first.every((line) => line.includes('kafka_cluster="demo"'))).toBe(true)

    await expect
      .poll(async () => (await lags()).join('\n'), { timeout: 12_000, interval: 500 })
      .not.toBe(first.join('\n'))
  })

  it('lists targets that answer a scrape', async () => {
    const { status, type, text } = await get('/sd/v1/targets')
    const groups: { targets: string[]; labels: Record<string, string> }[] = JSON.parse(text)

    expect([status, type]).toEqual([200, 'application/json; charset=utf-8'])
    expect(groups.length).toBeGreaterThanOrEqual(6)
    for (const group of groups)
      for (const target of group.targets) {
        const page = await fetch(`http://${target}${group.labels['__metrics_path__'] ?? '/metrics'}`)
        expect(page.status).toBe(200)
        expect(await page.text()).toMatch(/^(flink|kafka)_/m)
      }
  })

  it('finds its jobs by way of YARN, knows their lag and what is wrong with them', async () => {
    const lines = async () => (await get('/metrics')).text.split('\n')
    const settled = [
      'stream_job_finding{flink_cluster="demo",flink_job="payment-settlement",finding="checkpoint_overdue"} 1',
      'stream_job_finding{flink_cluster="demo",flink_job="live-dashboard",finding="checkpointing_off"} 1',
      'stream_job_finding{flink_cluster="demo",flink_job="live-dashboard",finding="parallelism_above_partitions"} 1',
      'stream_job_finding{flink_cluster="demo",flink_job="revenue-report",finding="topic_read_twice"} 1',
      'stream_job_finding{flink_cluster="demo",flink_job="revenue-report",finding="disconnected_parts"} 1',
      'stream_job_finding{flink_cluster="demo",flink_job="revenue-report",finding="end_of_life"} 1',
    ]
    await expect.poll(lines, { timeout: 15_000, interval: 500 }).toEqual(expect.arrayContaining(settled))

    const lagOf = (all: readonly string[], consumer: string, topic: string): number =>
      all
        .filter((line) => line.startsWith(`stream_consumer_records_lag{kafka_cluster="demo",consumer="${consumer}"`))
        .filter((line) => line.includes(`topic="${topic}"`))
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    const all = await lines()
    expect(lagOf(all, 'demo/payment-settlement', 'payments')).toBeGreaterThan(60_000)
    expect(lagOf(all, 'demo/clickstream-sessions', 'clicks')).toBeGreaterThan(10_000)
    expect(all).toContain(
      'stream_job_flink_pending_records{flink_cluster="demo",flink_job="payment-settlement",vertex="Source: payments -> Calc -> ledger: Writer"} 0',
    )
  })

  it('links all of it from the landing page', async () => {
    const { status, type, text } = await get('/')
    const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, link]) => (link ?? '').replaceAll('&amp;', '&'))

    expect([status, type]).toEqual([200, 'text/html; charset=utf-8'])
    for (const path of ['metrics', 'metrics/self', 'sd/v1/targets', 'api/v1/consumers', '-/ready'])
      expect(links.some((link) => link.replace(/^\.?\//, '').startsWith(path))).toBe(true)
    for (const link of links.filter((one) => !one.startsWith('http')))
      expect([link, (await get(`/${link.replace(/^\.?\//, '')}`)).status]).toEqual([link, 200])
  })

  it.each([
    ['/-/healthy', 200],
    ['/healthz', 200],
    ['/readyz', 200],
    ['/metrics/self', 200],
    ['/metrics?kafka_cluster=demo', 200],
    ['/metrics?kafka_cluster=nowhere', 404],
    ['/api/v1/consumers?limit=3', 200],
    ['/api/v1/explain?kafka_cluster=demo&consumer=invoice-export&topic=orders&partition=0', 200],
    ['/nothing', 404],
  ])('answers %s with %i', async (path, expected) => {
    expect((await get(path)).status).toBe(expected)
  })
})
