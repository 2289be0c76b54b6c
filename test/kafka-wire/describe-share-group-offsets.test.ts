import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import {
  type DescribeShareGroupOffsetsResponse,
  decodeDescribeShareGroupOffsetsRequest,
  decodeDescribeShareGroupOffsetsResponse,
  encodeDescribeShareGroupOffsetsRequest,
  encodeDescribeShareGroupOffsetsResponse,
  WITH_LAG,
} from '../../src/kafka-wire/describe-share-group-offsets.ts'
import { firsts, int16, int32, offset, offsetColumns, text } from './arbitraries.ts'
import { everyVersion } from './codecs.ts'

const versions = everyVersion(apis.DescribeShareGroupOffsets)
const row = fc.record({ partition: int32, start: offset, lag: offset, epoch: int32, error: int16 })
const block = fc.record({ topic: text, rows: fc.array(row, { maxLength: 4 }) })
const group = fc.record({ id: text, error: int16, blocks: fc.array(block, { maxLength: 3 }) })

describe('DescribeShareGroupOffsets', () => {
  it.each(versions)('v%i: a request is read as it was written', (version) => {
    fc.assert(
      fc.property(fc.array(text), (groups) => {
        const request = encodeDescribeShareGroupOffsetsRequest(version, { groups })

        expect(decodeDescribeShareGroupOffsetsRequest(version, request)).toEqual({ groups })
      }),
    )
  })

  it('passes over topics that another client names', () => {
    const named = Buffer.from('02 02 67 02 02 74 03 00000001 00000002 00 00 00'.replaceAll(' ', ''), 'hex')

    expect(decodeDescribeShareGroupOffsetsRequest(1, named)).toEqual({ groups: ['g'] })
  })

  it.each(versions)('v%i: a response is read as it was written', (version) => {
    fc.assert(
      fc.property(int32, fc.array(group, { maxLength: 3 }), (throttleMs, groups) => {
        const written = asColumns(throttleMs, groups, version)

        const read = decodeDescribeShareGroupOffsetsResponse(
          version,
          encodeDescribeShareGroupOffsetsResponse(version, written),
        )

        expect(read).toEqual(written)
      }),
    )
  })
})

type Value<T> = T extends fc.Arbitrary<infer U> ? U : never

function asColumns(
  throttleMs: number,
  groups: readonly Value<typeof group>[],
  version: number,
): DescribeShareGroupOffsetsResponse {
  const blocks = groups.flatMap((one) => one.blocks)
  const rows = blocks.flatMap((one) => one.rows)
  const topics = [...new Set(blocks.map(({ topic }) => topic))]
  const first = firsts(groups.map((one) => one.blocks))
  const starts = offsetColumns(rows.map(({ start }) => start))
  const lags = offsetColumns(rows.map(({ lag }) => (version >= WITH_LAG ? lag : undefined)))
  return {
    throttleMs,
    groups: groups.map(({ id, error, blocks: own }, index) => ({
      id,
      error,
      firstBlock: first[index] ?? 0,
      blocks: own.length,
    })),
    topics,
    blockTopic: Uint32Array.from(blocks, ({ topic }) => topics.indexOf(topic)),
    blockFirst: firsts(blocks.map((one) => one.rows)),
    partition: Int32Array.from(rows, ({ partition }) => partition),
    start: starts.offset,
    startAbsent: starts.absent,
    lag: lags.offset,
    lagAbsent: lags.absent,
    epoch: Int32Array.from(rows, ({ epoch }) => epoch),
    error: Int16Array.from(rows, ({ error }) => error),
  }
}
