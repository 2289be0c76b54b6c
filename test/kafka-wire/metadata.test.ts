import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import {
  decodeMetadataRequest,
  decodeMetadataResponse,
  encodeMetadataRequest,
  encodeMetadataResponse,
  type MetadataResponse,
} from '../../src/kafka-wire/metadata.ts'
import { Writer } from '../../src/kafka-wire/writer.ts'
import { DecodeError } from '../../src/runtime/errors.ts'
import { compact, int16, int32, text } from './arbitraries.ts'
import { everyVersion } from './codecs.ts'

const versions = everyVersion(apis.Metadata)

describe('Metadata request', () => {
  it.each(versions)('v%i is read as it was written', (version) => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (topics) => {
        expect(decodeMetadataRequest(version, encodeMetadataRequest(version, { topics }))).toEqual({ topics })
      }),
    )
    expect(decodeMetadataRequest(version, encodeMetadataRequest(version, {}))).toEqual({})
  })

  it('says "all topics" as an empty list in v0 and as null from v1 on', () => {
    expect(encodeMetadataRequest(0, {}).toString('hex')).toBe('00000000')
    expect(encodeMetadataRequest(1, {}).toString('hex')).toBe('ffffffff')
    expect(encodeMetadataRequest(12, {}).toString('hex')).toBe('00000000')
  })

  it('tells an empty list from all topics from v1 on', () => {
    expect(decodeMetadataRequest(1, encodeMetadataRequest(1, { topics: [] }))).toEqual({ topics: [] })
  })

  it.each([
    [4, '00000001 0001 74 00'],
    [8, '00000001 0001 74 00 00 00'],
    [9, '02 02 74 00 00 00 00 00'],
    [10, `02 ${'00'.repeat(16)} 02 74 00 00 00 00 00`],
    [12, `02 ${'00'.repeat(16)} 02 74 00 00 00 00`],
  ])('v%i never lets the broker create a topic and asks for no authorized operations', (version, expected) => {
    const request = encodeMetadataRequest(version, { topics: ['t'] })

    expect(request.toString('hex')).toBe(expected.replaceAll(' ', ''))
  })

  it('that asks by topic id alone is refused', () => {
    const writer = new Writer(true)
    writer.count(1)
    writer.uuid('0123456789abcdef0123456789abcdef')
    writer.nullableString(undefined)
    writer.tags()
    writer.boolean(false)
    writer.boolean(false)
    writer.tags()

    expect(() => decodeMetadataRequest(12, writer.finish())).toThrow(DecodeError)
  })
})

const rows = fc.array(fc.record({ partition: int32, leader: int32, epoch: int32, error: int16 }), { maxLength: 6 })
const topic = fc
  .record({
    error: int16,
    name: text,
    id: fc.option(fc.stringMatching(/^[0-9a-f]{31}[1-9a-f]$/), { nil: undefined }),
    internal: fc.boolean(),
    rows,
  })
  .map(({ rows: list, ...rest }) => ({
    ...rest,
    partitions: Int32Array.from(list, (row) => row.partition),
    leaders: Int32Array.from(list, (row) => row.leader),
    leaderEpochs: Int32Array.from(list, (row) => row.epoch),
    partitionErrors: Int16Array.from(list, (row) => row.error),
  }))
const broker = fc.record({ id: int32, host: text, port: int32, rack: fc.option(text, { nil: undefined }) })
const response = fc.record({
  throttleMs: int32,
  brokers: fc.array(broker),
  clusterId: fc.option(text, { nil: undefined }),
  controllerId: fc.option(fc.nat(), { nil: undefined }),
  topics: fc.array(topic),
})

describe('Metadata response', () => {
  it.each(versions)('v%i is read as it was written, without what the version lacks', (version) => {
    fc.assert(
      fc.property(response, (all) => {
        const expected = compact({
          throttleMs: version >= 3 ? all.throttleMs : 0,
          brokers: all.brokers.map((one) => compact({ ...one, rack: version >= 1 ? one.rack : undefined })),
          clusterId: version >= 2 ? all.clusterId : undefined,
          controllerId: version >= 1 ? all.controllerId : undefined,
          topics: all.topics.map((one) =>
            compact({
              ...one,
              id: version >= 10 ? one.id : undefined,
              internal: version >= 1 && one.internal,
              leaderEpochs: version >= 7 ? one.leaderEpochs : one.leaderEpochs.map(() => -1),
            }),
          ),
        })
        const value: MetadataResponse = withoutUndefined(all)

        expect(decodeMetadataResponse(version, encodeMetadataResponse(version, value))).toEqual(expected)
      }),
      { numRuns: 40 },
    )
  })

  it('passes over replicas, in-sync and offline replicas of any number, and tagged fields', () => {
    const writer = new Writer(true)
    writer.int32(0)
    writer.count(0)
    writer.nullableString(undefined)
    writer.int32(-1)
    writer.count(1)
    writer.int16(0)
    writer.string('t')
    writer.uuid(undefined)
    writer.boolean(false)
    writer.count(2)
    for (const partition of [0, 1]) {
      writer.int16(9)
      writer.int32(partition)
      writer.int32(5 + partition)
      writer.int32(7)
      writer.int32s([1, 2, 3])
      writer.int32s([2])
      writer.int32s([1, 3])
      writer.raw(Buffer.from('010002aabb', 'hex'))
    }
    writer.int32(0)
    writer.tags()
    writer.tags()

    expect(decodeMetadataResponse(12, writer.finish())).toEqual({
      throttleMs: 0,
      brokers: [],
      topics: [
        {
          error: 0,
          name: 't',
          internal: false,
          partitions: Int32Array.of(0, 1),
          leaders: Int32Array.of(5, 6),
          leaderEpochs: Int32Array.of(7, 7),
          partitionErrors: Int16Array.of(9, 9),
        },
      ],
    })
  })
})

function withoutUndefined(all: typeof response extends fc.Arbitrary<infer T> ? T : never): MetadataResponse {
  const { clusterId, controllerId } = all
  return {
    throttleMs: all.throttleMs,
    brokers: all.brokers.map(({ rack, ...one }) => (rack === undefined ? one : { ...one, rack })),
    ...(clusterId !== undefined && { clusterId }),
    ...(controllerId !== undefined && { controllerId }),
    topics: all.topics.map(({ id, ...one }) => (id === undefined ? one : { ...one, id })),
  }
}
