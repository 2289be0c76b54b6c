import { apis, readBody, writeBody } from './apis.ts'
import { decodeGroupDescribe, encodeGroupDescribe, type GroupDescribeRequest, NO_OPERATIONS } from './group-describe.ts'
import type { Reader } from './reader.ts'
import { type AssignedTopicId, assignmentBytes, readAssignment, writeAssignment } from './topic-assignment.ts'

const api = apis.ShareGroupDescribe

/** ShareGroupDescribeResponse.json (KIP-932), v1 of Kafka 4.1. Authorized operations are never asked for and passed over. */
export interface ShareGroupDescribeResponse {
  readonly throttleMs: number
  readonly groups: readonly DescribedShareGroup[]
}

export interface DescribedShareGroup {
  /** `GROUP_ID_NOT_FOUND` for a group that is not there or of another type. */
  readonly error: number
  /** For people. */
  readonly errorMessage?: string
  readonly id: string
  /** In Kafka's words: `Stable`, `Empty` or `Dead`; empty with an error. */
  readonly state: string
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly assignor: string
  readonly members: readonly ShareGroupMember[]
}

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
      writer.nullableString(member.rackId)
      writer.int32(member.epoch)
      writer.string(member.clientId)
      writer.string(member.clientHost)
      writer.strings(member.subscribedTopics)
      writeAssignment(writer, member.assignment)
      writer.tags()
    }
    writer.int32(NO_OPERATIONS)
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

export function decodeShareGroupDescribeResponse(version: number, body: Buffer): ShareGroupDescribeResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = reader.int32()
  const count = reader.count(14 + 4 * reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const groups: DescribedShareGroup[] = []
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
