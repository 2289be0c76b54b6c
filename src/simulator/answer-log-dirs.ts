import {
  type DescribeLogDirsResponse,
  decodeDescribeLogDirsRequest,
  encodeDescribeLogDirsResponse,
} from '../kafka-wire/describe-log-dirs.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import { difference } from '../model/offsets.ts'
import type { Asked } from './answer.ts'

const BYTES_PER_RECORD = 100

/** Every broker has one directory with the partitions that it leads; a record takes 100 bytes where nothing else is said. */
export function answerDescribeLogDirs(asked: Asked): Buffer {
  const { state, broker, version, forced, throttleMs } = asked
  const request = decodeDescribeLogDirsRequest(version, asked.body)
  const error = forced || (state.denied.cluster ? errorCodes.CLUSTER_AUTHORIZATION_FAILED : errorCodes.NONE)
  const wanted = request.topics ?? [...state.topics.values()]
  const topics: string[] = []
  const firsts = [0]
  const partition: number[] = []
  const size: number[] = []
  if (error === errorCodes.NONE)
    for (const { name, partitions } of wanted) {
      const topic = state.topics.get(name)
      if (topic === undefined) continue
      for (const at of Array.from(partitions)) {
        if (topic.leaders[at] !== broker) continue
        partition.push(at)
        size.push(topic.sizes.get(at) ?? BYTES_PER_RECORD * difference(topic.end, at, topic.start, at))
      }
      if (partition.length === firsts.at(-1)) continue
      topics.push(name)
      firsts.push(partition.length)
    }
  const response: DescribeLogDirsResponse = {
    throttleMs,
    error,
    // Before v3 there is nothing to say it with.
    directories:
      error === errorCodes.NONE ? [{ error: 0, path: '/simulated', firstTopic: 0, endTopic: topics.length }] : [],
    topics,
    topicFirst: Uint32Array.from(firsts),
    partition: Int32Array.from(partition),
    size: Float64Array.from(size),
    offsetLag: new Float64Array(size.length),
    future: new Uint8Array(size.length),
  }
  return encodeDescribeLogDirsResponse(version, response)
}
