import { offsetNumber } from '../model/offsets.ts'
import { breather } from '../runtime/breathe.ts'
import { createKafkaCluster, type KafkaCluster } from './kafka-cluster.ts'
import type { KafkaState } from './kafka-state.ts'
import type { KafkaLine } from './kafka-versions.ts'
import { seededRandom } from './random.ts'

export interface LoadShape {
  readonly brokers: number
  readonly topics: number
  readonly partitionsPerTopic: number
  readonly groups: number
  /** Group after group takes the next so many partitions, and starts again behind the last. */
  readonly partitionsPerGroup: number
  /** Default 4.3. */
  readonly version?: KafkaLine
}

export interface LoadedCluster extends KafkaCluster {
  /** Every partition gets records and every group commits what it read: the next cycle finds everything moved. */
  advance(): Promise<void>
}

/** The sizes that figures are given for. */
export const loadShapes = {
  /** A million partitions, each read by one group. */
  million: { brokers: 5, topics: 10_000, partitionsPerTopic: 100, groups: 20_000, partitionsPerGroup: 50 },
  /** A large company's cluster. */
  company: { brokers: 3, topics: 3_000, partitionsPerTopic: 4, groups: 2_000, partitionsPerGroup: 50 },
} as const

/** A simulated cluster with logs and commits in all partitions, the same for the same shape. */
export async function bigCluster(shape: LoadShape): Promise<LoadedCluster> {
  const { brokers, version = '4.3' } = shape
  const cluster = await createKafkaCluster({ brokers, version })
  const random = seededRandom(7)
  const { state } = cluster
  const breathe = breather()
  for (let topic = 0; topic < shape.topics; topic++) {
    state.createTopic(topicName(topic), shape.partitionsPerTopic)
    await breathe()
  }
  await fill(shape, state, random, 1_000_000)
  return { ...cluster, advance: () => fill(shape, state, random, 1_000) }
}

/** Up to `most` new records in each partition; each group is at most 1,000 behind the end. */
async function fill(shape: LoadShape, state: KafkaState, random: () => number, most: number): Promise<void> {
  const breathe = breather()
  for (let topic = 0; topic < shape.topics; topic++) {
    const name = topicName(topic)
    for (let partition = 0; partition < shape.partitionsPerTopic; partition++)
      state.append(name, partition, 1 + Math.floor(random() * most))
    await breathe()
  }
  const partitions = shape.topics * shape.partitionsPerTopic
  for (let group = 0; group < shape.groups; group++) {
    for (let index = 0; index < shape.partitionsPerGroup; index++) {
      const nth = (group * shape.partitionsPerGroup + index) % partitions
      const partition = nth % shape.partitionsPerTopic
      const name = topicName(Math.floor(nth / shape.partitionsPerTopic))
      const end = offsetNumber(state.topics.get(name)!.end, partition)
      state.commit(groupName(group), name, partition, BigInt(Math.max(0, end - Math.floor(random() * 1_000))))
    }
    await breathe()
  }
}

function topicName(topic: number): string {
  return `topic-${String(topic).padStart(5, '0')}`
}

function groupName(group: number): string {
  return `group-${String(group).padStart(5, '0')}`
}
