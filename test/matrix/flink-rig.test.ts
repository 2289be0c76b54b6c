import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FlinkMoments, flinkMoments } from '../loads/flink-moments.ts'
import { type FlinkRig, startFlink } from '../rigs/flink.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const kafkaVersion = '3.9.1'
const topic = 'ods.orders-v1'

describe('The rig of Flink 1.20.5', () => {
  let kafka: KafkaRig
  let client: RigClient
  let flink: FlinkRig
  let moments: FlinkMoments

  beforeAll(async () => {
    ;[kafka, flink] = await Promise.all([startKafka({ version: kafkaVersion }), startFlink({ version: '1.20.5' })])
    client = await startRigClient({ version: kafkaVersion, bootstrap: kafka.bootstrap })
    moments = await flinkMoments(flink, client, { bootstrap: kafka.bootstrap, topic, partitions: 2 })
  })
  afterAll(async () => {
    await flink?.stop()
    await client?.stop()
    await kafka?.stop()
  })

  /** By partition: what was recorded, the gauges as next offsets, the commit in Kafka, the end of the log. */
  async function table() {
    const { recorded, gauges, oracle } = await moments.look()
    return oracle.ends.map(({ partition, end }) => {
      const isHere = (row: { readonly partition: number }) => row.partition === partition
      const gauge = gauges.partitions.find(isHere)
      const position = recorded.find(isHere)
      return {
        by: position?.by,
        next: Number(position?.next),
        afterGauge: Number(gauge?.current) + 1,
        committedGauge: gauge?.committed,
        commit: Number(oracle.committed.find(isHere)?.offset),
        end: Number(end),
      }
    })
  }

  it('writes down what the source read, as gauges, commits and the log say it at rest', async () => {
    await moments.produce([300, 100])
    await moments.rest()

    const at = (end: number) => ({ by: 'given', next: end, afterGauge: end, committedGauge: end, commit: end, end })
    expect(await table()).toEqual([at(300), at(100)])
  })

  it('holds a source at one record while its client says that nothing is left to read', async () => {
    await moments.block([0, 400])

    const [, blocked] = await table()
    expect(blocked).toEqual({ by: 'given', next: 101, afterGauge: 101, committedGauge: 100, commit: 100, end: 500 })
    expect((await moments.look()).gauges.pendingRecords).toBe(0)
  })

  it('puts back-pressure on a source, which then stands still far from the end', async () => {
    await moments.drain()
    await moments.press([3000, 0])

    const [pressed] = await table()
    expect(pressed?.next).toBeLessThan(2000)
    expect(pressed).toMatchObject({ afterGauge: pressed?.next, end: 3300 })
  })

  it('brings a job back from its checkpoint on a new TaskManager, and knows where it stands when the gauge does not', async () => {
    await moments.drain()
    const [old] = flink.taskManagers()
    await moments.restart()

    expect(flink.taskManagers().map(({ id }) => id)).not.toContain(old?.id)
    expect(await table()).toMatchObject([
      { by: 'restored', next: 3300, afterGauge: 0 },
      { by: 'restored', next: 500, afterGauge: 0 },
    ])
  })

  it('runs SQL, and has its TaskManagers again after a new JobManager', async () => {
    const [jobId = ''] = await flink.submitSql('etl.sql', { KAFKA: kafka.bootstrap })
    await flink.cancel(jobId)
    expect(await flink.api.jobState(jobId)).toBe('CANCELED')

    await flink.killJobManager()
    await flink.startJobManager()

    expect(await flink.api.jobState(jobId)).toBeUndefined()
    expect(await flink.api.taskManagerIds()).toEqual(flink.taskManagers().map(({ id }) => id))
  })
})
