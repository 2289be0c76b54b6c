/** A topic of the catalog; its partitions are the dense rows `firstRow … firstRow + partitions − 1`. */
export interface CatalogTopic {
  readonly name: string
  /** Topic id as 32 hex digits from Metadata v10 on; absent on older brokers. */
  readonly id?: string
  readonly internal: boolean
  readonly partitions: number
  readonly firstRow: number
}

export interface Broker {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack?: string
}

/** The last good metadata of a Kafka cluster: topics, ids, dense partition rows. Immutable. */
export interface Catalog {
  readonly clusterId?: string
  readonly brokers: readonly Broker[]
  readonly controller?: number
  /** Sorted by name. */
  readonly topics: readonly CatalogTopic[]
  readonly topicIndex: ReadonlyMap<string, number>
  /** Names of topics that exist and are left out by configuration; absent when there is none. */
  readonly leftOut?: readonly string[]
  readonly rows: number
  /** Leader's broker id per row; −1 when there is none. */
  readonly leader: Int32Array
  /** When the answer was asked for, in monotonic milliseconds. */
  readonly askedAt: number
}

export const emptyCatalog: Catalog = {
  brokers: [],
  topics: [],
  topicIndex: new Map(),
  rows: 0,
  leader: new Int32Array(0),
  askedAt: Number.NEGATIVE_INFINITY,
}

/** Undefined when the cluster does not have it, or it is not read. */
export function topicNamed(
  { topics, topicIndex }: Pick<Catalog, 'topics' | 'topicIndex'>,
  name: string,
): CatalogTopic | undefined {
  return topics[topicIndex.get(name) ?? -1]
}

/**
 * Whether two entries of one name can be the same topic. Only two ids that differ say that it was recreated: while
 * brokers are upgraded past 2.8, one may tell ids and the next may not.
 */
export function isSameTopic(one: CatalogTopic, other: CatalogTopic): boolean {
  return one.id === undefined || other.id === undefined || one.id === other.id
}
