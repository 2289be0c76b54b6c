import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLag } from '../../src/commands/read-lag.ts'
import { type LagRow, lagRows } from '../../src/model/lag-row.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'

/** An independent client, of another author and another age of the protocol, on both sides of what we read. */
describe.each(['4.3.1', '1.1.1'])('positions that kafkajs leaves on Kafka %s', (version) => {
  let kafka: KafkaRig
  let rows: readonly LagRow[]
  const read: number[] = []

  beforeAll(async () => {
    kafka = await startKafka({ version })
    const client = new Kafka({ clientId: 'test', brokers: [kafka.bootstrap], logLevel: logLevel.NOTHING })
    const admin = client.admin()
    await admin.connect()
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: 'js', numPartitions: 3, replicationFactor: 1 }],
    })
    const producer = client.producer()
    await producer.connect()
    await producer.send({
      topic: 'js',
      messages: Array.from({ length: 90 }, (_, index) => ({ partition: index % 3, value: `v${index}` })),
    })
    const consumer = client.consumer({ groupId: 'js-group' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'js', fromBeginning: true })
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ partition }) => {
          read.push(partition)
          if (read.length === 90) resolve()
        },
      })
    })
    // Leaving the group commits what was read; then the log goes on without it.
    await consumer.disconnect()
    await producer.send({ topic: 'js', messages: [0, 0, 2].map((partition) => ({ partition, value: 'more' })) })
    await producer.disconnect()
    await admin.disconnect()
    const snapshot = await readLag(
      {
        kafkaCluster: 'real',
        bootstrap: [kafka.bootstrap],
        requestTimeoutMs: 10_000,
        clock: systemClock,
        keepConsumer: () => true,
        keepTopic: (name) => name === 'js',
      },
      new AbortController().signal,
    )
    rows = [...lagRows(snapshot)]
  })
  afterAll(() => kafka?.stop())

  it('are those that it has read, and the lag is what came after', () => {
    expect(
      rows.map(({ consumer, partition, position, logEndOffset, recordsLag, reason }) => ({
        consumer,
        partition,
        position,
        logEndOffset,
        recordsLag,
        reason,
      })),
    ).toEqual([
      { consumer: 'js-group', partition: 0, position: 30n, logEndOffset: 32n, recordsLag: 2n, reason: undefined },
      { consumer: 'js-group', partition: 1, position: 30n, logEndOffset: 30n, recordsLag: 0n, reason: undefined },
      { consumer: 'js-group', partition: 2, position: 30n, logEndOffset: 31n, recordsLag: 1n, reason: undefined },
    ])
  })
})
