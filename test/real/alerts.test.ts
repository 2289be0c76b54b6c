import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startAlertmanager } from '../alerts/alertmanager.ts'
import { startTroubledFeed } from '../alerts/feed.ts'
import { alerts, recordings, root, ruleFiles, testFiles } from '../alerts/rule-files.ts'
import { startScraped } from '../dashboards/scraped.ts'
import { serve } from '../dashboards/serve.ts'
import { amtoolBinary, promtoolBinary, startPrometheus } from '../rigs/prometheus.ts'
import { run } from '../rigs/run.ts'

const prometheusFile = join(root, 'config/prometheus.yml')
const alertmanagerFile = join(root, 'config/alertmanager.yml')
let dir = ''

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lagkeeper-alerts-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

describe('the alert rules', () => {
  it('pass every lint of promtool', async () => {
    const files = ruleFiles.map((file) => join(root, 'alerts', file))

    const result = await run(await promtoolBinary(), ['check', 'rules', '--lint=all', '--lint-fatal', ...files])

    expect(result, result.stderr).toMatchObject({ code: 0 })
  })

  it.each(testFiles)('fire, stay silent and resolve as %s says', async (file) => {
    const result = await run(await promtoolBinary(), ['test', 'rules', join(root, 'test/alerts', file)])

    expect(result, result.stdout + result.stderr).toMatchObject({ code: 0 })
  })

  it('are evaluated without a fault on the pages of two replicas', async () => {
    const texts = await Promise.all(ruleFiles.map((file) => readFile(join(root, 'alerts', file), 'utf8')))
    await using scraped = await startScraped(
      startTroubledFeed,
      Object.fromEntries(ruleFiles.map((file, index) => [file.replace('.yaml', '.yml'), texts[index] ?? ''])),
    )
    const { url } = scraped.prometheus

    await expect
      .poll(() => pendingAlerts(url), { timeout: 150_000, interval: 500 })
      .toEqual([
        'LagkeeperConfigNotReloaded warning',
        'LagkeeperConfigNotReloaded warning',
        'LagkeeperConsumerRewound main prod/etl orders info',
        'LagkeeperConsumerStalled main prod/etl payments critical',
        'LagkeeperConsumerVanished edge billing warning',
        'LagkeeperCycleSlow main warning',
        'LagkeeperDataOld edge kafka edge warning',
        'LagkeeperJobDown prod/etl prod etl critical',
        'LagkeeperJobFinding prod/etl prod etl group_shared warning',
        'LagkeeperJobNoCheckpoint prod/etl prod etl checkpoint_overdue critical',
        'LagkeeperJobRestarting prod/etl prod etl warning',
        'LagkeeperJobUnseen edge/audit unknown edge audit warning',
        'LagkeeperLagOverObjective main prod/etl orders payments warning',
        'LagkeeperLagUnknown main prod/etl secret unauthorized warning',
        'LagkeeperRecordsLost main prod/etl orders payments critical',
        'LagkeeperRecordsWillBeLost main left stock warning',
        'LagkeeperSeriesDropped main warning',
        'LagkeeperSourceDown edge kafka edge critical',
        'LagkeeperSourceDown flink edge edge critical',
        'LagkeeperTimeLagOverObjective main prod/etl orders payments critical',
      ])
    const states = await ruleStates(url)
    const names = [...alerts.map(({ alert }) => alert), ...recordings.map(({ record }) => record)]
    expect(states.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
    expect(states.filter(({ health }) => health !== 'ok')).toEqual([])
  })

  it('count failed refreshes under the name that Prometheus gives them', async () => {
    await using prometheus = await startPrometheus({
      config: [
        'scrape_configs:',
        '  - job_name: streaming-jobs',
        '    http_sd_configs: [{ url: "http://127.0.0.1:1/sd/v1/targets", refresh_interval: 1s }]',
      ].join('\n'),
    })

    await expect
      .poll(() => prometheus.metrics(), { timeout: 30_000 })
      .toMatch(/^prometheus_sd_refresh_failures_total\{[^}]*mechanism="http"[^}]*\} [1-9]/m)
  })
})

