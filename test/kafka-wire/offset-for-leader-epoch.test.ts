import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  decodeOffsetForLeaderEpochRequest,
  decodeOffsetForLeaderEpochResponse,
  encodeOffsetForLeaderEpochRequest,
  encodeOffsetForLeaderEpochResponse,
} from '../../src/kafka-wire/offset-for-leader-epoch.ts'
import { firsts, int16, int32, offset, offsetColumns, text } from './arbitraries.ts'

it('OffsetForLeaderEpoch v2: a request is read as it was written', () => {
  const rows = fc.array(fc.tuple(int32, int32, fc.nat()), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fc.array(fc.tuple(text, rows, fc.boolean())), (list) => {
      const topics = list.map(([name, values, isFenced]) => ({
        name,
        partitions: Int32Array.from(values, ([partition]) => partition),
        leaderEpochs: Int32Array.from(values, ([, epoch]) => epoch),
        ...(isFenced && { currentLeaderEpochs: Int32Array.from(values, ([, , current]) => current) }),
      }))

      const request = encodeOffsetForLeaderEpochRequest(2, { topics })

      expect(decodeOffsetForLeaderEpochRequest(2, request)).toEqual({ topics })
    }),
  )
})

it('OffsetForLeaderEpoch v2: a response is read as it was written', () => {
  const row = fc.record({ partition: int32, offset, epoch: int32, error: int16 })
  fc.assert(
    fc.property(int32, fc.array(fc.tuple(text, fc.array(row, { maxLength: 5 }))), (throttleMs, list) => {
      const rows = list.flatMap(([, values]) => values)
      const ends = offsetColumns(rows.map((one) => one.offset))
      const response = {
        throttleMs,
        topics: list.map(([name]) => name),
        topicFirst: firsts(list.map(([, values]) => values)),
        partition: Int32Array.from(rows, ({ partition }) => partition),
        epoch: Int32Array.from(rows, ({ epoch }) => epoch),
        endOffset: ends.offset,
        absent: ends.absent,
        error: Int16Array.from(rows, ({ error }) => error),
      }

      expect(decodeOffsetForLeaderEpochResponse(2, encodeOffsetForLeaderEpochResponse(2, response))).toEqual(response)
    }),
  )
})
