import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordCommand } from '../../src/commands/record.ts'
import { replayCommand } from '../../src/commands/replay.ts'
import { captureIo } from '../fakes/io.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { promtoolBinary } from '../rigs/prometheus.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

/** Somebody falls behind for eight seconds of sixteen, and comes back; somebody else never does. */
describe('a recording of a real broker', () => {
  let kafka: KafkaRig
  let rig: RigClient
  let folder: string
  let file: string
  let path: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lagkeeper-replay-'))
    file = join(folder, 'recording')
    path = dirname(await promtoolBinary('2.42.0'))
    kafka = await startKafka({ version: '4.3.1' })
    rig = await startRigClient({ version: '4.3.1', bootstrap: kafka.bootstrap })
    await rig.createTopics(['orders', 'letters'].map((name) => ({ name, partitions: 2 })))
    await rig.produce('orders', 0, 10)
    await rig.produce('letters', 0, 10)
    await rig.commit('billing', [{ topic: 'orders', partition: 0, offset: 10n }])
    await rig.commit('mail', [{ topic: 'letters', partition: 0, offset: 10n }])
    const { io, err } = captureIo()
    const where = [`--kafka.bootstrap=${kafka.bootstrap}`, '--topic=orders|letters', `--output=${file}`]
    const recording = recordCommand([...where, '--interval=1s', '--for=16s'], io)
    await delay(3_000)
    await rig.produce('orders', 0, 500)
    await delay(8_000)
    await rig.commit('billing', [{ topic: 'orders', partition: 0, offset: 510n }])
    expect(await recording, err()).toBe(0)
  })
  afterAll(async () => {
    await rig?.stop()
    await kafka?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function replay(rule: string, objectives = '[]') {
    const [rules, config] = [join(folder, 'rules.yaml'), join(folder, 'config.yaml')]
    await writeFile(rules, `groups: [ { name: g, rules: [ ${rule} ] } ]`)
    await writeFile(config, `kafka: [ { name: default, bootstrap: "b:1" } ]\nobjectives: ${objectives}`)
    const { io, out, err } = captureIo({ env: { PATH: path } })
    const code = await replayCommand([file, '--json', `--rules=${rules}`, `--config.file=${config}`], io)
    return { code, err: err(), report: out() === '' ? undefined : (JSON.parse(out()) as unknown) }
  }

  it('makes an alert fire for as long as it was true, and not before its patience is over', async () => {
    const { code, report, err } = await replay(
      '{ alert: Behind, expr: "stream_consumer_topic_records_lag > 100", for: 3s, labels: { severity: critical } }',
    )

    expect(err).toBe('')
    expect(report).toMatchObject({
      recording: { kafka_cluster: 'default', interval_seconds: 1 },
      alerts: [{ labels: { alertname: 'Behind', consumer: 'billing', topic: 'orders', severity: 'critical' } }],
      not_replayed: [],
      parts: 1,
    })
    expect(code).toBe(1)
    const { alerts = [] } = report as { alerts?: readonly { fired: readonly { seconds: number }[] }[] }
    expect(alerts[0]?.fired).toHaveLength(1)
    // Eight seconds without those of `for`.
    expect(alerts[0]?.fired[0]?.seconds).toBeGreaterThanOrEqual(3)
    expect(alerts[0]?.fired[0]?.seconds).toBeLessThanOrEqual(7)
  })

  it('lets an alert be silent that never was true', async () => {
    const { code, report } = await replay('{ alert: FarBehind, expr: "stream_consumer_topic_records_lag > 1000" }')

    expect(report).toMatchObject({ alerts: [] })
    expect(code).toBe(0)
  })

  it('says how often a promise would have paged', async () => {
    const { report } = await replay(
      '{ alert: Over, expr: "stream_consumer_topic_records_lag > ignoring (owner, severity) group_right () stream_consumer_objective_records" }',
      '[ { consumer: ".*", records: 100, owner: payments, severity: critical } ]',
    )

    expect(report).toMatchObject({
      objectives: [
        { consumer: 'billing', broken: [{ seconds: expect.any(Number) }], pages: [{ seconds: expect.any(Number) }] },
        { consumer: 'mail', broken: [], pages: [] },
      ],
    })
  })

  it('does not take rules that promtool does not', async () => {
    const { code, err } = await replay('{ alert: Broken, expr: "sum(" }')

    expect(err).toContain('Evaluate rules with promtool')
    expect(code).toBe(3)
  })
})
