import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { type KafkaLine, servedRanges } from '../../src/simulator/kafka-versions.ts'
import { describeKafkaCluster } from '../contract/kafka-cluster.ts'
import type { KafkaUnderTest } from '../contract/kafka-world.ts'

const lines: readonly KafkaLine[] = ['0.8.2', '0.9', '0.10.0', '0.10.2', '0.11', '1.1', '2.8', '3.9', '4.3']

for (const line of lines) {
  describeKafkaCluster(`A simulated Kafka ${line}`, line, 3, () => simulated(line))
}

async function simulated(version: KafkaLine): Promise<KafkaUnderTest> {
  const cluster = await createKafkaCluster({ version, brokers: 3 })
  const { state, bootstrap } = cluster
  return {
    bootstrap,
    ranges: servedRanges(version),
    createTopic: async (name, partitions) => state.createTopic(name, partitions),
    deleteTopic: async (name) => state.deleteTopic(name),
    append: async (topic, partition, records) => state.append(topic, partition, records),
    deleteRecords: async (topic, partition, before) => state.deleteRecords(topic, partition, before),
    commit: async (group, topic, partition, offset) => state.commit(group, topic, partition, offset),
    join: async (group, topic) => {
      const partitions = [...(state.topics.get(topic)?.partitions ?? [])]
      state.setGroup(group, { members: [{ assignment: { [topic]: partitions } }] })
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}
