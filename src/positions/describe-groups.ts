import type { KafkaCluster } from '../kafka/cluster.ts'
import type { Exchange } from '../kafka/raw-connection.ts'
import { type Api, apis } from '../kafka-wire/apis.ts'
import { type AssignedTopic, decodeConsumerAssignment } from '../kafka-wire/consumer-assignment.ts'
import {
  decodeConsumerGroupDescribeResponse,
  encodeConsumerGroupDescribeRequest,
} from '../kafka-wire/consumer-group-describe.ts'
import { decodeDescribeGroupsResponse, encodeDescribeGroupsRequest } from '../kafka-wire/describe-groups.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeShareGroupDescribeResponse,
  encodeShareGroupDescribeRequest,
} from '../kafka-wire/share-group-describe.ts'
import {
  type DescribedStreamsGroup,
  decodeStreamsGroupDescribeResponse,
  encodeStreamsGroupDescribeRequest,
} from '../kafka-wire/streams-group-describe.ts'
import { type Catalog, topicNamed } from '../model/catalog.ts'
import type { ConsumerKind } from '../model/consumer.ts'
import { breather } from '../runtime/breathe.ts'
import { DecodeError } from '../runtime/errors.ts'

/** What a coordinator says of one group and its members. */
export interface Description {
  readonly id: string
  /** `GROUP_ID_NOT_FOUND` also where Kafka says it by the state `Dead`. */
  readonly error: number
  readonly state: string
  readonly members: number
  /** Sorted by topic; absent while a classic group is in a rebalance, when its coordinator shows no assignment. */
  readonly assigned?: readonly AssignedTopic[]
}

/** Answers are read one group at a time, so that a thousand groups do not hold the event loop. */
type Read = (catalog: Catalog) => Description

interface Describing {
  readonly api: Api
  exchange(groups: readonly string[]): Exchange<{ readonly throttleMs: number; readonly groups: readonly Read[] }>
}

const GROUPS_PER_REQUEST = 1_000
/** An API whose answers cannot be read is left alone for so long: its broken answer costs the whole connection. */
const PAUSE_CYCLES = 20

const describing: { readonly [Kind in 'classic' | 'consumer' | 'share' | 'streams']: Describing } = {
  classic: describeBy(
    apis.DescribeGroups,
    encodeDescribeGroupsRequest,
    decodeDescribeGroupsResponse,
    ({ id, error, state, members }) => {
      const isSettled = state !== 'PreparingRebalance' && state !== 'CompletingRebalance'
      const topics = members.flatMap(({ assignment }) => decodeConsumerAssignment(assignment) ?? [])
      // A group that is not classic is answered as "Dead" (KIP-848): that says nothing about it.
      const missing = error === errorCodes.NONE && state === 'Dead'
      return {
        id,
        error: missing ? errorCodes.GROUP_ID_NOT_FOUND : error,
        state,
        members: members.length,
        ...(isSettled ? { assigned: united(topics) } : {}),
      }
    },
  ),
  consumer: describeBy(
    apis.ConsumerGroupDescribe,
    encodeConsumerGroupDescribeRequest,
    decodeConsumerGroupDescribeResponse,
    ({ id, error, state, members }) => {
      // In a rebalance a partition may be with nobody for a moment: then only the target names it.
      const topics = members.flatMap(({ assignment, target }) => [...assignment, ...target])
      return { id, error, state, members: members.length, assigned: united(topics) }
    },
  ),
  share: describeBy(
    apis.ShareGroupDescribe,
    encodeShareGroupDescribeRequest,
    decodeShareGroupDescribeResponse,
    ({ id, error, state, members }) => {
      const topics = members.flatMap(({ assignment }) => assignment)
      return { id, error, state, members: members.length, assigned: united(topics) }
    },
  ),
  streams: describeBy(
    apis.StreamsGroupDescribe,
    encodeStreamsGroupDescribeRequest,
    decodeStreamsGroupDescribeResponse,
    (group, catalog) => {
      const { id, error, state, members } = group
      return { id, error, state, members: members.length, assigned: united(topicsOfTasks(group, catalog)) }
    },
  ),
}

