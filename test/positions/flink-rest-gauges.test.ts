import { describe, expect, it } from 'vitest'
import { isOffsetGauge, type RestGauges } from '../../src/positions/flink-rest-gauges.ts'
import { flinkWorld, jobView, topic } from './flink-world.ts'

const dotted = [topic('ods.orders-v1', 100, 100), topic('ods_orders_v1', 5)]
const name = 'Source__orders[1].KafkaSourceReader.topic.ods_orders-v1.partition'

function told(metrics: Readonly<Record<string, number>>, more: Partial<RestGauges> = {}): RestGauges {
  return {
    flinkCluster: 'prod',
    jobId: 'job1',
    vertex: 'v1',
    url: 'http://jm:8081',
    metrics: new Map(Object.entries(metrics)),
    sentAt: 999_990,
    takenAt: 999_999,
    ...more,
  }
}

function world(gauges: () => readonly RestGauges[], topics = dotted) {
  const made = flinkWorld(topics, { restGauges: gauges })
  made.jobs(jobView({ parallelism: new Map([['v1', 2]]) }))
  return made
}

describe('isOffsetGauge()', () => {
  it.each([
    [`0.${name}.3.currentOffset`, true],
    ['12.Source__Legacy_consumer.KafkaConsumer.topic.ods_orders-v1.partition.0.committedOffsets', true],
    ['0.Source__x.DynamicKafkaSource.kafkaCluster.west.KafkaSourceReader.topic.t.partition.0.currentOffset', true],
    ['0.Source__orders[1].KafkaSourceReader.KafkaConsumer.records-lag-max', false],
    ['0.Source__orders[1].pendingRecords', false],
    [`${name}.3.currentOffset`, false],
  ])('says whether %s is one', (id, is) => {
    expect(isOffsetGauge(id)).toBe(is)
  })
})

describe('positions by REST', () => {
  it('are of a job whose processes have no reporter; dashes tell topics apart that look the same on pages', async () => {
    const made = world(() => [
      told({
        [`0.${name}.0.currentOffset`]: 89,
        [`0.${name}.0.committedOffset`]: 80,
        [`1.${name}.1.currentOffset`]: -1,
      }),
    ])

    expect((await made.cycle()).rows).toEqual({ 'ods.orders-v1/0': '10', 'ods.orders-v1/1': '- no_position' })
    const { batches } = await made.source.collect(made.catalog(), new AbortController().signal)
    expect(batches[0]?.evidence).toMatchObject([
      { from: 'http://jm:8081/jobs/job1/vertices/v1/metrics', sentAt: 999_990 },
    ])
    const trace = await made.source.trace('prod/etl', 'ods.orders-v1', 0)
    expect(trace?.gauges[0]).toMatchObject({ page: 'http://jm:8081/jobs/job1/vertices/v1/metrics', position: 90 })
    expect(trace?.topicName).toBe(
      '"ods.orders-v1" is the only topic of the Kafka cluster that is shown as "ods_orders-v1"',
    )
  })

  it('are ambiguous where only a dot makes the difference', async () => {
    const made = world(
      () => [told({ '0.Source__x.KafkaConsumer.topic.a_b.partition.0.currentOffsets': 1 })],
      [topic('a.b', 5), topic('a_b', 5)],
    )

    expect((await made.cycle()).rows).toEqual({ 'a.b/0': '- ambiguous_topic', 'a_b/0': '- ambiguous_topic' })
  })

  it('fill in subtasks that stand on no page, as of the same operator', async () => {
    const plain = 'Source__x.KafkaSourceReader.topic.orders.partition'
    const made = world(
      () => [told({ [`0.${plain}.0.currentOffset`]: 9, [`1.${plain}.1.currentOffset`]: 79 })],
      [topic('orders', 100, 100)],
    )
    made.page('tm1', { gauges: [{ current: 89, attempt: 3 }] })

    expect((await made.cycle()).rows).toEqual({ 'orders/0': '10', 'orders/1': '20' })
  })

  it('are not believed while a page of the job fails, when they are old, or of another job', async () => {
    const plain = { '0.Source__x.KafkaSourceReader.topic.orders.partition.0.currentOffset': 89 }
    const gauges: RestGauges[] = []
    const made = world(() => gauges, [topic('orders', 100)])
    gauges.push(told(plain, { takenAt: 1 }), told(plain, { jobId: 'job2' }), told(plain, { flinkCluster: 'dev' }))
    expect((await made.cycle()).rows).toEqual({})

    gauges.splice(0, 3, told(plain))
    made.fail('tm')
    expect((await made.cycle()).rows).toEqual({})
    made.forget('tm')
    expect((await made.cycle()).rows).toEqual({ 'orders/0': '10' })

    made.jobs(jobView({ applicationId: 'application_1_0002' }))
    gauges.splice(0, 1, told(plain, { applicationId: 'application_1_0001' }))
    expect((await made.cycle()).rows).toEqual({ 'orders/0': '10 stale held' })
  })

  it('are nothing where REST says what is no offset', async () => {
    const made = world(
      () => [told({ '0.Source__x.KafkaSourceReader.topic.orders.partition.0.currentOffset': Number.NaN, '0.x': 1 })],
      [topic('orders', 100)],
    )

    expect((await made.cycle()).rows).toEqual({})
  })
})
