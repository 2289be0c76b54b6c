import { type ErrorName, errorCodes } from '../kafka-wire/error-codes.ts'
import type { MetadataTopic } from '../kafka-wire/metadata.ts'
import type { RecordBatch } from '../kafka-wire/record-batch.ts'
import { type OffsetColumn, offsetAt, offsetColumn, setOffset } from '../model/offsets.ts'
import { InvariantError } from '../runtime/errors.ts'
import { randomHex } from './random.ts'
import { createRecordTimes, type RecordTimes } from './record-times.ts'

/** A topic as columns, an entry a partition; what only few partitions have stands in maps by partition. */
export interface SimulatedTopic extends MetadataTopic {
  readonly id: string
  readonly start: OffsetColumn
  /** The high watermark: nothing here is ever unreplicated. */
  readonly end: OffsetColumn
  /** The last stable offset, where it is below the end. */
  readonly stable: Map<number, bigint>
  /** Start of the local log, where it is above the start. */
  readonly localStart: Map<number, bigint>
  /** Where each leader epoch began, ascending; a partition whose leader never moved has none. */
  readonly epochStarts: Map<number, readonly EpochStart[]>
  /** What ListOffsets answers for a partition in place of an offset. */
  readonly offsetErrors: Map<number, number>
  /** Batches that are not plain records, ascending. */
  readonly batches: Map<number, readonly RecordBatch[]>
  /** Bytes on the leader's disk, where a test has said so. */
  readonly sizes: Map<number, number>
  readonly times: RecordTimes
  /** What is set on the topic itself. */
  readonly configs: Map<string, string>
}

interface EpochStart {
  readonly epoch: number
  readonly start: bigint
}

export interface TopicOptions {
  /** 32 hex digits; by default drawn anew, also for a name that was there before. */
  readonly id?: string
  readonly internal?: boolean
}

/** The topics of a simulated cluster. Every call with a topic or partition that is not there is an InvariantError. */
export interface Topics {
  /** In the order of creation. */
  readonly all: ReadonlyMap<string, SimulatedTopic>
  /** Grows whenever the answer to a Metadata request may have changed. */
  revision(): number
  /** Empty, its leaders in turn over the brokers. */
  createTopic(name: string, partitions: number, options?: TopicOptions): void
  deleteTopic(name: string): void
  /** `partitions` is the new number in all. */
  addPartitions(name: string, partitions: number): void
  /** All records with one timestamp, in wall milliseconds: by default that of the cluster's clock, if it has one. */
  append(topic: string, partition: number, records: number, at?: number): void
  setLog(topic: string, partition: number, start: bigint, end: bigint): void
  /** The log then starts at `before`, which is at most its end. */
  deleteRecords(topic: string, partition: number, before: bigint): void
  /** The log loses its tail to a new leader that never had it; the leader stays, its epoch rises. */
  truncate(topic: string, partition: number, end: bigint): void
  /** Undefined leaves the partition without a leader. */
  moveLeader(topic: string, partition: number, broker: number | undefined): void
  /** Where an open transaction begins; undefined when there is none. */
  setStable(topic: string, partition: number, offset: bigint | undefined): void
  /** Tiered storage: what is before `offset` is not on the broker's own disk. */
  setLocalStart(topic: string, partition: number, offset: bigint | undefined): void
  setOffsetError(topic: string, partition: number, error: ErrorName): void
  /** Records of a transaction that has ended, and its end, which takes an offset too; 0 records append the end alone. */
  appendTransaction(topic: string, partition: number, records: number, at?: number): void
  setSize(topic: string, partition: number, bytes: number): void
  /** Compaction takes the records from `from` to before `to`; only a search by time misses them. */
  compact(topic: string, partition: number, from: bigint, to: bigint): void
  /** Undefined takes the setting back. */
  setConfig(topic: string, key: string, value: string | undefined): void
}

