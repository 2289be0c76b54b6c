import { type ApiName, apis } from '../../src/kafka-wire/apis.ts'
import {
  decodeFindCoordinatorResponse,
  encodeFindCoordinatorRequest,
  GROUP_KEY,
} from '../../src/kafka-wire/find-coordinator.ts'
import { decodeMetadataResponse, encodeMetadataRequest, type MetadataResponse } from '../../src/kafka-wire/metadata.ts'
import { type KafkaLine, type Ranges, realRanges } from '../../src/simulator/kafka-versions.ts'
import { askOnce } from './kafka-socket.ts'

/** A Kafka cluster, real or simulated, as far as both can be told what to do. */
export interface KafkaUnderTest extends AsyncDisposable {
  /** `host:port` of each broker. */
  readonly bootstrap: readonly string[]
  /** What it must advertise of the APIs that we speak. */
  readonly ranges: Ranges
  createTopic(name: string, partitions: number): Promise<void>
  deleteTopic(name: string): Promise<void>
  append(topic: string, partition: number, records: number): Promise<void>
  deleteRecords(topic: string, partition: number, before: bigint): Promise<void>
  /** Without being a member. */
  commit(group: string, topic: string, partition: number, offset: bigint): Promise<void>
  /** A member of a classic group that reads the topic until the end of the test. */
  join(group: string, topic: string): Promise<void>
  /** Only where all the newer group types are on by default. */
  readonly newerGroups?: NewerGroups
}

/** Members that stay until the end of the test, in groups of the newer types. */
export interface NewerGroups {
  /** In a group of type consumer (KIP-848) with all partitions of the topic. */
  join(group: string, topic: string): Promise<void>
  /** In a share group (KIP-932): gives the first record back, accepts so many after it, and gives the rest back. */
  share(group: string, topic: string, accepted: number): Promise<void>
  /** An application in a streams group (KIP-1071) that has a repartition topic `<group>-between-repartition`. */
  stream(group: string, topic: string, between: number): Promise<void>
}

/** What the cases share: the cluster and the shortest ways to ask it. */
export interface World {
  readonly line: KafkaLine
  readonly brokers: number
  kafka(): KafkaUnderTest
  /** Asks the first broker unless another address is given. */
  ask(api: ApiName, version: number, body: Buffer, address?: string): Promise<Buffer>
  metadata(version: number, topics?: readonly string[]): Promise<MetadataResponse>
  /** Address of the broker that coordinates a group, as soon as there is one. */
  coordinatorOf(group: string): Promise<string>
  /** Address of the broker that leads a partition, as soon as there is one. */
  leaderOf(topic: string, partition: number): Promise<string>
}

/** The versions that we would ever ask a broker of this line for. */
export function versionsOf(line: KafkaLine, api: ApiName): readonly number[] {
  const [min, max] = realRanges[line][api] ?? [0, -1]
  return apis[api].versions.filter((version) => version >= min && version <= max)
}

export function createWorld(line: KafkaLine, brokers: number, kafka: () => KafkaUnderTest): World {
  const first = () => kafka().bootstrap[0] ?? ''
  const newest = (api: ApiName) => versionsOf(line, api).at(-1) ?? 0
  const ask: World['ask'] = (api, version, body, address = first()) => askOnce(address, api, version, body)
  const metadata: World['metadata'] = async (version, topics) => {
    const body = encodeMetadataRequest(version, topics === undefined ? {} : { topics })
    return decodeMetadataResponse(version, await ask('Metadata', version, body))
  }
  return {
    line,
    brokers,
    kafka,
    ask,
    metadata,
    coordinatorOf: (group) =>
      eventually(`a coordinator of "${group}"`, async () => {
        const version = newest('FindCoordinator')
        const body = encodeFindCoordinatorRequest(version, { keyType: GROUP_KEY, keys: [group] })
        const answer = decodeFindCoordinatorResponse(version, await ask('FindCoordinator', version, body), group)
        return answer.coordinators.filter(({ error }) => error === 0).map(({ host, port }) => `${host}:${port}`)[0]
      }),
    leaderOf: (topic, partition) =>
      eventually(`a leader of ${topic}-${partition}`, async () => {
        const found = await metadata(newest('Metadata'))
        const of = found.topics.find(({ name }) => name === topic)
        const leader = of?.leaders[of.partitions.indexOf(partition)]
        return found.brokers.filter(({ id }) => id === leader).map(({ host, port }) => `${host}:${port}`)[0]
      }),
  }
}

/** Asks again until there is an answer, at most 30 s. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const until = performance.now() + 30_000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error(`Wait for ${what}: not there after 30 s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
