import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  decodeFetchRequest,
  decodeFetchResponse,
  encodeFetchRequest,
  encodeFetchResponse,
} from '../../src/kafka-wire/fetch.ts'
import { bytes, int16, int32, text } from './arbitraries.ts'

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

it('Fetch v4: a request is read as it was written', () => {
  const partition = fc.record({ partition: int32, offset: int64, maxBytes: int32 })
  const topic = fc.record({ name: text, partitions: fc.array(partition, { maxLength: 5 }) })
  fc.assert(
    fc.property(fc.record({ maxBytes: int32, topics: fc.array(topic, { maxLength: 5 }) }), (request) => {
      expect(decodeFetchRequest(4, encodeFetchRequest(4, request))).toEqual(request)
    }),
  )
})

it('Fetch v4: a response is read as it was written', () => {
  const aborted = fc.array(fc.record({ producerId: int64, firstOffset: int64 }), { maxLength: 3 })
  const partition = fc.record(
    { partition: int32, error: int16, highWatermark: int64, lastStableOffset: int64, aborted, records: bytes },
    { requiredKeys: ['partition', 'error', 'highWatermark', 'lastStableOffset'] },
  )
  const topic = fc.record({ name: text, partitions: fc.array(partition, { maxLength: 5 }) })
  fc.assert(
    fc.property(fc.record({ throttleMs: int32, topics: fc.array(topic, { maxLength: 5 }) }), (response) => {
      expect(decodeFetchResponse(4, encodeFetchResponse(4, response))).toEqual(response)
    }),
  )
})