/** @param wall stamps records that come without a time; absent: those have no timestamp */
export function createTopics(brokers: readonly number[], random: () => number, wall?: () => number): Topics {
  const all = new Map<string, SimulatedTopic>()
  let revision = 0
  let nextLeader = 0

  function find(name: string, partition = 0): SimulatedTopic {
    const topic = all.get(name)
    if (topic === undefined || partition < 0 || partition >= topic.partitions.length)
      throw new InvariantError(
        `Find partition ${partition} of topic "${name}": not there, expected one that was created`,
      )
    return topic
  }

  function put(topic: SimulatedTopic, firstNew: number): void {
    for (let partition = firstNew; partition < topic.partitions.length; partition++) {
      topic.partitions[partition] = partition
      topic.leaders[partition] = brokers[nextLeader++ % brokers.length]!
    }
    all.set(topic.name, topic)
    revision++
  }

  function setSparse<T>(map: Map<number, T>, partition: number, value: T | undefined): void {
    if (value === undefined) map.delete(partition)
    else map.set(partition, value)
  }

  function beginEpoch(topic: SimulatedTopic, partition: number): void {
    const epoch = topic.leaderEpochs[partition]!
    const known = topic.epochStarts.get(partition) ?? [{ epoch, start: 0n }]
    const start = offsetAt(topic.end, partition)
    const kept = known.filter((one) => one.start < start || one.epoch === known[0]?.epoch)
    topic.epochStarts.set(partition, [...kept, { epoch: epoch + 1, start }])
    topic.leaderEpochs[partition] = epoch + 1
    revision++
  }

  return {
    all,
    revision: () => revision,
    createTopic(name, partitions, { id = randomHex(32, random), internal = false } = {}) {
      if (all.has(name)) throw new InvariantError(`Create topic "${name}": there already, expected a new name`)
      put(emptyTopic(name, id, internal, partitions), 0)
    },
    deleteTopic(name) {
      find(name)
      all.delete(name)
      revision++
    },
    addPartitions(name, partitions) {
      const old = find(name)
      put(grown(old, partitions), old.partitions.length)
    },
    append(name, partition, records, at = wall?.()) {
      const topic = find(name, partition)
      const from = offsetAt(topic.end, partition)
      addRecords(topic.end, partition, records)
      if (at !== undefined) topic.times.stamp(partition, from, offsetAt(topic.end, partition), at)
    },
    setLog(name, partition, start, end) {
      const topic = find(name, partition)
      setOffset(topic.start, partition, start)
      setOffset(topic.end, partition, end)
    },
    deleteRecords(name, partition, before) {
      const topic = find(name, partition)
      const end = offsetAt(topic.end, partition)
      if (before > end)
        throw new InvariantError(`Delete records of topic "${name}" before ${before}: log ends at ${end}`)
      if (before > offsetAt(topic.start, partition)) setOffset(topic.start, partition, before)
    },
    truncate(name, partition, end) {
      const topic = find(name, partition)
      setOffset(topic.end, partition, end)
      topic.times.truncate(partition, end)
      if (offsetAt(topic.start, partition) > end) setOffset(topic.start, partition, end)
      beginEpoch(topic, partition)
    },
    moveLeader(name, partition, broker) {
      const topic = find(name, partition)
      topic.leaders[partition] = broker ?? -1
      topic.partitionErrors[partition] = broker === undefined ? errorCodes.LEADER_NOT_AVAILABLE : 0
      beginEpoch(topic, partition)
    },
    setStable: (name, partition, offset) => setSparse(find(name, partition).stable, partition, offset),
    setLocalStart: (name, partition, offset) => setSparse(find(name, partition).localStart, partition, offset),
    setOffsetError: (name, partition, error) =>
      setSparse(find(name, partition).offsetErrors, partition, error === 'NONE' ? undefined : errorCodes[error]),
    appendTransaction(name, partition, records, at = wall?.()) {
      const topic = find(name, partition)
      const from = offsetAt(topic.end, partition)
      const marker = from + BigInt(records)
      const batches = [...(topic.batches.get(partition) ?? [])]
      const part = { baseOffset: from, lastOffset: marker - 1n, records, transactional: true, control: false }
      if (records > 0) batches.push(part)
      batches.push({ baseOffset: marker, lastOffset: marker, records: 1, transactional: true, control: true })
      topic.batches.set(partition, batches)
      setOffset(topic.end, partition, marker + 1n)
      if (at !== undefined) topic.times.stamp(partition, from, marker + 1n, at)
    },
    setSize: (name, partition, bytes) => setSparse(find(name, partition).sizes, partition, bytes),
    compact: (name, partition, from, to) => find(name, partition).times.remove(partition, from, to),
    setConfig: (name, key, value) => {
      const { configs } = find(name)
      if (value === undefined) configs.delete(key)
      else configs.set(key, value)
    },
  }
}

function emptyTopic(name: string, id: string, internal: boolean, partitions: number): SimulatedTopic {
  return {
    error: 0,
    name,
    id,
    internal,
    partitions: new Int32Array(partitions),
    leaders: new Int32Array(partitions),
    leaderEpochs: new Int32Array(partitions),
    partitionErrors: new Int16Array(partitions),
    start: offsetColumn(partitions),
    end: offsetColumn(partitions),
    stable: new Map(),
    localStart: new Map(),
    epochStarts: new Map(),
    offsetErrors: new Map(),
    batches: new Map(),
    sizes: new Map(),
    times: createRecordTimes(),
    configs: new Map(),
  }
}

function grown(old: SimulatedTopic, partitions: number): SimulatedTopic {
  const topic = emptyTopic(old.name, old.id, old.internal, partitions)
  topic.partitions.set(old.partitions)
  topic.leaders.set(old.leaders)
  topic.leaderEpochs.set(old.leaderEpochs)
  topic.partitionErrors.set(old.partitionErrors)
  topic.start.set(old.start)
  topic.end.set(old.end)
  const { stable, localStart, epochStarts, offsetErrors, batches, sizes, times, configs } = old
  return { ...topic, stable, localStart, epochStarts, offsetErrors, batches, sizes, times, configs }
}

function addRecords(column: OffsetColumn, row: number, records: number): void {
  const low = column[row * 2]! + records
  column[row * 2] = low
  column[row * 2 + 1]! += Math.floor(low / 2 ** 32)
}
