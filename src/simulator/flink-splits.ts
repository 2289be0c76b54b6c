import { offsetNumber } from '../model/offsets.ts'
import { hashCode, type KafkaState } from './kafka-state.ts'

/** Records of a partition that a client fetches ahead. */
const MOST_FETCHED = 500

/** A partition in the hands of one subtask of a KafkaSource. All offsets are next offsets. */
export interface Split {
  readonly topic: string
  readonly partition: number
  /** Behind the last record that was emitted. */
  position: number
  /** Behind the last record that its Kafka client has fetched; emitted or not, to the client it is read. */
  fetched: number
  /** The end of the log in the answer to the last fetch, however long ago that was; absent before the first. */
  highWatermark?: number
  /** A record came since the subtask started: until then the gauge of its offset is -1. */
  hasEmitted: boolean
  /** Of the group, since the subtask started; absent before the first. */
  committed?: number
}

/** As a subtask gets it when it starts. */
export function newSplit(topic: string, partition: number, position: number): Split {
  return { topic, partition, position, fetched: position, hasEmitted: false }
}

/** Emits as many records as it may, and fetches only when it has emitted all that were fetched. */
export function readSplit(split: Split, state: KafkaState, most: number): void {
  const end = endOf(state, split.topic, split.partition)
  let left = most
  while (left > 0 || split.highWatermark === undefined) {
    if (split.fetched <= split.position) fetchAhead(split, end)
    const records = Math.min(left, split.fetched - split.position)
    if (records <= 0) return
    split.position += records
    split.hasEmitted = true
    left -= records
  }
}

/** Its reader does not poll any more: what was on its way still arrives, and that is the last it hears of the log. */
export function hangSplit(split: Split, state: KafkaState): void {
  split.highWatermark = endOf(state, split.topic, split.partition)
  split.fetched = Math.max(split.fetched, split.highWatermark)
}

/** What the client calls its lag: up to an old end, and without what it has fetched. Absent before the first fetch. */
export function clientLag({ highWatermark, fetched }: Split): number | undefined {
  return highWatermark === undefined ? undefined : Math.max(0, highWatermark - fetched)
}

export function endOf(state: KafkaState, topic: string, partition: number): number {
  const known = state.topics.get(topic)
  return known === undefined ? 0 : offsetNumber(known.end, partition)
}

export function startOf(state: KafkaState, topic: string, partition: number): number {
  const known = state.topics.get(topic)
  return known === undefined ? 0 : offsetNumber(known.start, partition)
}

/** What a group has committed; absent when it has not. */
export function committedOf(
  state: KafkaState,
  group: string | undefined,
  topic: string,
  partition: number,
): number | undefined {
  const commits = group === undefined ? undefined : state.groups.get(group)?.commits.get(topic)
  return commits === undefined || commits.absent[partition] !== 0 ? undefined : offsetNumber(commits.offset, partition)
}

/** The subtask that KafkaSource gives a partition to. @see KafkaSourceEnumerator.getSplitOwner of flink-connector-kafka */
export function ownerOf(topic: string, partition: number, readers: number): number {
  const start = (Math.imul(hashCode(topic), 31) & 0x7fffffff) % readers
  return (start + partition) % readers
}

function fetchAhead(split: Split, end: number): void {
  split.highWatermark = end
  split.fetched = Math.max(split.position, Math.min(end, split.position + MOST_FETCHED))
}
