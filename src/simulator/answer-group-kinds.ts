import { createNames } from '../kafka-wire/columns.ts'
import {
  type DescribedConsumerGroup,
  decodeConsumerGroupDescribeRequest,
  encodeConsumerGroupDescribeResponse,
} from '../kafka-wire/consumer-group-describe.ts'
import {
  decodeDescribeShareGroupOffsetsRequest,
  encodeDescribeShareGroupOffsetsResponse,
} from '../kafka-wire/describe-share-group-offsets.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  type DescribedShareGroup,
  decodeShareGroupDescribeRequest,
  encodeShareGroupDescribeResponse,
} from '../kafka-wire/share-group-describe.ts'
import {
  type DescribedStreamsGroup,
  decodeStreamsGroupDescribeRequest,
  encodeStreamsGroupDescribeResponse,
  type StreamsTasks,
} from '../kafka-wire/streams-group-describe.ts'
import type { AssignedTopicId } from '../kafka-wire/topic-assignment.ts'
import { offsetAt, offsetColumn, setOffset } from '../model/offsets.ts'
import type { Asked } from './answer.ts'
import { groupRefusal } from './answer-groups.ts'
import type { ShareState, SimulatedGroup, SimulatedMember } from './kafka-groups.ts'

type NewType = 'consumer' | 'share' | 'streams'

export function answerConsumerGroupDescribe(asked: Asked): Buffer {
  const { groups } = decodeConsumerGroupDescribeRequest(asked.version, asked.body)
  return encodeConsumerGroupDescribeResponse(asked.version, {
    throttleMs: asked.throttleMs,
    groups: groups.map((id): DescribedConsumerGroup => {
      const { group, ...base } = begin(asked, id, 'consumer')
      return {
        ...base,
        assignor: group === undefined ? '' : 'uniform',
        members: (group?.members ?? []).map((member) => ({
          ...person(member),
          ...(member.instanceId === undefined ? {} : { instanceId: member.instanceId }),
          subscribedTopics: Object.keys(member.target),
          assignment: topicsOf(asked, member.assignment),
          target: topicsOf(asked, member.target),
        })),
      }
    }),
  })
}

export function answerShareGroupDescribe(asked: Asked): Buffer {
  const { groups } = decodeShareGroupDescribeRequest(asked.version, asked.body)
  return encodeShareGroupDescribeResponse(asked.version, {
    throttleMs: asked.throttleMs,
    groups: groups.map((id): DescribedShareGroup => {
      const { group, ...base } = begin(asked, id, 'share')
      return {
        ...base,
        assignor: group === undefined ? '' : 'simple',
        members: (group?.members ?? []).map((member) => ({
          ...person(member),
          subscribedTopics: Object.keys(member.assignment),
          assignment: topicsOf(asked, member.assignment),
        })),
      }
    }),
  })
}

export function answerStreamsGroupDescribe(asked: Asked): Buffer {
  const { groups } = decodeStreamsGroupDescribeRequest(asked.version, asked.body)
  return encodeStreamsGroupDescribeResponse(asked.version, {
    throttleMs: asked.throttleMs,
    groups: groups.map((id): DescribedStreamsGroup => {
      const { group, ...base } = begin(asked, id, 'streams')
      const subtopologies = group?.topology?.map((one) => ({ repartitionSourceTopics: [], ...one }))
      return {
        ...base,
        ...(subtopologies === undefined ? {} : { topology: { epoch: 0, subtopologies } }),
        members: (group?.members ?? []).map((member) => ({
          ...person(member),
          tasks: tasksOf(member.assignment),
          targetTasks: tasksOf(member.target),
        })),
      }
    }),
  })
}

