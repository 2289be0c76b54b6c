import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import {
  decodeListOffsetsRequest,
  decodeListOffsetsResponse,
  EARLIEST,
  encodeListOffsetsRequest,
  encodeListOffsetsResponse,
  LATEST,
} from '../../src/kafka-wire/list-offsets.ts'
import { Writer } from '../../src/kafka-wire/writer.ts'
import { firsts, int16, int32, offset, offsetColumns, partitions, text } from './arbitraries.ts'
import { everyVersion } from './codecs.ts'

const versions = everyVersion(apis.ListOffsets)

describe('ListOffsets request', () => {
  const timestamp = fc.oneof(fc.integer({ min: -6, max: -1 }), fc.maxSafeInteger())

  it.each(versions)('v%i is read as it was written', (version) => {
    const topics = fc.array(fc.record({ name: text, partitions: partitions.filter(({ length }) => length > 0) }), {
      minLength: 1,
    })
    fc.assert(
      fc.property(fc.constantFrom(0 as const, 1 as const), timestamp, topics, (isolation, time, list) => {
        const request = encodeListOffsetsRequest(version, { isolation, timestamp: time, topics: list })

        expect(decodeListOffsetsRequest(version, request)).toEqual({
          isolation: version >= 2 ? isolation : 0,
          timestamp: time,
          topics: list,
        })
      }),
    )
  })

  it('may ask each partition for another time and name its leader epoch', () => {
    const plain = { name: 'a', partitions: Int32Array.of(0, 1) }
    const special = {
      ...{ name: 'b', partitions: Int32Array.of(0, 1) },
      timestamps: Float64Array.of(EARLIEST, 1_700_000_000_000),
      leaderEpochs: Int32Array.of(-1, 12),
    }
    const request = { isolation: 0, timestamp: LATEST, topics: [plain, special] } as const

    expect(decodeListOffsetsRequest(7, encodeListOffsetsRequest(7, request))).toEqual(request)
  })

  it('asks as a consumer, and for one offset a partition in v0', () => {
    const request = { isolation: 0, timestamp: LATEST, topics: [{ name: 't', partitions: [3] }] } as const

    expect(encodeListOffsetsRequest(0, request).toString('hex')).toBe(
      'ffffffff 00000001 0001 74 00000001 00000003 ffffffffffffffff 00000001'.replaceAll(' ', ''),
    )
    expect(encodeListOffsetsRequest(7, request).toString('hex')).toBe(
      'ffffffff 00 02 02 74 02 00000003 ffffffff ffffffffffffffff 00 00 00'.replaceAll(' ', ''),
    )
  })
})

describe('ListOffsets response', () => {
  const row = fc.record({ partition: int32, offset, epoch: int32, error: int16, timestamp: fc.maxSafeInteger() })
  const topics = fc.array(fc.record({ name: text, rows: fc.array(row, { maxLength: 6 }) }), { maxLength: 6 })

  it.each(versions)('v%i is read as it was written, without what the version lacks', (version) => {
    fc.assert(
      fc.property(int32, topics, (throttleMs, list) => {
        const rows = list.flatMap((topic) => topic.rows)
        const value = {
          throttleMs,
          topics: list.map(({ name }) => name),
          topicFirst: firsts(list.map((topic) => topic.rows)),
          partition: Int32Array.from(rows, ({ partition }) => partition),
          ...offsetColumns(rows.map((one) => one.offset)),
          epoch: Int32Array.from(rows, ({ epoch }) => epoch),
          error: Int16Array.from(rows, ({ error }) => error),
          timestamp: Float64Array.from(rows, ({ timestamp }) => timestamp),
        }

        const read = decodeListOffsetsResponse(version, encodeListOffsetsResponse(version, value))

        expect(read).toEqual({
          ...value,
          throttleMs: version >= 2 ? throttleMs : 0,
          epoch: version >= 4 ? value.epoch : value.epoch.map(() => -1),
          timestamp: version >= 1 ? value.timestamp : value.timestamp.map(() => -1),
        })
      }),
    )
  })

  it('takes the first of v0’s offsets, which is the one asked for, and none of an empty list', () => {
    const writer = new Writer()
    writer.count(1)
    writer.string('t')
    writer.count(3)
    for (const [partition, offsets] of [[90n, 50n, 0n], [], [7n]].entries()) {
      writer.int32(partition)
      writer.int16(0)
      writer.count(offsets.length)
      for (const value of offsets) writer.int64(value)
    }

    const read = decodeListOffsetsResponse(0, writer.finish())

    expect(Array.from(read.offset)).toEqual([90, 0, 0, 0, 7, 0])
    expect(Array.from(read.absent)).toEqual([0, 1, 0])
  })
})
