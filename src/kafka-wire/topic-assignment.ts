import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** A topic of an assignment that the coordinator keeps itself (KIP-848, KIP-932), unlike the bytes of classic members. */
export interface AssignedTopicId {
  /** 32 hex digits; absent when the broker gave none. */
  readonly id?: string
  readonly name: string
  readonly partitions: Int32Array
}

/** The structure `Assignment` of ConsumerGroupDescribeResponse.json and ShareGroupDescribeResponse.json. */
export function readAssignment(reader: Reader): readonly AssignedTopicId[] {
  const count = reader.count(16 + reader.stringBytes + reader.arrayBytes + reader.tagBytes)
  const topics: AssignedTopicId[] = []
  for (let index = 0; index < count; index++) {
    const id = reader.uuid()
    topics.push({ ...(id === undefined ? {} : { id }), name: reader.string(), partitions: reader.int32s() })
    reader.tags()
  }
  reader.tags()
  return topics
}

export function writeAssignment(writer: Writer, topics: readonly AssignedTopicId[]): void {
  writer.count(topics.length)
  for (const { id, name, partitions } of topics) {
    writer.uuid(id)
    writer.string(name)
    writer.int32s(partitions)
    writer.tags()
  }
  writer.tags()
}

/** The least that an assignment takes. */
export function assignmentBytes(reader: Reader): number {
  return reader.arrayBytes + reader.tagBytes
}
