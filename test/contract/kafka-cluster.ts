import { afterAll, beforeAll, describe } from 'vitest'
import type { KafkaLine } from '../../src/simulator/kafka-versions.ts'
import { connectionContract } from './kafka-cluster-connection.ts'
import { groupKindContract } from './kafka-cluster-group-kinds.ts'
import { groupContract } from './kafka-cluster-groups.ts'
import { logContract } from './kafka-cluster-logs.ts'
import { topicContract } from './kafka-cluster-topics.ts'
import { createWorld, type KafkaUnderTest } from './kafka-world.ts'

/** Asserts on the wire what every Kafka cluster of a line does, so that the simulated ones do it too. */
export function describeKafkaCluster(
  title: string,
  line: KafkaLine,
  brokers: 1 | 3,
  start: () => Promise<KafkaUnderTest>,
): void {
  describe(title, () => {
    let kafka: KafkaUnderTest | undefined
    const world = createWorld(line, brokers, () => {
      if (kafka === undefined) throw new Error('The cluster has not been started')
      return kafka
    })

    beforeAll(async () => {
      kafka = await start()
    })
    afterAll(async () => {
      await kafka?.[Symbol.asyncDispose]()
    })

    connectionContract(world)
    topicContract(world)
    logContract(world)
    groupContract(world)
    groupKindContract(world)
  })
}