export interface GroupDescriber {
  /**
   * Asks a broker about groups of one kind; whom it does not answer for is not in the result. Kinds that the broker
   * cannot describe cost no request. Rejects only on abort.
   */
  describe(
    broker: number,
    kind: ConsumerKind,
    groups: readonly string[],
    catalog: Catalog,
    signal: AbortSignal,
  ): Promise<readonly Description[]>
  /** To be called once a cycle. */
  nextCycle(): void
}

export function createGroupDescriber(cluster: KafkaCluster): GroupDescriber {
  const pausedUntil = new Map<string, number>()
  let cycle = 0

  return {
    nextCycle: () => {
      cycle++
    },
    describe: async (broker, kind, groups, catalog, signal) => {
      if (kind === 'zookeeper' || kind === 'flink') return []
      const { api, exchange } = describing[kind]
      const key = `${broker} ${api.name}`
      if (cycle < (pausedUntil.get(key) ?? 0)) return []
      const found: Description[] = []
      const breathe = breather()
      for (let from = 0; from < groups.length; from += GROUPS_PER_REQUEST) {
        try {
          const { value } = await cluster.ask(broker, exchange(groups.slice(from, from + GROUPS_PER_REQUEST)), signal)
          for (const read of value.groups) {
            found.push(read(catalog))
            await breathe()
          }
        } catch (error) {
          if (signal.aborted) throw error
          if (error instanceof DecodeError) pausedUntil.set(key, cycle + PAUSE_CYCLES)
        }
      }
      return found
    },
  }
}

function describeBy<Group>(
  api: Api,
  encode: (version: number, request: { readonly groups: readonly string[] }) => Buffer,
  decode: (version: number, body: Buffer) => { readonly throttleMs: number; readonly groups: readonly Group[] },
  read: (group: Group, catalog: Catalog) => Description,
): Describing {
  return {
    api,
    exchange: (groups) => ({
      api,
      encode: (version) => encode(version, { groups }),
      decode: (version, body) => {
        const answer = decode(version, body)
        return {
          throttleMs: answer.throttleMs,
          groups: answer.groups.map(
            (group): Read =>
              (catalog) =>
                read(group, catalog),
          ),
        }
      },
    }),
  }
}

/**
 * The topic partitions behind the active tasks of a streams group: task n of a subtopology reads partition n of each of
 * its source topics that has so many. Topics that the catalog does not have are left out: nobody can say how many
 * partitions of theirs are read.
 */
function topicsOfTasks({ topology, members }: DescribedStreamsGroup, catalog: Catalog): readonly AssignedTopic[] {
  const sources = new Map<string, readonly string[]>()
  for (const { id, sourceTopics, repartitionSourceTopics } of topology?.subtopologies ?? [])
    sources.set(id, [...sourceTopics, ...repartitionSourceTopics])
  return members.flatMap(({ tasks, targetTasks }) =>
    [...tasks, ...targetTasks].flatMap(({ subtopology, partitions }) =>
      (sources.get(subtopology) ?? []).flatMap((name) => {
        const topic = topicNamed(catalog, name)
        if (topic === undefined) return []
        return [{ name, partitions: partitions.filter((partition) => partition < topic.partitions) }]
      }),
    ),
  )
}

/**
 * Assignments of several members as one: sorted by topic, each partition once, ascending; topics without any left out,
 * and negative partitions, since classic members may write anything.
 */
export function united(topics: readonly AssignedTopic[]): readonly AssignedTopic[] {
  const byName = new Map<string, Int32Array[]>()
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue
    const known = byName.get(name)
    if (known === undefined) byName.set(name, [partitions])
    else known.push(partitions)
  }
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, lists]) => ({ name, partitions: ascending(lists) }))
    .filter(({ partitions }) => partitions.length > 0)
}

function ascending(lists: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(lists.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const list of lists) {
    all.set(list, at)
    at += list.length
  }
  all.sort()
  return all.filter((partition, index) => partition >= 0 && (index === 0 || partition !== all[index - 1]))
}
