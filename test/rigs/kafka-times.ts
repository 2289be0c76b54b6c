import type { TimesUnderTest } from '../contract/kafka-times.ts'
import { startKafka } from './kafka.ts'
import { type RigClient, startRigClient } from './rig-client.ts'

/** A real broker for the suite about times of records. */
export async function realTimes(version: string): Promise<TimesUnderTest> {
  const kafka = await startKafka({ version, properties: { 'log.cleaner.backoff.ms': '200' } })
  const { bootstrap } = kafka
  const client = await startRigClient({ version, bootstrap })
  const oldFormats = new Set<string>()
  /** Idempotent producers refuse the formats of older brokers. */
  let plain: Promise<RigClient> | undefined
  const plainClient = () => {
    plain ??= startRigClient({ version, bootstrap, properties: { 'enable.idempotence': 'false' } })
    return plain
  }
  return {
    bootstrap: bootstrap.split(','),
    createTopic: async (name, configs = {}) => {
      await client.createTopics([{ name, configs }])
      if ('message.format.version' in configs) oldFormats.add(name)
    },
    // Requests for one partition go out in the order of the records.
    produce: async (topic, records) => {
      const producer = oldFormats.has(topic) ? await plainClient() : client
      await producer.produceMany(
        records.map(({ count, at, keys }) => ({
          ...{ topic, partition: 0, count },
          ...(at === undefined ? {} : { timestampMs: at }),
          ...(keys === undefined ? {} : { keys }),
        })),
      )
    },
    transact: (topic, records) => client.transact(topic, 0, records, 'commit'),
    deleteRecords: (topic, before) => client.deleteRecords(topic, 0, before),
    // The cleaner does it by itself.
    compact: async () => undefined,
    async [Symbol.asyncDispose]() {
      await (await plain)?.stop()
      await client.stop()
      await kafka.stop()
    },
  }
}
