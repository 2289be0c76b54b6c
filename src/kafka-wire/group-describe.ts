import { type Api, readBody, writeBody } from './apis.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** Kafka's "not asked for" in a set of authorized operations (KIP-430). */
export const NO_OPERATIONS = -2147483648

/** The request of every API that describes groups of one of the newer types, such as ConsumerGroupDescribeRequest.json. */
export interface GroupDescribeRequest {
  readonly groups: readonly string[]
}

export function encodeGroupDescribe(api: Api, version: number, request: GroupDescribeRequest): Buffer {
  const writer = writeBody(api, version)
  writer.strings(request.groups)
  writer.boolean(false)
  writer.tags()
  return writer.finish()
}

export function decodeGroupDescribe(api: Api, version: number, body: Buffer): GroupDescribeRequest {
  const reader = readBody(api, version, 'request', body)
  const groups = reader.strings()
  reader.boolean()
  reader.tags()
  reader.end()
  return { groups }
}

/** ConsumerGroupDescribeResponse.json and ShareGroupDescribeResponse.json, which differ in their members only. */
export interface GroupDescribeResponse<Member> {
  readonly throttleMs: number
  readonly groups: readonly DescribedGroup<Member>[]
}

/** Authorized operations are never asked for and passed over. */
export interface DescribedGroup<Member> {
  readonly error: number
  readonly errorMessage?: string
  readonly id: string
  /** In Kafka's words, such as `Reconciling`; empty with an error. */
  readonly state: string
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly assignor: string
  readonly members: readonly Member[]
}

export function encodeGroupDescriptions<Member>(
  api: Api,
  version: number,
  response: GroupDescribeResponse<Member>,
  writeMember: (writer: Writer, member: Member) => void,
): Buffer {
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
    for (const member of group.members) writeMember(writer, member)
    writer.int32(NO_OPERATIONS)
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

export function decodeGroupDescriptions<Member>(
  api: Api,
  version: number,
  body: Buffer,
  readMembers: (reader: Reader) => readonly Member[],
): GroupDescribeResponse<Member> {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = reader.int32()
  const count = reader.count(14 + 4 * reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const groups: DescribedGroup<Member>[] = []
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
