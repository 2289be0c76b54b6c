import { DecodeError } from '../runtime/errors.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

export interface AssignedTopic {
  readonly name: string
  readonly partitions: Int32Array
}

/**
 * What a member of a classic group with protocol type `consumer` was assigned; undefined when the bytes are something
 * else. Members write these bytes for each other and the broker never looks at them, so anything may be there; a
 * version above 3 is read as 3, since later ones may only add fields (ConsumerProtocolAssignment.json).
 */
export function decodeConsumerAssignment(bytes: Buffer): readonly AssignedTopic[] | undefined {
  try {
    return readAssignment(new Reader(bytes, 'consumer assignment'))
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

function readAssignment(reader: Reader): AssignedTopic[] | undefined {
  if (reader.int16() < 0) return undefined
  const count = reader.count(reader.stringBytes + reader.arrayBytes)
  const topics: AssignedTopic[] = []
  for (let index = 0; index < count; index++) topics.push({ name: reader.string(), partitions: reader.int32s() })
  reader.nullableBytes()
  return topics
}

/** The bytes of one member's assignment, without user data. */
export function encodeConsumerAssignment(version: number, topics: readonly AssignedTopic[]): Buffer {
  const writer = new Writer()
  writer.int16(version)
  writer.count(topics.length)
  for (const topic of topics) {
    writer.string(topic.name)
    writer.int32s(topic.partitions)
  }
  writer.count(undefined)
  return writer.finish()
}
