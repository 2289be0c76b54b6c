import { apis } from './apis.ts'
import {
  type DescribedGroup,
  decodeGroupDescribe,
  decodeGroupDescriptions,
  encodeGroupDescribe,
  encodeGroupDescriptions,
  type GroupDescribeRequest,
  type GroupDescribeResponse,
} from './group-describe.ts'
import type { Reader } from './reader.ts'
import { type AssignedTopicId, assignmentBytes, readAssignment, writeAssignment } from './topic-assignment.ts'
import type { Writer } from './writer.ts'

const api = apis.ConsumerGroupDescribe

/** ConsumerGroupDescribeResponse.json (KIP-848). */
export type ConsumerGroupDescribeResponse = GroupDescribeResponse<ConsumerGroupMember>

export type DescribedConsumerGroup = DescribedGroup<ConsumerGroupMember>

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
  return encodeGroupDescriptions(api, version, response, writeMember)
}

export function decodeConsumerGroupDescribeResponse(version: number, body: Buffer): ConsumerGroupDescribeResponse {
  return decodeGroupDescriptions(api, version, body, readMembers)
}

function writeMember(writer: Writer, member: ConsumerGroupMember): void {
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
