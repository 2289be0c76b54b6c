import type { Broker } from '../model/catalog.ts'
import { apis, readBody, writeBody } from './apis.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

const api = apis.Metadata
/** Kafka's "not asked for" in a set of authorized operations (KIP-430). */
const NO_OPERATIONS = -2147483648

/** MetadataRequest.json. */
export interface MetadataRequest {
  /** Absent = all topics. An empty list means none from v1 on, but all in v0. */
  readonly topics?: readonly string[]
}

/** MetadataResponse.json. */
export interface MetadataResponse {
  readonly throttleMs: number
  readonly brokers: readonly Broker[]
  /** From v2 on. */
  readonly clusterId?: string
  /** From v1 on; absent when the cluster has none. */
  readonly controllerId?: number
  readonly topics: readonly MetadataTopic[]
}

/** One topic; its partitions stand in the order of the broker, which is any. */
export interface MetadataTopic {
  readonly error: number
  readonly name: string
  /** 32 hex digits, from v10 on (KIP-516); absent when the topic has none. */
  readonly id?: string
  /** From v1 on; false before. */
  readonly internal: boolean
  readonly partitions: Int32Array
  /** Broker id; −1 when there is no leader. */
  readonly leaders: Int32Array
  /** From v7 on; −1 before. */
  readonly leaderEpochs: Int32Array
  readonly partitionErrors: Int16Array
}

/** Never lets the broker create a topic; before v4, where that cannot be said, naming a topic may create it. */
export function encodeMetadataRequest(version: number, request: MetadataRequest): Buffer {
  const writer = writeBody(api, version)
  writer.count(request.topics?.length ?? (version === 0 ? 0 : undefined))
  for (const topic of request.topics ?? []) {
    if (version >= 10) writer.uuid(undefined)
    writer.string(topic)
    writer.tags()
  }
  if (version >= 4) writer.boolean(false)
  if (version >= 8 && version <= 10) writer.boolean(false)
  if (version >= 8) writer.boolean(false)
  writer.tags()
  return writer.finish()
}

/** Refuses topics that are asked for by id alone. */
export function decodeMetadataRequest(version: number, body: Buffer): MetadataRequest {
  const reader = readBody(api, version, 'request', body)
  const count = reader.nullableCount(reader.stringBytes)
  const topics: string[] = []
  for (let index = 0; index < (count ?? 0); index++) {
    if (version >= 10) reader.uuid()
    topics.push(reader.string())
    reader.tags()
  }
  if (version >= 4) reader.boolean()
  if (version >= 8 && version <= 10) reader.boolean()
  if (version >= 8) reader.boolean()
  reader.tags()
  reader.end()
  return count === undefined || (version === 0 && count === 0) ? {} : { topics }
}

/** Each partition has its leader as the only replica, in sync; fields that the version lacks are left out. */
export function encodeMetadataResponse(version: number, response: MetadataResponse): Buffer {
  const writer = writeBody(api, version)
  if (version >= 3) writer.int32(response.throttleMs)
  writer.count(response.brokers.length)
  for (const broker of response.brokers) writeBroker(writer, version, broker)
  if (version >= 2) writer.nullableString(response.clusterId)
  if (version >= 1) writer.int32(response.controllerId ?? -1)
  writer.count(response.topics.length)
  for (const topic of response.topics) writeTopic(writer, version, topic)
  if (version >= 8 && version <= 10) writer.int32(NO_OPERATIONS)
  writer.tags()
  return writer.finish()
}

function writeBroker(writer: Writer, version: number, broker: Broker): void {
  writer.int32(broker.id)
  writer.string(broker.host)
  writer.int32(broker.port)
  if (version >= 1) writer.nullableString(broker.rack)
  writer.tags()
}

function writeTopic(writer: Writer, version: number, topic: MetadataTopic): void {
  writer.int16(topic.error)
  writer.string(topic.name)
  if (version >= 10) writer.uuid(topic.id)
  if (version >= 1) writer.boolean(topic.internal)
  writer.count(topic.partitions.length)
  for (let row = 0; row < topic.partitions.length; row++) writePartition(writer, version, topic, row)
  if (version >= 8) writer.int32(NO_OPERATIONS)
  writer.tags()
}

