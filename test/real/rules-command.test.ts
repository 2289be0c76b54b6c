import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rulesCommand } from '../../src/commands/rules.ts'
import { captureIo } from '../fakes/io.ts'
import { promtoolBinary } from '../rigs/prometheus.ts'
import { run } from '../rigs/run.ts'

let dir = ''

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lagkeeper-rules-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** What `lagkeeper rules` prints for these objectives, as a file. */
async function rulesFile(objectives: readonly string[]): Promise<string> {
  const config = join(dir, 'config.yaml')
  const file = join(dir, 'rules.yaml')
  await writeFile(
    config,
    `kafka: [ { name: main, bootstrap: "b:1" } ]\nobjectives:\n${objectives.map((one) => `  - { ${one} }\n`).join('')}`,
  )
  const { io, out } = captureIo()
  await rulesCommand([`--config.file=${config}`], io)
  await writeFile(file, out())
  return file
}

describe('what lagkeeper rules prints', () => {
  it('is accepted by promtool, odd names and all', async () => {
    const file = await rulesFile([
      'consumer: "a.*", topic: t, records: 5, owner: o',
      String.raw`consumer: '"\pL+"\\.\d{2}|\Q{x}\E', seconds: 9, owner: '{{ $x }} "é" \', severity: critical`,
      'consumer: ".*", records: 5, seconds: 6, owner: p, schedule: [ { cron: "0 22 * * 1-5", lasts: 8h, off: true }, { cron: "0 2 1 * *", lasts: 1h, off: true } ]',
    ])

    const result = await run(await promtoolBinary(), ['check', 'rules', file])

    expect(result, result.stderr).toMatchObject({ code: 0 })
    expect(result.stdout).toContain('12 rules found')
  })

  it('fires for a broken promise, at the times at which it holds, and not for whom an earlier objective matches', async () => {
    const file = await rulesFile([
      'consumer: orders-audit, topic: orders, seconds: 7200, owner: audit',
      'consumer: "orders-.*", seconds: 300, owner: payments, schedule: [ { cron: "0 2 * * *", lasts: 1h, off: true }, { cron: "0 4 * * *", lasts: 1h, timezone: Etc/GMT-1, off: true }, { cron: "0 4 * * 4", lasts: 1h, seconds: 3600 } ]',
    ])
    const late = (consumer: string) => ({
      series: `stream_consumer_time_lag_seconds{job="lagkeeper",instance="a",kafka_cluster="main",consumer="${consumer}",topic="orders"}`,
      values: '900x400',
    })
    const fires = [
      {
        exp_labels: {
          job: 'lagkeeper',
          kafka_cluster: 'main',
          consumer: 'orders-etl',
          topic: 'orders',
          owner: 'payments',
          severity: 'warning',
        },
        exp_annotations: {
          summary: 'A consumer is later than its objective allows.',
          description:
            'orders-etl is 15m 0s behind on topic orders (Kafka cluster main), and has been late for five minutes. What it reads between two commits is not counted. Its objective, owned by payments, allows less.',
          runbook_url:
            'https://github.com/lagkeeper/lagkeeper/blob/main/docs/runbooks/LagkeeperTimeLagOverObjective.md',
          dashboard_url:
            'https://grafana.example.com/d/lagkeeper-consumer?var-kafka_cluster=main&var-consumer=orders-etl&var-topic=orders',
        },
      },
    ]
    // The clock of the test begins on Thursday 1 January 1970, 00:00 UTC.
    const times: readonly (readonly [string, typeof fires])[] = [
      ['10m', fires],
      ['1h59m', fires],
      ['2h10m', []],
      ['2h59m', []],
      // 04:00 at UTC+1: the promise is off for another hour.
      ['3h30m', []],
      // 3600 seconds are promised.
      ['4h30m', []],
      ['5h2m', []],
      ['5h10m', fires],
    ]
    const cases = join(dir, 'rules.test.yaml')
    await writeFile(
      cases,
      JSON.stringify({
        rule_files: [file],
        evaluation_interval: '1m',
        tests: [
          {
            interval: '1m',
            input_series: [late('orders-etl'), late('orders-audit'), late('stock')],
            alert_rule_test: times.map(([eval_time, exp_alerts]) => ({
              eval_time,
              alertname: 'LagkeeperTimeLagOverObjective',
              exp_alerts,
            })),
          },
        ],
      }),
    )

    const result = await run(await promtoolBinary(), ['test', 'rules', cases])

    expect(result, result.stdout + result.stderr).toMatchObject({ code: 0 })
  })
})
