import { createNames } from '../kafka-wire/columns.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeOffsetFetchRequest,
  encodeOffsetFetchResponse,
  type OffsetFetchGroup,
  type OffsetFetchResponse,
  type TopicPartitions,
} from '../kafka-wire/offset-fetch.ts'
import { offsetColumn } from '../model/offsets.ts'
import type { Asked } from './answer.ts'
import { groupRefusal } from './answer-groups.ts'
import type { Commits, SimulatedGroup } from './kafka-groups.ts'

/** Topics that may not be described are left out of "all topics" without a word, as real brokers do. */
export function answerOffsetFetch(asked: Asked): Buffer {
  const { state, version, throttleMs } = asked
  const request = decodeOffsetFetchRequest(version, asked.body)
  const columns = createColumns(request.groups.reduce((sum, group) => sum + mostRows(group, state.groups), 0))
  const groups = request.groups.map(({ id, topics }) => {
    const error = groupRefusal(asked, id)
    const firstBlock = columns.blocks()
    if (error === 0) addGroup(columns, asked, state.groups.get(id), topics)
    // Before v2 there is no place for the error but beside each partition.
    else if (version < 2) for (const topic of topics ?? []) columns.add(topic.name, topic.partitions, undefined, error)
    return { id, error: version < 2 ? 0 : error, firstBlock, blocks: columns.blocks() - firstBlock }
  })
  return encodeOffsetFetchResponse(version, { throttleMs, groups, ...columns.finish() })
}

function mostRows({ id, topics }: OffsetFetchGroup, groups: ReadonlyMap<string, SimulatedGroup>): number {
  if (topics !== undefined) return topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
  let rows = 0
  for (const { absent } of groups.get(id)?.commits.values() ?? []) rows += absent.length
  return rows
}

function addGroup(
  columns: Columns,
  { state }: Asked,
  group: SimulatedGroup | undefined,
  topics: readonly TopicPartitions[] | undefined,
): void {
  // A share group's positions are kept elsewhere: to OffsetFetch it is a group without any.
  const commits = group === undefined || group.type === 'share' ? new Map<string, Commits>() : group.commits
  if (topics === undefined) {
    for (const [name, of] of commits) if (!state.denied.topics.has(name)) columns.addAll(name, of)
    return
  }
  for (const { name, partitions } of topics)
    if (state.denied.topics.has(name)) columns.add(name, partitions, undefined, errorCodes.TOPIC_AUTHORIZATION_FAILED)
    else columns.add(name, partitions, commits.get(name), 0)
}

interface Columns {
  blocks(): number
  /** The named partitions, also those without a commit. */
  add(topic: string, partitions: ArrayLike<number>, commits: Commits | undefined, error: number): void
  /** The partitions that have a commit; no block when none has. */
  addAll(topic: string, commits: Commits): void
  finish(): Omit<OffsetFetchResponse, 'throttleMs' | 'groups'>
}

function createColumns(mostRows: number): Columns {
  const names = createNames()
  const blockTopic: number[] = []
  const blockFirst = [0]
  const partition = new Int32Array(mostRows)
  const offset = offsetColumn(mostRows)
  const absent = new Uint8Array(mostRows)
  const epoch = new Int32Array(mostRows)
  const error = new Int16Array(mostRows)
  let rows = 0

  function put(wanted: number, commits: Commits | undefined, code: number): void {
    const has = commits !== undefined && commits.absent[wanted] === 0
    partition[rows] = wanted
    absent[rows] = has ? 0 : 1
    epoch[rows] = has ? commits.epoch[wanted]! : -1
    error[rows] = code
    if (has) {
      offset[rows * 2] = commits.offset[wanted * 2]!
      offset[rows * 2 + 1] = commits.offset[wanted * 2 + 1]!
    }
    rows++
  }

  function endBlock(topic: string): void {
    blockTopic.push(names.indexOf(topic))
    blockFirst.push(rows)
  }

  return {
    blocks: () => blockTopic.length,
    add(topic, partitions, commits, code) {
      for (let entry = 0; entry < partitions.length; entry++) put(partitions[entry]!, commits, code)
      endBlock(topic)
    },
    addAll(topic, commits) {
      const before = rows
      for (let wanted = 0; wanted < commits.absent.length; wanted++)
        if (commits.absent[wanted] === 0) put(wanted, commits, 0)
      if (rows > before) endBlock(topic)
    },
    finish: () => ({
      topics: names.list,
      blockTopic: Uint32Array.from(blockTopic),
      blockFirst: Uint32Array.from(blockFirst),
      partition: partition.subarray(0, rows),
      offset: offset.subarray(0, rows * 2),
      absent: absent.subarray(0, rows),
      epoch: epoch.subarray(0, rows),
      error: error.subarray(0, rows),
    }),
  }
}