function writePartition(writer: Writer, version: number, topic: MetadataTopic, row: number): void {
  const leader = topic.leaders[row]!
  const replicas = leader < 0 ? [] : [leader]
  writer.int16(topic.partitionErrors[row]!)
  writer.int32(topic.partitions[row]!)
  writer.int32(leader)
  if (version >= 7) writer.int32(topic.leaderEpochs[row]!)
  writer.int32s(replicas)
  writer.int32s(replicas)
  if (version >= 5) writer.count(0)
  writer.tags()
}

/** Replicas and authorized operations are passed over. */
export function decodeMetadataResponse(version: number, body: Buffer): MetadataResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = version >= 3 ? reader.int32() : 0
  const brokers = readBrokers(reader, version)
  const clusterId = version >= 2 ? reader.nullableString() : undefined
  const controller = version >= 1 ? reader.int32() : -1
  const topics = readTopics(reader, version)
  if (version >= 8 && version <= 10) reader.int32()
  reader.tags()
  reader.end()
  return {
    throttleMs,
    brokers,
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(controller < 0 ? {} : { controllerId: controller }),
    topics,
  }
}

function readBrokers(reader: Reader, version: number): Broker[] {
  const count = reader.count(8 + reader.stringBytes + reader.tagBytes)
  const brokers: Broker[] = []
  for (let index = 0; index < count; index++) {
    const id = reader.int32()
    const host = reader.string()
    const port = reader.int32()
    const rack = version >= 1 ? reader.nullableString() : undefined
    reader.tags()
    brokers.push({ id, host, port, ...(rack === undefined ? {} : { rack }) })
  }
  return brokers
}

function readTopics(reader: Reader, version: number): MetadataTopic[] {
  const idBytes = version >= 10 ? 16 : 0
  const count = reader.count(2 + idBytes + reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const readPartitions = createPartitionReader(reader, version)
  const topics: MetadataTopic[] = []
  for (let index = 0; index < count; index++) {
    const error = reader.int16()
    const name = reader.string()
    const id = version >= 10 ? reader.uuid() : undefined
    const internal = version >= 1 && reader.boolean()
    const { partitions, leaders, leaderEpochs, partitionErrors } = readPartitions()
    if (version >= 8) reader.int32()
    reader.tags()
    topics.push(
      id === undefined
        ? { error, name, internal, partitions, leaders, leaderEpochs, partitionErrors }
        : { error, name, id, internal, partitions, leaders, leaderEpochs, partitionErrors },
    )
  }
  return topics
}

type Partitions = Pick<MetadataTopic, 'partitions' | 'leaders' | 'leaderEpochs' | 'partitionErrors'>

/**
 * Reads the partitions of one topic after the other into columns that all topics of the answer share: a view costs a
 * fifth of an array of its own, which counts with 100,000 topics. The columns are as large as the rest of the body
 * could fill, so that they never grow and never exceed its size.
 */
function createPartitionReader(reader: Reader, version: number): () => Partitions {
  const { view } = reader
  const hasEpoch = version >= 7
  const fixedBytes = hasEpoch ? 14 : 10
  const rowBytes = fixedBytes + (version >= 5 ? 3 : 2) * reader.arrayBytes + reader.tagBytes
  const most = Math.floor(reader.remaining / rowBytes)
  const partitions = new Int32Array(most)
  const leaders = new Int32Array(most)
  const leaderEpochs = new Int32Array(most)
  const partitionErrors = new Int16Array(most)
  const none = slice(0, 0)
  let rows = 0

  function slice(first: number, end: number): Partitions {
    return {
      partitions: partitions.subarray(first, end),
      leaders: leaders.subarray(first, end),
      leaderEpochs: leaderEpochs.subarray(first, end),
      partitionErrors: partitionErrors.subarray(first, end),
    }
  }

  return () => {
    const first = rows
    rows += reader.count(rowBytes)
    for (let row = first; row < rows; row++) {
      const at = reader.take(fixedBytes)
      partitionErrors[row] = view.getInt16(at)
      partitions[row] = view.getInt32(at + 2)
      leaders[row] = view.getInt32(at + 6)
      leaderEpochs[row] = hasEpoch ? view.getInt32(at + 10) : -1
      reader.skipInt32s()
      reader.skipInt32s()
      if (version >= 5) reader.skipInt32s()
      reader.tags()
    }
    return first === rows ? none : slice(first, rows)
  }
}
