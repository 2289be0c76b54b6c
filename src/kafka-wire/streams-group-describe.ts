import { apis, readBody, writeBody } from './apis.ts'
import { decodeGroupDescribe, encodeGroupDescribe, type GroupDescribeRequest, NO_OPERATIONS } from './group-describe.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

const api = apis.StreamsGroupDescribe

/**
 * StreamsGroupDescribeResponse.json (KIP-1071), as far as it says who reads what: which topics a task reads and who has
 * which tasks. Changelogs, standby and warm-up tasks, tags, endpoints and racks are passed over, and written as empty.
 */
export interface StreamsGroupDescribeResponse {
  readonly throttleMs: number
  readonly groups: readonly DescribedStreamsGroup[]
}

export interface DescribedStreamsGroup {
  /** `GROUP_ID_NOT_FOUND` for a group that is not there or of another type. */
  readonly error: number
  /** For people. */
  readonly errorMessage?: string
  readonly id: string
  /** In Kafka's words, such as `NotReady`; empty with an error. */
  readonly state: string
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  /** Absent while no member has told the topology. */
  readonly topology?: StreamsTopology
  readonly members: readonly StreamsGroupMember[]
}

interface StreamsTopology {
  readonly epoch: number
  /** Absent while internal topics are still being looked for. */
  readonly subtopologies?: readonly Subtopology[]
}

interface Subtopology {
  readonly id: string
  readonly sourceTopics: readonly string[]
  /** Topics that the application itself made and reads. */
  readonly repartitionSourceTopics: readonly string[]
}

interface StreamsGroupMember {
  readonly id: string
  readonly epoch: number
  readonly clientId: string
  readonly clientHost: string
  /** The active tasks that it has now. */
  readonly tasks: readonly StreamsTasks[]
  /** The active tasks that it shall have as soon as others have let go. */
  readonly targetTasks: readonly StreamsTasks[]
}

/** Tasks of one subtopology: task n reads partition n of each of its source topics that has one. */
export interface StreamsTasks {
  readonly subtopology: string
  readonly partitions: Int32Array
}

export function encodeStreamsGroupDescribeRequest(version: number, request: GroupDescribeRequest): Buffer {
  return encodeGroupDescribe(api, version, request)
}

export function decodeStreamsGroupDescribeRequest(version: number, body: Buffer): GroupDescribeRequest {
  return decodeGroupDescribe(api, version, body)
}

