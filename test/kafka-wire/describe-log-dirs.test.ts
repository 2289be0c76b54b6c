import fc from 'fast-check'
import { expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import {
  decodeDescribeLogDirsRequest,
  decodeDescribeLogDirsResponse,
  encodeDescribeLogDirsRequest,
  encodeDescribeLogDirsResponse,
} from '../../src/kafka-wire/describe-log-dirs.ts'
import { firsts, int16, int32, partitions, text } from './arbitraries.ts'
import { everyVersion } from './codecs.ts'

const size = fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER })

it.each(everyVersion(apis.DescribeLogDirs))('DescribeLogDirs v%i: a request is read as it was written', (version) => {
  const topics = fc.array(fc.record({ name: text, partitions }), { maxLength: 5 })
  fc.assert(
    fc.property(fc.record({ topics }, { requiredKeys: [] }), (request) => {
      expect(decodeDescribeLogDirsRequest(version, encodeDescribeLogDirsRequest(version, request))).toEqual(request)
    }),
  )
})

it.each(everyVersion(apis.DescribeLogDirs))('DescribeLogDirs v%i: a response is read as it was written', (version) => {
  const row = fc.record({ partition: int32, size, offsetLag: size, future: fc.constantFrom(0, 1) })
  const topic = fc.tuple(text, fc.array(row, { maxLength: 4 }))
  const directory = fc.tuple(int16, text, fc.array(topic, { maxLength: 3 }))
  fc.assert(
    fc.property(int32, int16, fc.array(directory, { maxLength: 3 }), (throttleMs, error, list) => {
      const topics = list.flatMap(([, , of]) => of)
      const rows = topics.flatMap(([, of]) => of)
      let next = 0
      const response = {
        throttleMs,
        error: version >= 3 ? error : 0,
        directories: list.map(([code, path, of]) => {
          const firstTopic = next
          next += of.length
          return { error: code, path, firstTopic, endTopic: next }
        }),
        topics: topics.map(([name]) => name),
        topicFirst: firsts(topics.map(([, of]) => of)),
        partition: Int32Array.from(rows, (one) => one.partition),
        size: Float64Array.from(rows, (one) => one.size),
        offsetLag: Float64Array.from(rows, (one) => one.offsetLag),
        future: Uint8Array.from(rows, (one) => one.future),
      }

      expect(decodeDescribeLogDirsResponse(version, encodeDescribeLogDirsResponse(version, response))).toEqual(response)
    }),
  )
})
