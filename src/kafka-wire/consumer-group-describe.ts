import { apis, readBody, writeBody } from './apis.ts'
import { decodeGroupDescribe, encodeGroupDescribe, type GroupDescribeRequest, NO_OPERATIONS } from './group-describe.ts'
import type { Reader } from './reader.ts'
import { type AssignedTopicId, assignmentBytes, readAssignment, writeAssignment } from './topic-assignment.ts'

const api = apis.ConsumerGroupDescribe

/** ConsumerGroupDescribeResponse.json (KIP-848). Authorized operations are never asked for and passed over. */
export interface ConsumerGroupDescribeResponse {
  readonly throttleMs: number
  readonly groups: readonly DescribedConsumerGroup[]
}

export interface DescribedConsumerGroup {
  /** `GROUP_ID_NOT_FOUND` for a group that is not there or of another type. */
  readonly error: number
  /** For people. */
  readonly errorMessage?: string
  readonly id: string
  /** In Kafka's words, such as `Reconciling`; empty with an error. */
  readonly state: string
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly assignor: string
  readonly members: readonly ConsumerGroupMember[]
}

interface ConsumerGroupMember {
  readonly id: string
  /** The static member's name. */
  readonly instanceId?: string
  readonly rackId?: string
  readonly epoch: number
  readonly clientId: string
  readonly clientHost: string
  readonly subscribedTopics: readonly string[]
  readonly subscribedRegex?: string
  /** What it has now. */
  readonly assignment: readonly AssignedTopicId[]
  /** What it shall have as soon as others have let go. */
  readonly target: readonly AssignedTopicId[]
}

export function encodeConsumerGroupDescribeRequest(version: number, request: GroupDescribeRequest): Buffer {
  return encodeGroupDescribe(api, version, request)
}

export function decodeConsumerGroupDescribeRequest(version: number, body: Buffer): GroupDescribeRequest {
  return decodeGroupDescribe(api, version, body)
}

export function encodeConsumerGroupDescribeResponse(version: number, response: ConsumerGroupDescribeResponse): Buffer {
  const writer = writeBody(api, version)
  writer.int32(response.throttleMs)
  writer.count(response.groups.length)
  for (const group of response.groups) {
    writer.int16(group.error)
    writer.nullableString(group.errorMessage)
    writer.string(group.id)
    writer.string(group.state)
    writer.int32(group.groupEpoch)
    writer.int32(group.assignmentEpoch)
    writer.string(group.assignor)
    writer.count(group.members.length)
    for (const member of group.members) {
      writer.string(member.id)
      writer.nullableString(member.instanceId)
      writer.nullableString(member.rackId)
      writer.int32(member.epoch)
      writer.string(member.clientId)
      writer.string(member.clientHost)
      writer.strings(member.subscribedTopics)
      writer.nullableString(member.subscribedRegex)
      writeAssignment(writer, member.assignment)
      writeAssignment(writer, member.target)
      writer.tags()
    }
    writer.int32(NO_OPERATIONS)
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

export function decodeConsumerGroupDescribeResponse(version: number, body: Buffer): ConsumerGroupDescribeResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = reader.int32()
  const count = reader.count(14 + 4 * reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const groups: DescribedConsumerGroup[] = []
  for (let index = 0; index < count; index++) {
    const error = reader.int16()
    const errorMessage = reader.nullableString()
    groups.push({
      error,
      ...(errorMessage === undefined ? {} : { errorMessage }),
      id: reader.string(),
      state: reader.string(),
      groupEpoch: reader.int32(),
      assignmentEpoch: reader.int32(),
      assignor: reader.string(),
      members: readMembers(reader),
    })
    reader.int32()
    reader.tags()
  }
  reader.tags()
  reader.end()
  return { throttleMs, groups }
}

function readMembers(reader: Reader): ConsumerGroupMember[] {
  const least = 4 + 6 * reader.stringBytes + reader.arrayBytes + 2 * assignmentBytes(reader) + reader.tagBytes
  const count = reader.count(least)
  const members: ConsumerGroupMember[] = []
  for (let index = 0; index < count; index++) {
    const id = reader.string()
    const instanceId = reader.nullableString()
    const rackId = reader.nullableString()
    const epoch = reader.int32()
    const clientId = reader.string()
    const clientHost = reader.string()
    const subscribedTopics = reader.strings()
    const subscribedRegex = reader.nullableString()
    members.push({
      id,
      ...(instanceId === undefined ? {} : { instanceId }),
      ...(rackId === undefined ? {} : { rackId }),
      epoch,
      clientId,
      clientHost,
      subscribedTopics,
      ...(subscribedRegex === undefined ? {} : { subscribedRegex }),
      assignment: readAssignment(reader),
      target: readAssignment(reader),
    })
    reader.tags()
  }
  return members
}