describe('config/prometheus.yml', () => {
  it('is accepted by promtool, with its rules', async () => {
    const result = await run(await promtoolBinary(), ['check', 'config', prometheusFile])

    expect(result, result.stderr).toMatchObject({ code: 0 })
    expect(result.stdout).toContain(`${ruleFiles.length} rule files found`)
  })

  it('makes labels of what registrants and Lagkeeper say, and lets Lagkeeper win', async () => {
    const group = {
      targets: ['10.0.0.7:9250'],
      labels: {
        __meta_lagkeeper_state: 'listed',
        __meta_lagkeeper_namespace: 'payments',
        __meta_lagkeeper_flink_job: 'etl',
        __meta_lagkeeper_label_zone: 'a',
        __meta_lagkeeper_label_namespace: 'stolen',
      },
    }
    await using server = await serve('application/json', () => JSON.stringify([group]))
    const file = join(dir, 'prometheus.yml')
    await writeFile(file, (await readFile(prometheusFile, 'utf8')).replaceAll('http://localhost:10390', server.url))

    const result = await run(await promtoolBinary(), [
      'check',
      'service-discovery',
      '--timeout=6s',
      file,
      'streaming-jobs',
    ])

    expect(result, result.stderr).toMatchObject({ code: 0 })
    expect(Discovered.parse(JSON.parse(result.stdout))[0]?.labels).toEqual({
      __address__: '10.0.0.7:9250',
      __metrics_path__: '/metrics',
      __scheme__: 'http',
      __scrape_interval__: '30s',
      __scrape_timeout__: '10s',
      instance: '10.0.0.7:9250',
      job: 'streaming-jobs',
      namespace: 'payments',
      flink_job: 'etl',
      zone: 'a',
    })
  })
})