export function encodeStreamsGroupDescribeResponse(version: number, response: StreamsGroupDescribeResponse): Buffer {
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
    writeTopology(writer, group.topology)
    writer.count(group.members.length)
    for (const member of group.members) writeMember(writer, member)
    writer.int32(NO_OPERATIONS)
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

/** A structure that may be null is led by a byte: −1 for null, 1 for one that follows. */
function writeTopology(writer: Writer, topology: StreamsTopology | undefined): void {
  writer.int8(topology === undefined ? -1 : 1)
  if (topology === undefined) return
  writer.int32(topology.epoch)
  writer.count(topology.subtopologies?.length)
  for (const { id, sourceTopics, repartitionSourceTopics } of topology.subtopologies ?? []) {
    writer.string(id)
    writer.strings(sourceTopics)
    writer.strings([])
    writer.count(0)
    writer.count(repartitionSourceTopics.length)
    for (const name of repartitionSourceTopics) {
      writer.string(name)
      writer.int32(0)
      writer.int16(0)
      writer.count(0)
      writer.tags()
    }
    writer.tags()
  }
  writer.tags()
}

function writeMember(writer: Writer, member: StreamsGroupMember): void {
  writer.string(member.id)
  writer.int32(member.epoch)
  writer.nullableString(undefined)
  writer.nullableString(undefined)
  writer.string(member.clientId)
  writer.string(member.clientHost)
  writer.int32(0)
  writer.string('')
  writer.int8(-1)
  writer.count(0)
  writer.count(0)
  writer.count(0)
  for (const tasks of [member.tasks, member.targetTasks]) {
    writeTasks(writer, tasks)
    writeTasks(writer, [])
    writeTasks(writer, [])
    writer.tags()
  }
  writer.boolean(false)
  writer.tags()
}

function writeTasks(writer: Writer, tasks: readonly StreamsTasks[]): void {
  writer.count(tasks.length)
  for (const { subtopology, partitions } of tasks) {
    writer.string(subtopology)
    writer.int32s(partitions)
    writer.tags()
  }
}

export function decodeStreamsGroupDescribeResponse(version: number, body: Buffer): StreamsGroupDescribeResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = reader.int32()
  const count = reader.count(15 + 3 * reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const groups: DescribedStreamsGroup[] = []
  for (let index = 0; index < count; index++) {
    const error = reader.int16()
    const errorMessage = reader.nullableString()
    const id = reader.string()
    const state = reader.string()
    const groupEpoch = reader.int32()
    const assignmentEpoch = reader.int32()
    const topology = readTopology(reader)
    groups.push({
      error,
      ...(errorMessage === undefined ? {} : { errorMessage }),
      id,
      state,
      groupEpoch,
      assignmentEpoch,
      ...(topology === undefined ? {} : { topology }),
      members: readMembers(reader),
    })
    reader.int32()
    reader.tags()
  }
  reader.tags()
  reader.end()
  return { throttleMs, groups }
}

function readTopology(reader: Reader): StreamsTopology | undefined {
  if (reader.int8() < 0) return undefined
  const epoch = reader.int32()
  const count = reader.nullableCount(reader.stringBytes + 4 * reader.arrayBytes + reader.tagBytes)
  const subtopologies: Subtopology[] = []
  for (let index = 0; index < (count ?? 0); index++) {
    const id = reader.string()
    const sourceTopics = reader.strings()
    skipStrings(reader)
    readTopicNames(reader)
    subtopologies.push({ id, sourceTopics, repartitionSourceTopics: readTopicNames(reader) })
    reader.tags()
  }
  reader.tags()
  return count === undefined ? { epoch } : { epoch, subtopologies }
}

/** The names of an array of TopicInfo. */
function readTopicNames(reader: Reader): string[] {
  const count = reader.count(6 + reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const names: string[] = []
  for (let index = 0; index < count; index++) {
    names.push(reader.string())
    reader.take(6)
    skipPairs(reader)
    reader.tags()
  }
  return names
}

function readMembers(reader: Reader): StreamsGroupMember[] {
  const strings = 6 * reader.stringBytes
  const count = reader.count(10 + strings + 9 * reader.arrayBytes + 3 * reader.tagBytes)
  const members: StreamsGroupMember[] = []
  for (let index = 0; index < count; index++) {
    const id = reader.string()
    const epoch = reader.int32()
    reader.skipString()
    reader.skipString()
    const clientId = reader.string()
    const clientHost = reader.string()
    reader.int32()
    reader.skipString()
    skipEndpoint(reader)
    skipPairs(reader)
    skipTaskOffsets(reader)
    skipTaskOffsets(reader)
    members.push({ id, epoch, clientId, clientHost, tasks: readActive(reader), targetTasks: readActive(reader) })
    reader.boolean()
    reader.tags()
  }
  return members
}

/** The active tasks of an assignment; standby and warm-up tasks read changelogs only. */
function readActive(reader: Reader): StreamsTasks[] {
  const active = readTasks(reader)
  readTasks(reader)
  readTasks(reader)
  reader.tags()
  return active
}

function readTasks(reader: Reader): StreamsTasks[] {
  const count = reader.count(reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const tasks: StreamsTasks[] = []
  for (let index = 0; index < count; index++) {
    tasks.push({ subtopology: reader.string(), partitions: reader.int32s() })
    reader.tags()
  }
  return tasks
}

function skipEndpoint(reader: Reader): void {
  if (reader.int8() < 0) return
  reader.skipString()
  reader.int16()
  reader.tags()
}

function skipStrings(reader: Reader): void {
  const count = reader.count(reader.stringBytes)
  for (let index = 0; index < count; index++) reader.skipString()
}

function skipPairs(reader: Reader): void {
  const count = reader.count(2 * reader.stringBytes + reader.tagBytes)
  for (let index = 0; index < count; index++) {
    reader.skipString()
    reader.skipString()
    reader.tags()
  }
}

function skipTaskOffsets(reader: Reader): void {
  const count = reader.count(12 + reader.stringBytes + reader.tagBytes)
  for (let index = 0; index < count; index++) {
    reader.skipString()
    reader.take(12)
    reader.tags()
  }
}
