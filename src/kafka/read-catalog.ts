import { apis } from '../kafka-wire/apis.ts'
import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import {
  decodeMetadataResponse,
  encodeMetadataRequest,
  type MetadataResponse,
  type MetadataTopic,
} from '../kafka-wire/metadata.ts'
import { type Catalog, type CatalogTopic, topicNamed } from '../model/catalog.ts'
import type { Problem } from '../model/problem.ts'
import type { KafkaCluster } from './cluster.ts'

/**
 * Reads the metadata of the whole cluster from whichever broker answers, in one request.
 *
 * @param before the catalog to keep a topic from while the broker has a passing error for it
 * @param keepTopic topics that are left out cost nothing further: nobody asks for their log offsets
 * @returns `visible`: how many topics the broker named, kept or not
 * @throws UnavailableError when no broker answers
 */
export async function readCatalog(
  cluster: KafkaCluster,
  before: Catalog,
  keepTopic: (name: string) => boolean,
  signal: AbortSignal,
): Promise<{ readonly catalog: Catalog; readonly problems: readonly Problem[]; readonly visible: number }> {
  const { value, evidence } = await cluster.askAny(
    {
      api: apis.Metadata,
      encode: (version) => encodeMetadataRequest(version, {}),
      decode: decodeMetadataResponse,
    },
    signal,
  )
  cluster.learn(value.brokers)
  return { ...toCatalog(value, before, keepTopic, evidence.sentAt), visible: value.topics.length }
}

/** Metadata as a catalog: topics sorted by name, partitions as dense rows. */
export function toCatalog(
  response: MetadataResponse,
  before: Catalog,
  keepTopic: (name: string) => boolean,
  askedAt: number,
): { readonly catalog: Catalog; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const found: { topic: Omit<CatalogTopic, 'firstRow'>; leaders: (partition: number) => number }[] = []
  const leftOut: string[] = []
  for (const topic of response.topics) {
    if (!keepTopic(topic.name)) {
      if (topic.error !== errorCodes.UNKNOWN_TOPIC_OR_PARTITION) leftOut.push(topic.name)
      continue
    }
    const shape = shapeOf(topic, before)
    if (shape === undefined) continue
    if ('message' in shape) problems.push(shape)
    else found.push(shape)
  }
  found.sort((a, b) => (a.topic.name < b.topic.name ? -1 : 1))
  const rows = found.reduce((sum, { topic }) => sum + topic.partitions, 0)
  const leader = new Int32Array(rows)
  const topics: CatalogTopic[] = []
  let row = 0
  for (const { topic, leaders } of found) {
    topics.push({ ...topic, firstRow: row })
    for (let partition = 0; partition < topic.partitions; partition++) leader[row++] = leaders(partition)
  }
  const lists = listsOf(before, topics, leader, leftOut)
  return {
    problems,
    catalog: {
      ...lists,
      ...(response.clusterId === undefined ? {} : { clusterId: response.clusterId }),
      ...(response.controllerId === undefined ? {} : { controller: response.controllerId }),
      brokers: response.brokers,
      rows,
      askedAt,
    },
  }
}

type Lists = Pick<Catalog, 'topics' | 'topicIndex' | 'leader' | 'leftOut'>

/**
 * Most metadata says what the metadata before it said. Then these stay the same objects, and what was made of them counts
 * on.
 */
function listsOf(
  before: Catalog,
  topics: readonly CatalogTopic[],
  leader: Int32Array,
  leftOut: readonly string[],
): Lists {
  const isSame =
    topics.length === before.topics.length &&
    topics.every((topic, index) => isSameEntry(topic, before.topics[index]!)) &&
    leader.every((node, row) => node === before.leader[row]) &&
    leftOut.length === (before.leftOut?.length ?? 0) &&
    leftOut.every((name, index) => name === before.leftOut?.[index])
  if (isSame) {
    const { topics: same, topicIndex, leader: leaders, leftOut: left } = before
    return { topics: same, topicIndex, leader: leaders, ...(left === undefined ? {} : { leftOut: left }) }
  }
  const topicIndex = new Map(topics.map((topic, index) => [topic.name, index]))
  return { topics, topicIndex, leader, ...(leftOut.length === 0 ? {} : { leftOut }) }
}

function isSameEntry(one: CatalogTopic, other: CatalogTopic): boolean {
  return (
    one.name === other.name &&
    one.id === other.id &&
    one.internal === other.internal &&
    one.partitions === other.partitions &&
    one.firstRow === other.firstRow
  )
}

type Shape = { topic: Omit<CatalogTopic, 'firstRow'>; leaders: (partition: number) => number }

/** No broker has such a number, and −1 stands for none. */
const MISSING = -2

/** Undefined for a topic that does not exist; a problem for one that cannot be understood. */
function shapeOf(topic: MetadataTopic, before: Catalog): Shape | Problem | undefined {
  const identity = {
    name: topic.name,
    internal: topic.internal || topic.name === '__consumer_offsets',
    ...(topic.id === undefined ? {} : { id: topic.id }),
  }
  if (topic.error === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) return undefined
  if (topic.error !== errorCodes.NONE && topic.partitions.length === 0) {
    const was = topicNamed(before, topic.name)
    if (was === undefined)
      return {
        reason: 'read_failed',
        topic: topic.name,
        message: `Metadata of topic "${topic.name}": ${errorName(topic.error)}`,
      }
    return {
      topic: { ...identity, ...(was.id === undefined ? {} : { id: was.id }), partitions: was.partitions },
      leaders: () => -1,
    }
  }
  const partitions = topic.partitions.length
  const leaderOf = new Int32Array(partitions).fill(MISSING)
  for (const [index, partition] of topic.partitions.entries())
    if (partition < partitions) leaderOf[partition] = topic.leaders[index]!
  const missing = leaderOf.indexOf(MISSING)
  if (missing >= 0)
    return {
      reason: 'read_failed',
      topic: topic.name,
      message: `Metadata of topic "${topic.name}": ${partitions} partitions without number ${missing}`,
    }
  return { topic: { ...identity, partitions }, leaders: (partition) => leaderOf[partition]! }
}
