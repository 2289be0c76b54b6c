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
  const partitionsOf = (topic: string) => [...(state.topics.get(topic)?.partitions ?? [])]
  return {
    bootstrap,
    ranges: servedRanges(version),
    createTopic: async (name, partitions) => state.createTopic(name, partitions),
    deleteTopic: async (name) => state.deleteTopic(name),
    append: async (topic, partition, records) => state.append(topic, partition, records),
    deleteRecords: async (topic, partition, before) => state.deleteRecords(topic, partition, before),
    commit: async (group, topic, partition, offset) => state.commit(group, topic, partition, offset),
    join: async (group, topic) => {
      state.setGroup(group, { members: [{ assignment: { [topic]: partitionsOf(topic) } }] })
    },
    newerGroups: {
      join: async (group, topic) => {
        state.setGroup(group, { type: 'consumer', members: [{ assignment: { [topic]: partitionsOf(topic) } }] })
      },
      share: async (group, topic, accepted) => {
        state.setGroup(group, { type: 'share', members: [{ assignment: { [topic]: partitionsOf(topic) } }] })
        for (const partition of partitionsOf(topic))
          state.share(group, topic, partition, partition === 0 ? { start: 0n, finished: BigInt(accepted) } : {})
      },
      stream: async (group, topic, between) => {
        const repartition = `${group}-between-repartition`
        state.createTopic(repartition, between)
        const topology = [
          { id: '0', sourceTopics: [topic] },
          { id: '1', sourceTopics: [], repartitionSourceTopics: [repartition] },
        ]
        const assignment = { '0': partitionsOf(topic), '1': partitionsOf(repartition) }
        state.setGroup(group, { type: 'streams', topology, members: [{ assignment }] })
        state.commit(group, topic, 0, 6n)
      },
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}