describe('config/alertmanager.yml', () => {
  it('is accepted by amtool', async () => {
    const result = await run(await amtoolBinary(), ['check-config', alertmanagerFile])

    expect(result, result.stderr).toMatchObject({ code: 0 })
  })

  it.each([
    ['payments-pager', ['alertname=LagkeeperTimeLagOverObjective', 'owner=payments', 'severity=critical']],
    ['payments-pager', ['alertname=LagkeeperConsumerStopped', 'owner=payments', 'severity=critical']],
    ['payments-chat', ['alertname=LagkeeperLagOverObjective', 'owner=payments', 'severity=warning']],
    ['nobody', ['alertname=LagkeeperLagOverObjective', 'owner=payments', 'severity=info']],
    ['nobody', ['alertname=LagkeeperConsumerRewound', 'severity=info']],
    ['platform-pager', ['alertname=LagkeeperLagOverObjective', 'owner=unlisted', 'severity=critical']],
    ['platform-pager', ['alertname=LagkeeperSourceDown', 'severity=critical', 'kafka_cluster=main']],
    ['platform-pager', ['alertname=LagkeeperJobDown', 'severity=critical', 'consumer=prod/etl']],
    ['platform-chat', ['alertname=LagkeeperConsumerStopped', 'severity=warning', 'kafka_cluster=main']],
    ['platform-chat', ['alertname=LagkeeperLagUnknown', 'severity=warning', 'kafka_cluster=main']],
  ])('tells %s of %s', async (receiver, labels) => {
    const result = await run(await amtoolBinary(), [
      'config',
      'routes',
      'test',
      `--config.file=${alertmanagerFile}`,
      `--verify.receivers=${receiver}`,
      ...labels,
    ])

    expect(result, result.stdout + result.stderr).toMatchObject({ code: 0 })
  })

  it('mutes what follows from something that fires, and nothing else, in a real Alertmanager', async () => {
    await using alertmanager = await startAlertmanager(alertmanagerFile)
    const consumer = { kafka_cluster: 'main', consumer: 'prod/etl', owner: 'payments' }
    const lag = { kafka_cluster: 'main', consumer: 'late', topic: 'orders', owner: 'payments' }
    const job = { flink_cluster: 'prod', flink_job: 'etl', consumer: 'prod/etl' }
    const [over, time, burn] = ['LagkeeperLagOverObjective', 'LagkeeperTimeLagOverObjective', 'LagkeeperObjectiveBurn']
    const posted = [
      { alertname: 'LagkeeperSourceDown', severity: 'critical', source: 'kafka', kafka_cluster: 'main' },
      { alertname: 'LagkeeperSourceDown', severity: 'critical', source: 'flink', flink_cluster: 'prod' },
      { alertname: 'LagkeeperSourceDown', severity: 'critical', source: 'flink-pages', id: 'no cluster' },
      { alertname: 'LagkeeperLagUnknown', severity: 'warning', kafka_cluster: 'main', id: 'muted by its source' },
      { alertname: 'LagkeeperLagUnknown', severity: 'warning', kafka_cluster: 'edge', id: 'another cluster' },
      { alertname: 'LagkeeperJobUnseen', severity: 'warning', ...job, id: 'muted by its JobManager' },
      { alertname: 'LagkeeperJobUnseen', severity: 'warning', ...job, flink_cluster: 'edge', id: 'another JobManager' },
      { alertname: time, severity: 'critical', ...lag },
      { alertname: time, severity: 'warning', ...lag, id: 'muted by critical' },
      { alertname: over, severity: 'critical', ...lag, id: 'muted by time' },
      { alertname: over, severity: 'warning', ...lag, topic: 'stock', id: 'another topic' },
      { alertname: burn, severity: 'critical', ...lag, id: 'muted by what is now' },
      { alertname: burn, severity: 'critical', ...lag, owner: 'logistics', id: 'another owner' },
      { alertname: 'LagkeeperConsumerStalled', severity: 'critical', ...consumer },
      { alertname: time, severity: 'critical', ...consumer, topic: 'orders', id: 'muted by its cause' },
      { alertname: 'LagkeeperJobDown', severity: 'critical', ...job },
      { alertname: 'LagkeeperConsumerStopped', severity: 'critical', ...consumer, id: 'promised to somebody' },
      { alertname: 'LagkeeperConsumerStopped', severity: 'warning', ...consumer, owner: '', id: 'muted by its job' },
      { alertname: 'LagkeeperReplicaDown', severity: 'warning', id: 'one is left' },
    ]

    await alertmanager.post(posted)

    await expect
      .poll(async () => (await alertmanager.muted()).map((labels) => labels['id']).toSorted(), { timeout: 10_000 })
      .toEqual([
        'muted by critical',
        'muted by its JobManager',
        'muted by its cause',
        'muted by its job',
        'muted by its source',
        'muted by time',
        'muted by what is now',
      ])
  })
})

const RulesAnswer = z.object({
  data: z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            name: z.string(),
            health: z.string(),
            lastError: z.string().optional(),
            alerts: z.array(z.object({ labels: z.record(z.string(), z.string()) })).default([]),
          }),
        ),
      }),
    ),
  }),
})
type RuleState = z.infer<typeof RulesAnswer>['data']['groups'][number]['rules'][number]

const Discovered = z.array(z.object({ labels: z.record(z.string(), z.string()) }))

async function ruleStates(url: string): Promise<readonly RuleState[]> {
  const answer = RulesAnswer.parse(await (await fetch(`${url}/api/v1/rules`)).json())
  return answer.data.groups.flatMap((group) => group.rules)
}

/** What the rules have found, whether the waiting time is over or not: alert and labels as words, sorted. */
async function pendingAlerts(url: string): Promise<readonly string[]> {
  const states = await ruleStates(url)
  const shown = [
    ...['kafka_cluster', 'consumer', 'topic', 'owner', 'source', 'name', 'state'],
    ...['flink_cluster', 'flink_job', 'finding', 'severity'],
  ]
  return states
    .flatMap(({ name, alerts }) =>
      alerts.map(({ labels }) => [name, ...shown.flatMap((label) => labels[label] ?? [])].join(' ')),
    )
    .toSorted()
}