export function answerShareGroupOffsets(asked: Asked): Buffer {
  const { state, version, throttleMs } = asked
  const { groups: ids } = decodeDescribeShareGroupOffsetsRequest(version, asked.body)
  const names = createNames()
  const blockTopic: number[] = []
  const blockFirst: number[] = [0]
  const rows: { readonly topic: string; readonly partition: number; readonly share: ShareState }[] = []
  const groups = ids.map((id) => {
    // As in OffsetFetch, a group that is not there has nothing, without an error.
    const error = groupRefusal(asked, id)
    const group = error === 0 ? state.groups.get(id) : undefined
    const firstBlock = blockTopic.length
    for (const [topic, shares] of group?.shares ?? []) {
      // What may not be described is left out without a word, as in OffsetFetch.
      if (shares.size === 0 || state.denied.topics.has(topic)) continue
      blockTopic.push(names.indexOf(topic))
      for (const [partition, share] of shares) rows.push({ topic, partition, share })
      blockFirst.push(rows.length)
    }
    return { id, error, firstBlock, blocks: blockTopic.length - firstBlock }
  })
  const columns = {
    partition: Int32Array.from(rows, ({ partition }) => partition),
    start: offsetColumn(rows.length),
    startAbsent: new Uint8Array(rows.length).fill(1),
    lag: offsetColumn(rows.length),
    lagAbsent: new Uint8Array(rows.length).fill(1),
    epoch: new Int32Array(rows.length),
    error: new Int16Array(rows.length),
  }
  for (const [row, { topic, partition, share }] of rows.entries()) {
    if (share.start === undefined) continue
    columns.startAbsent[row] = 0
    setOffset(columns.start, row, share.start)
    const log = state.topics.get(topic)
    if (share.finished === undefined || log === undefined) continue
    columns.lagAbsent[row] = 0
    setOffset(columns.lag, row, offsetAt(log.end, partition) - share.start - share.finished)
  }
  return encodeDescribeShareGroupOffsetsResponse(version, {
    throttleMs,
    groups,
    topics: names.list,
    blockTopic: Uint32Array.from(blockTopic),
    blockFirst: Uint32Array.from(blockFirst),
    ...columns,
  })
}

/** What all descriptions begin with, and the group when there is more to say. */
function begin(asked: Asked, id: string, type: NewType) {
  const { error, group } = find(asked, id, type)
  if (group === undefined) return { error, id, state: '', groupEpoch: 0, assignmentEpoch: 0 }
  if (!seesAllTopics(asked, group)) {
    const denied = errorCodes.TOPIC_AUTHORIZATION_FAILED
    return { error: denied, id, state: group.state, groupEpoch: 1, assignmentEpoch: 1 }
  }
  return { error, id, state: group.state, groupEpoch: 1, assignmentEpoch: 1, group }
}

function find(asked: Asked, id: string, type: NewType): { readonly error: number; readonly group?: SimulatedGroup } {
  const error = groupRefusal(asked, id)
  const group = asked.state.groups.get(id)
  if (error !== 0) return { error }
  if (group?.type === type) return { error, group }
  // Up to 3.9 the new protocol is a preview that is switched off.
  return { error: asked.state.isPreview ? errorCodes.UNSUPPORTED_VERSION : errorCodes.GROUP_ID_NOT_FOUND }
}

/** A group whose members read a topic that may not be described is described without its members. */
function seesAllTopics({ state }: Asked, group: SimulatedGroup): boolean {
  if (state.denied.topics.size === 0) return true
  const sources = group.topology?.flatMap(({ sourceTopics }) => sourceTopics) ?? []
  const topics = [
    ...sources,
    ...group.members.flatMap(({ assignment, target }) => Object.keys({ ...assignment, ...target })),
  ]
  return topics.every((topic) => !state.denied.topics.has(topic))
}

function person({ id, clientId }: SimulatedMember) {
  return { id, epoch: 1, clientId, clientHost: '/127.0.0.1' }
}

function topicsOf({ state }: Asked, assignment: SimulatedMember['assignment']): AssignedTopicId[] {
  return Object.entries(assignment).map(([name, partitions]) => {
    const id = state.topics.get(name)?.id
    return { ...(id === undefined ? {} : { id }), name, partitions: Int32Array.from(partitions) }
  })
}

function tasksOf(assignment: SimulatedMember['assignment']): StreamsTasks[] {
  return Object.entries(assignment).map(([subtopology, partitions]) => ({
    subtopology,
    partitions: Int32Array.from(partitions),
  }))
}
