/** Does to a cluster what applications do. Every call settles within 90 s. */
export interface RigClient extends AsyncDisposable {
  /** Settles when every partition has a leader. */
  createTopics(topics: readonly TopicSpec[]): Promise<void>
  deleteTopics(names: readonly string[]): Promise<void>
  /** Afterwards the log of the partition starts at `before`. */
  deleteRecords(topic: string, partition: number, before: bigint): Promise<void>
  /** Groups without members. */
  deleteGroups(groups: readonly string[]): Promise<void>
  produce(topic: string, partition: number, count: number): Promise<void>
  produceMany(batches: readonly Batch[]): Promise<void>
  /** Commits without being a member, so any group name will do; fails while the group has members. */
  commit(group: string, positions: readonly Position[]): Promise<void>
  /** As `commit`, for thousands of groups in one go. */
  commitMany(positions: readonly GroupPosition[]): Promise<void>
  /** One transaction from begin to end: `count` records and the marker. */
  transact(topic: string, partition: number, count: number, end: 'commit' | 'abort'): Promise<void>
  /** A transaction of `count` records that stays open until its `end`, at most 10 minutes. */
  openTransaction(topic: string, partition: number, count: number): Promise<OpenTransaction>
  /** Joins, takes exactly `count` records, commits that, leaves. Returns what it committed. */
  consume(options: ConsumeOptions): Promise<readonly Position[]>
  /** A live member that reads and commits nothing. Settles when it has its assignment. */
  hold(options: MemberOptions): Promise<Member>
  /** A member of a share group (KIP-932), from Kafka 4.1, that reads from the start and takes nothing by itself. */
  share(options: Omit<MemberOptions, 'protocol'>): Promise<ShareMember>
  /** An application of Kafka Streams in a streams group (KIP-1071), from Kafka 4.1, that runs when this settles. */
  stream(options: StreamOptions): Promise<Member>
  /** Adds an ACL, on a rig with `security: 'secure'`. */
  allow(permission: Permission): Promise<void>
  oracle(groups: readonly string[]): Promise<Oracle>
  stop(): Promise<void>
}

export interface TopicSpec {
  readonly name: string
  /** Default 1. */
  readonly partitions?: number
  /** Default 1. */
  readonly replicas?: number
  readonly configs?: Readonly<Record<string, string>>
}

export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly count: number
  /** Records take `k0`, `k1`, … in turn, for a compacted topic. Default 0: no key. */
  readonly keys?: number
  /** Default: now. */
  readonly timestampMs?: number
}

export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export interface GroupPosition extends Position {
  readonly group: string
}

export interface LogEnds {
  readonly topic: string
  readonly partition: number
  readonly beginning: bigint
  /** What a `read_uncommitted` reader sees: the high watermark. */
  readonly end: bigint
  /** What a `read_committed` reader sees; absent on brokers before 0.11. */
  readonly stableEnd: bigint | undefined
}

/** What the Java clients say about a cluster, by group, topic and partition, for comparison with what we say. */
export interface Oracle {
  /** Every partition of every topic that is not internal. */
  readonly ends: readonly LogEnds[]
  /** Of the groups asked for. */
  readonly committed: readonly GroupPosition[]
}

interface OpenTransaction {
  end(how: 'commit' | 'abort'): Promise<void>
}

interface Member {
  /** Leaves the group. */
  release(): Promise<void>
}

interface ShareMember extends Member {
  /** Gives the next `skip` records back, accepts `count` after these, and gives what else it got back. */
  take(count: number, skip?: number): Promise<void>
}

interface StreamOptions {
  /** The application's id, which is its group. */
  readonly group: string
  readonly topic: string
  /** It writes what it reads into `<group>-between-repartition` of so many partitions, and reads that too. */
  readonly between: number
}

interface MemberOptions {
  /** `consumer` (KIP-848) needs a broker from 4.0. */
  readonly protocol: 'classic' | 'consumer'
  readonly group: string
  readonly topic: string
}

interface ConsumeOptions extends MemberOptions {
  readonly count: number
  /** Default `read_uncommitted`. */
  readonly isolation?: 'read_uncommitted' | 'read_committed'
}

interface Permission {
  /** `User:lag`. */
  readonly principal: string
  readonly resource: 'TOPIC' | 'GROUP' | 'CLUSTER'
  /** Of a cluster it is `kafka-cluster`. */
  readonly name: string
  readonly operation: 'DESCRIBE' | 'DESCRIBE_CONFIGS' | 'READ' | 'WRITE' | 'ALL'
}
