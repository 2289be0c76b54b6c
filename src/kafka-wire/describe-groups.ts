import { apis, readBody, writeBody } from './apis.ts'
import { NO_OPERATIONS } from './group-describe.ts'
import type { Reader } from './reader.ts'

const api = apis.DescribeGroups

/** DescribeGroupsRequest.json. */
export interface DescribeGroupsRequest {
  readonly groups: readonly string[]
}

/** DescribeGroupsResponse.json. Authorized operations are never asked for and passed over. */
export interface DescribeGroupsResponse {
  readonly throttleMs: number
  readonly groups: readonly DescribedGroup[]
}

export interface DescribedGroup {
  readonly error: number
  readonly id: string
  /** In Kafka's words; `Dead` for a group that does not exist. */
  readonly state: string
  readonly protocolType: string
  /** The assignor; filled only in state `Stable`. */
  readonly protocol: string
  readonly members: readonly GroupMember[]
}

export interface GroupMember {
  readonly id: string
  /** The static member's name, from v4 on (KIP-345). */
  readonly instanceId?: string
  readonly clientId: string
  readonly clientHost: string
  /** Views of the body; empty unless the group is `Stable`. What they hold depends on the group's protocol type. */
  readonly metadata: Buffer
  readonly assignment: Buffer
}

export function encodeDescribeGroupsRequest(version: number, request: DescribeGroupsRequest): Buffer {
  const writer = writeBody(api, version)
  writer.strings(request.groups)
  if (version >= 3) writer.boolean(false)
  writer.tags()
  return writer.finish()
}

export function decodeDescribeGroupsRequest(version: number, body: Buffer): DescribeGroupsRequest {
  const reader = readBody(api, version, 'request', body)
  const groups = reader.strings()
  if (version >= 3) reader.boolean()
  reader.tags()
  reader.end()
  return { groups }
}

export function encodeDescribeGroupsResponse(version: number, response: DescribeGroupsResponse): Buffer {
  const writer = writeBody(api, version)
  if (version >= 1) writer.int32(response.throttleMs)
  writer.count(response.groups.length)
  for (const group of response.groups) {
    writer.int16(group.error)
    writer.string(group.id)
    writer.string(group.state)
    writer.string(group.protocolType)
    writer.string(group.protocol)
    writer.count(group.members.length)
    for (const member of group.members) {
      writer.string(member.id)
      if (version >= 4) writer.nullableString(member.instanceId)
      writer.string(member.clientId)
      writer.string(member.clientHost)
      writer.bytes(member.metadata)
      writer.bytes(member.assignment)
      writer.tags()
    }
    if (version >= 3) writer.int32(NO_OPERATIONS)
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

export function decodeDescribeGroupsResponse(version: number, body: Buffer): DescribeGroupsResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = version >= 1 ? reader.int32() : 0
  const count = reader.count(2 + 4 * reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const groups: DescribedGroup[] = []
  for (let index = 0; index < count; index++) {
    const error = reader.int16()
    const id = reader.string()
    const state = reader.string()
    const protocolType = reader.string()
    const protocol = reader.string()
    const members = readMembers(reader, version)
    if (version >= 3) reader.int32()
    reader.tags()
    groups.push({ error, id, state, protocolType, protocol, members })
  }
  reader.tags()
  reader.end()
  return { throttleMs, groups }
}

function readMembers(reader: Reader, version: number): GroupMember[] {
  const count = reader.count(3 * reader.stringBytes + 2 * reader.arrayBytes + reader.tagBytes)
  const members: GroupMember[] = []
  for (let index = 0; index < count; index++) {
    const id = reader.string()
    const instanceId = version >= 4 ? reader.nullableString() : undefined
    members.push({
      id,
      ...(instanceId === undefined ? {} : { instanceId }),
      clientId: reader.string(),
      clientHost: reader.string(),
      metadata: reader.bytes(),
      assignment: reader.bytes(),
    })
    reader.tags()
  }
  return members
}
