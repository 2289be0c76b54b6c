import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import type { KafkaLine } from '../../src/simulator/kafka-versions.ts'
import { describeKafkaTimes, type TimesUnderTest } from '../contract/kafka-times.ts'

const lines: readonly KafkaLine[] = ['0.10.0', '0.10.2', '0.11', '1.1', '2.8', '3.9', '4.3']

for (const line of lines) {
  const options = {
    bySearch: line !== '0.10.0',
    isModern: !line.startsWith('0.10'),
    hasFormats: !['3.9', '4.3'].includes(line),
  }
  describeKafkaTimes(`Times of records of a simulated Kafka ${line}`, options, () => simulated(line))
}

async function simulated(version: KafkaLine): Promise<TimesUnderTest> {
  const cluster = await createKafkaCluster({ version, brokers: 3, wall: Date.now })
  const { state, bootstrap } = cluster
  const isStamped = (topic: string) =>
    state.topics.get(topic)?.configs.get('message.timestamp.type') === 'LogAppendTime'
  return {
    bootstrap,
    createTopic: async (name, configs = {}) => {
      state.createTopic(name, 1)
      for (const [key, value] of Object.entries(configs)) state.setConfig(name, key, value)
    },
    produce: async (topic, records) => {
      const isOld = state.topics.get(topic)?.configs.has('message.format.version') === true
      // A time of −1 is none.
      for (const { count, at } of records)
        state.append(topic, 0, count, isOld ? -1 : isStamped(topic) ? Date.now() : at)
    },
    transact: async (topic, records) => state.appendTransaction(topic, 0, records),
    deleteRecords: async (topic, before) => state.deleteRecords(topic, 0, before),
    compact: async (topic, ranges) => {
      for (const [from, to] of ranges) state.compact(topic, 0, from, to)
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}
