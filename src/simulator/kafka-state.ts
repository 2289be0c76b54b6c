import { createGroups, type Groups } from './kafka-groups.ts'
import { createTopics, type TopicOptions, type Topics } from './kafka-topics.ts'
import type { KafkaLine } from './kafka-versions.ts'

/** What the brokers of a simulated cluster know, and how tests and the demo change it. */
export interface KafkaState extends Omit<Topics, 'all' | 'deleteTopic'>, Omit<Groups, 'all' | 'forgetTopic'> {
  readonly topics: Topics['all']
  readonly groups: Groups['all']
  /** The group types of KIP-848 are there and switched off, as in 3.9. */
  readonly isPreview: boolean
  /** Brokers up to 0.10.1 keep the commits of a deleted topic, later ones drop them; `keepCommits` overrules. */
  deleteTopic(name: string, options?: { readonly keepCommits?: boolean }): void
  /** The same name with another id and an empty log. Commits stay, as when a consumer lives through it. */
  recreateTopic(name: string, partitions?: number, options?: TopicOptions): void
  /** The broker that coordinates a group, there or not; undefined when it has no coordinator. */
  coordinatorOf(group: string): number | undefined
  /** Undefined leaves the group without a coordinator. */
  moveCoordinator(group: string, broker: number | undefined): void
  /** While it loads, a coordinator answers COORDINATOR_LOAD_IN_PROGRESS. */
  setLoading(broker: number, loading: boolean): void
  isLoading(broker: number): boolean
  /**
   * Topics and groups that nobody may describe: brokers refuse them by name and hide them in lists. `reads` are topics
   * that may be described but not read, `configs` those whose configuration may not be described; with `cluster` the cluster itself may not be described.
   */
  readonly denied: {
    readonly topics: Set<string>
    readonly groups: Set<string>
    readonly reads: Set<string>
    readonly configs: Set<string>
    cluster: boolean
  }
}

export function createKafkaState(
  line: KafkaLine,
  brokers: readonly number[],
  random: () => number,
  wall?: () => number,
): KafkaState {
  const { all: topics, ...topicCalls } = createTopics(brokers, random, wall)
  const { all: groups, forgetTopic, ...groupCalls } = createGroups((topic) => topics.get(topic)?.partitions.length ?? 0)
  const coordinators = new Map<string, number | undefined>()
  const loading = new Set<number>()
  const keepsCommits = line === '0.8.2' || line === '0.9' || line === '0.10.0'

  return {
    ...topicCalls,
    ...groupCalls,
    topics,
    groups,
    isPreview: line === '3.9',
    denied: { topics: new Set(), groups: new Set(), reads: new Set(), configs: new Set(), cluster: false },
    deleteTopic(name, { keepCommits = keepsCommits } = {}) {
      topicCalls.deleteTopic(name)
      if (!keepCommits) forgetTopic(name)
    },
    recreateTopic(name, partitions = topics.get(name)?.partitions.length ?? 1, options = {}) {
      topicCalls.deleteTopic(name)
      topicCalls.createTopic(name, partitions, options)
    },
    coordinatorOf: (group) =>
      coordinators.has(group) ? coordinators.get(group) : brokers[Math.abs(hashCode(group)) % brokers.length],
    moveCoordinator(group, broker) {
      coordinators.set(group, broker)
    },
    setLoading(broker, on) {
      if (on) loading.add(broker)
      else loading.delete(broker)
    },
    isLoading: (broker) => loading.has(broker),
  }
}

/**
 * Java's String.hashCode, by which Kafka spreads groups over the partitions of the offsets topic, and Flink the partitions
 * of a topic over subtasks.
 */
export function hashCode(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash
}
