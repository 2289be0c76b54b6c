import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { lagFamilies } from '../../src/exposition/families.ts'
import { type EdgeLoad, edgeLoad } from '../loads/edge-load.ts'
import { type RunningDaemon, startDaemon, whenReady } from '../loads/start-daemon.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type PrometheusRig, startPrometheus } from '../rigs/prometheus.ts'
import { type Oracle, type RigClient, startRigClient } from '../rigs/rig-client.ts'

describe('the daemon on real Kafka, scraped by a real Prometheus', () => {
  let kafka: KafkaRig
  let rig: RigClient
  let load: EdgeLoad
  let oracle: Oracle
  let daemon: RunningDaemon
  let prometheus: PrometheusRig

  beforeAll(async () => {
    kafka = await startKafka({ version: '4.3.1' })
    rig = await startRigClient({ version: '4.3.1', bootstrap: kafka.bootstrap })
    load = await edgeLoad(rig)
    oracle = await rig.oracle(load.groups)
    daemon = await startDaemon([`--kafka.bootstrap=${kafka.bootstrap}`, '--interval=1s'])
    const body = JSON.stringify({
      address: `127.0.0.1:${daemon.port}`,
      incarnation: '1',
      metrics_path: '/metrics/self',
      labels: { team: 'x "y"' },
      lease_seconds: 300,
    })
    const url = `${daemon.url}/v1/registrations/test/lagkeeper/self/one`
    const register = () => fetch(url, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body })
    // 503 until the registry runs: registrants repeat.
    await vi.waitFor(async () => expect((await register()).ok).toBe(true), { timeout: 10_000 })
    prometheus = await startPrometheus({
      config: [
        'global: { scrape_interval: 1s, scrape_timeout: 1s }',
        'scrape_configs:',
        `  - { job_name: lag, static_configs: [{ targets: ['127.0.0.1:${daemon.port}'] }] }`,
        '  - job_name: found',
        `    http_sd_configs: [{ url: '${daemon.url}/sd/v1/targets', refresh_interval: 1s }]`,
        '    relabel_configs: [{ action: labelmap, regex: __meta_lagkeeper_label_(.+) }]',
      ].join('\n'),
    })
  })
  afterAll(async () => {
    await prometheus?.stop()
    await daemon?.[Symbol.asyncDispose]()
    await load?.close()
    await rig?.stop()
    await kafka?.stop()
  })

  it('is scraped without a refused sample, and every value equals that of the Java clients', async () => {
    await whenReady(daemon)
    await expect.poll(() => prometheus.query('count(stream_consumer_records_lag)'), { timeout: 30_000 }).not.toEqual([])
    const [scraped] = await prometheus.query(
      'scrape_samples_scraped{job="lag"} - scrape_samples_post_metric_relabeling{job="lag"}',
    )
    const ends = new Map(oracle.ends.map((end) => [`${end.topic}/${end.partition}`, end]))
    const lags = new Map(
      (await prometheus.query('stream_consumer_records_lag')).map(({ metric, value }) => [
        `${metric['consumer']}\u0001${metric['topic']}/${metric['partition']}`,
        value,
      ]),
    )
    const positions = new Map(
      (await prometheus.query('stream_consumer_position')).map(({ metric, value }) => [
        `${metric['consumer']}\u0001${metric['topic']}/${metric['partition']}`,
        value,
      ]),
    )

    expect(scraped?.value).toBe('0')
    const wrong = oracle.committed.flatMap(({ group, topic, partition, offset }) => {
      const key = `${group === '' ? '(empty)' : group}\u0001${topic}/${partition}`
      const end = ends.get(`${topic}/${partition}`)!
      const readable = offset > end.beginning ? offset : end.beginning
      const expected = offset > end.end ? undefined : String(end.end - readable)
      return lags.get(key) === expected && positions.get(key) === String(offset)
        ? []
        : [{ group, topic, partition, lag: lags.get(key), expected, position: positions.get(key) }]
    })
    expect(wrong).toEqual([])
    const ours = await prometheus.query('kafka_partition_log_end_offset')
    expect(ours.map(({ metric, value }) => [metric['topic'], metric['partition'], value]).sort()).toEqual(
      oracle.ends.map((end) => [end.topic, String(end.partition), String(end.end)]).sort(),
    )
  })

  it('gives no number that could be taken for one: no NaN, nothing negative', async () => {
    for (const { name } of Object.values(lagFamilies)) {
      expect([name, await prometheus.query(`${name} < 0`)]).toEqual([name, []])
      expect([name, await prometheus.query(`${name} != ${name}`)]).toEqual([name, []])
    }
  })

  it('finds the registered target through http_sd, without a refresh failure after the first success', async () => {
    await expect
      .poll(
        async () =>
          (await prometheus.targets())
            .filter((target) => target.scrapePool === 'found')
            .map(({ health, labels }) => [health, labels['team']]),
        { timeout: 60_000, interval: 500 },
      )
      .toEqual([['up', 'x "y"']])
    const failures = async () =>
      /prometheus_sd_refresh_failures_total\{mechanism="http"\} (\d+)/.exec(await prometheus.metrics())?.[1]
    const before = await failures()
    await new Promise((resolve) => setTimeout(resolve, 5_000))

    expect(await failures()).toBe(before)
  })
})
