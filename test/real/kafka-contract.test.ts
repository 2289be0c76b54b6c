import { type KafkaLine, realRanges } from '../../src/simulator/kafka-versions.ts'
import { describeKafkaCluster } from '../contract/kafka-cluster.ts'
import type { KafkaUnderTest } from '../contract/kafka-world.ts'
import { startKafka } from '../rigs/kafka.ts'
import { startRigClient } from '../rigs/rig-client.ts'

// What the simulated clusters are measured against: the same suite on real brokers.
describeKafkaCluster('A real Kafka 4.3.1 of three brokers', '4.3', 3, () => real('4.3.1', '4.3', 3))
describeKafkaCluster('A real Kafka 3.9.2', '3.9', 1, () => real('3.9.2', '3.9', 1))
describeKafkaCluster('A real Kafka 1.1.1', '1.1', 1, () => real('1.1.1', '1.1', 1))

async function real(version: string, line: KafkaLine, brokers: 1 | 3): Promise<KafkaUnderTest> {
  const kafka = await startKafka({ version, brokers, heap: brokers === 1 ? '256m' : '192m' })
  const client = await startRigClient({ version, bootstrap: kafka.bootstrap })
  return {
    bootstrap: kafka.bootstrap.split(','),
    ranges: realRanges[line],
    createTopic: (name, partitions) => client.createTopics([{ name, partitions }]),
    deleteTopic: (name) => client.deleteTopics([name]),
    append: (topic, partition, records) => client.produce(topic, partition, records),
    deleteRecords: (topic, partition, before) => client.deleteRecords(topic, partition, before),
    commit: (group, topic, partition, offset) => client.commit(group, [{ topic, partition, offset }]),
    join: async (group, topic) => {
      await client.hold({ protocol: 'classic', group, topic })
    },
    newerGroups: {
      join: async (group, topic) => {
        await client.hold({ protocol: 'consumer', group, topic })
      },
      share: async (group, topic, accepted) => {
        const member = await client.share({ group, topic })
        await member.take(accepted, 1)
      },
      stream: async (group, topic, between) => {
        await client.stream({ group, topic, between })
      },
    },
    async [Symbol.asyncDispose]() {
      await client.stop()
      await kafka.stop()
    },
  }
}
