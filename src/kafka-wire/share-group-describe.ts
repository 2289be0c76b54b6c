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

const api = apis.ShareGroupDescribe

/** ShareGroupDescribeResponse.json (KIP-932), v1 of Kafka 4.1. */
export type ShareGroupDescribeResponse = GroupDescribeResponse<ShareGroupMember>

export type DescribedShareGroup = DescribedGroup<ShareGroupMember>

interface ShareGroupMember {
  readonly id: string
  readonly rackId?: string
  readonly epoch: number
  readonly clientId: string
  readonly clientHost: string
  readonly subscribedTopics: readonly string[]
  /** Members share partitions: the same one may stand with several of them. */
  readonly assignment: readonly AssignedTopicId[]
}

export function encodeShareGroupDescribeRequest(version: number, request: GroupDescribeRequest): Buffer {
  return encodeGroupDescribe(api, version, request)
}

export function decodeShareGroupDescribeRequest(version: number, body: Buffer): GroupDescribeRequest {
  return decodeGroupDescribe(api, version, body)
}

export function encodeShareGroupDescribeResponse(version: number, response: ShareGroupDescribeResponse): Buffer {
  return encodeGroupDescriptions(api, version, response, writeMember)
}

export function decodeShareGroupDescribeResponse(version: number, body: Buffer): ShareGroupDescribeResponse {
  return decodeGroupDescriptions(api, version, body, readMembers)
}

function writeMember(writer: Writer, member: ShareGroupMember): void {
  writer.string(member.id)
  writer.nullableString(member.rackId)
  writer.int32(member.epoch)
  writer.string(member.clientId)
  writer.string(member.clientHost)
  writer.strings(member.subscribedTopics)
  writeAssignment(writer, member.assignment)
  writer.tags()
}

function readMembers(reader: Reader): ShareGroupMember[] {
  const count = reader.count(4 + 4 * reader.stringBytes + reader.arrayBytes + assignmentBytes(reader) + reader.tagBytes)
  const members: ShareGroupMember[] = []
  for (let index = 0; index < count; index++) {
    const id = reader.string()
    const rackId = reader.nullableString()
    members.push({
      id,
      ...(rackId === undefined ? {} : { rackId }),
      epoch: reader.int32(),
      clientId: reader.string(),
      clientHost: reader.string(),
      subscribedTopics: reader.strings(),
      assignment: readAssignment(reader),
    })
    reader.tags()
  }
  return members
}
