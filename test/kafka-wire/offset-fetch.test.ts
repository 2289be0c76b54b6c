import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import {
  decodeOffsetFetchRequest,
  decodeOffsetFetchResponse,
  encodeOffsetFetchRequest,
  encodeOffsetFetchResponse,
} from '../../src/kafka-wire/offset-fetch.ts'
import { Writer } from '../../src/kafka-wire/writer.ts'
import { InvariantError } from '../../src/runtime/errors.ts'
import { firsts, int16, int32, offset, offsetColumns, partitions, text } from './arbitraries.ts'
import { everyVersion } from './codecs.ts'

const versions = everyVersion(apis.OffsetFetch)

describe('OffsetFetch request', () => {
  const topics = fc.array(fc.record({ name: text, partitions }))

  it.each(versions)('v%i is read as it was written', (version) => {
    const named = fc.record({ id: text, topics })
    const group = version >= 2 ? fc.oneof(named, fc.record({ id: text })) : named
    const groups = fc.array(group, version >= 8 ? {} : { minLength: 1, maxLength: 1 })
    fc.assert(
      fc.property(groups, (value) => {
        const request = encodeOffsetFetchRequest(version, { groups: value })

        expect(decodeOffsetFetchRequest(version, request)).toEqual({ groups: value })
      }),
    )
  })

  it('v7 and v8 never wait for open transactions', () => {
    expect(encodeOffsetFetchRequest(7, { groups: [{ id: 'g' }] }).toString('hex')).toBe('0267000000')
    expect(encodeOffsetFetchRequest(8, { groups: [{ id: 'g' }] }).toString('hex')).toBe('02026700000000')
  })

  it('takes partitions as any list', () => {
    const one = encodeOffsetFetchRequest(1, { groups: [{ id: 'g', topics: [{ name: 't', partitions: [3, 4] }] }] })
    const other = encodeOffsetFetchRequest(1, {
      groups: [{ id: 'g', topics: [{ name: 't', partitions: Int32Array.of(3, 4) }] }],
    })

    expect(one).toEqual(other)
  })

  it('refuses to say what the version cannot say', () => {
    expect(() => encodeOffsetFetchRequest(1, { groups: [{ id: 'g' }] })).toThrow(InvariantError)
    expect(() => encodeOffsetFetchRequest(5, { groups: [{ id: 'g' }, { id: 'h' }] })).toThrow(InvariantError)
    expect(() => encodeOffsetFetchRequest(5, { groups: [] })).toThrow(InvariantError)
  })
})

const row = fc.record({ partition: int32, offset, epoch: int32, error: int16 })
const blocks = fc.array(fc.record({ topic: text, rows: fc.array(row, { maxLength: 5 }) }), { maxLength: 5 })
const groups = fc.array(fc.record({ id: text, error: int16, blocks }), { maxLength: 5 })

describe('OffsetFetch response', () => {
  it.each(versions)('v%i is read as it was written, without what the version lacks', (version) => {
    const asked = version >= 8 ? groups : fc.record({ id: text, error: int16, blocks }).map((group) => [group])
    fc.assert(
      fc.property(int32, asked, (throttleMs, list) => {
        const value = toColumns(throttleMs, list)

        const read = decodeOffsetFetchResponse(version, encodeOffsetFetchResponse(version, value), list[0]?.id)

        expect(read).toEqual({
          ...value,
          throttleMs: version >= 3 ? throttleMs : 0,
          groups: value.groups.map((group) => ({ ...group, error: version >= 2 ? group.error : 0 })),
          epoch: version >= 5 ? value.epoch : value.epoch.map(() => -1),
        })
      }),
    )
  })

  it('names each topic once, however many groups read it', () => {
    const rows = [{ partition: 0, offset: 1n, epoch: -1, error: 0 }]
    const list = ['a', 'b', 'c'].map((id) => ({
      ...{ id, error: 0 },
      blocks: ['t', 'ü', 'u'].map((topic) => ({ topic, rows })),
    }))

    const read = decodeOffsetFetchResponse(8, encodeOffsetFetchResponse(8, toColumns(0, list)))

    expect(read.topics).toEqual(['t', 'ü', 'u'])
    expect(Array.from(read.blockTopic)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2])
    expect(read.groups.map(({ firstBlock }) => firstBlock)).toEqual([0, 3, 6])
  })

  it.each([5, 8])('v%i passes over metadata, whatever it is, and tagged fields', (version) => {
    const writer = new Writer(version >= 6)
    writer.int32(0)
    if (version >= 8) {
      writer.count(1)
      writer.string('g')
    }
    writer.count(1)
    writer.string('t')
    const metadata = [undefined, '', 'x'.repeat(32_767), '\ufffd']
    writer.count(metadata.length + 1)
    for (const [partition, content] of metadata.entries()) {
      writer.int32(partition)
      writer.int64(BigInt(partition * 10))
      writer.int32(4)
      writer.nullableString(content)
      writer.int16(0)
      writer.tags()
    }
    writer.int32(9)
    writer.int64(-5n)
    writer.int32(-1)
    writer.string('')
    writer.int16(3)
    // Two tagged fields: tag 5 with one byte, tag 138 with none.
    if (version >= 6) writer.raw(Buffer.from('020501aa8a0100', 'hex'))
    writer.tags()
    if (version >= 8) {
      writer.int16(0)
      writer.tags()
    } else writer.int16(0)
    writer.tags()

    const read = decodeOffsetFetchResponse(version, writer.finish(), 'g')

    expect(Array.from(read.partition)).toEqual([0, 1, 2, 3, 9])
    expect(Array.from(read.offset)).toEqual([0, 0, 10, 0, 20, 0, 30, 0, 0, 0])
    expect(Array.from(read.absent)).toEqual([0, 0, 0, 0, 2])
    expect(Array.from(read.error)).toEqual([0, 0, 0, 0, 3])
    expect(read.groups).toEqual([{ id: 'g', error: 0, firstBlock: 0, blocks: 1 }])
  })

  it('refuses to write many groups before v8', () => {
    const two = toColumns(
      0,
      ['a', 'b'].map((id) => ({ id, error: 0, blocks: [] })),
    )

    expect(() => encodeOffsetFetchResponse(5, two)).toThrow(InvariantError)
  })
})

interface Group {
  readonly id: string
  readonly error: number
  readonly blocks: readonly {
    readonly topic: string
    readonly rows: readonly { partition: number; offset: bigint | undefined; epoch: number; error: number }[]
  }[]
}

function toColumns(throttleMs: number, list: readonly Group[]) {
  const all = list.flatMap((group) => group.blocks)
  const rows = all.flatMap((block) => block.rows)
  const topics = [...new Set(all.map(({ topic }) => topic))]
  const firstBlocks = firsts(list.map((group) => group.blocks))
  return {
    throttleMs,
    groups: list.map(({ id, error, blocks: own }, index) => ({
      ...{ id, error, firstBlock: firstBlocks[index] ?? 0, blocks: own.length },
    })),
    topics,
    blockTopic: Uint32Array.from(all, ({ topic }) => topics.indexOf(topic)),
    blockFirst: firsts(all.map((block) => block.rows)),
    partition: Int32Array.from(rows, ({ partition }) => partition),
    ...offsetColumns(rows.map((one) => one.offset)),
    epoch: Int32Array.from(rows, ({ epoch }) => epoch),
    error: Int16Array.from(rows, ({ error }) => error),
  }
}
