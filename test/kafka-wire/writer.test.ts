import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { offsetAt, Reader } from '../../src/kafka-wire/reader.ts'
import { Writer } from '../../src/kafka-wire/writer.ts'
import { offsetColumn } from '../../src/model/offsets.ts'
import { InvariantError } from '../../src/runtime/errors.ts'
import { bytes, int16, int32, offset, offsetColumns, text } from './arbitraries.ts'

describe('Writer', () => {
  it('writes what a Reader reads, in both encodings and over any number of growths', () => {
    const anything = fc.record({
      int8: fc.integer({ min: -128, max: 127 }),
      int16,
      int32,
      int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      number: fc.maxSafeInteger(),
      varint: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      text: fc.option(text, { nil: undefined }),
      texts: fc.option(fc.array(text), { nil: undefined }),
      bytes,
      int32s: fc.array(int32).map((values) => Int32Array.from(values)),
      uuid: fc.option(fc.stringMatching(/^[0-9a-f]{31}[1-9a-f]$/), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.boolean(), fc.array(anything), (flexible, all) => {
        const writer = new Writer(flexible, 1)
        for (const one of all) {
          writer.int8(one.int8)
          writer.int16(one.int16)
          writer.int32(one.int32)
          writer.int64(one.int64)
          writer.int64Number(one.number)
          writer.unsignedVarint(one.varint)
          writer.nullableString(one.text)
          writer.strings(one.texts)
          writer.bytes(one.bytes)
          writer.int32s(one.int32s)
          writer.uuid(one.uuid)
          writer.tags()
        }

        const reader = new Reader(writer.finish(), 'test', flexible)
        const read = all.map(() => {
          const one = {
            int8: reader.int8(),
            int16: reader.int16(),
            int32: reader.int32(),
            int64: reader.int64(),
            number: reader.int64Number(),
            varint: reader.unsignedVarint(),
            text: reader.nullableString(),
            texts: reader.nullableStrings(),
            bytes: reader.bytes(),
            int32s: reader.int32s(),
            uuid: reader.uuid(),
          }
          reader.tags()
          return one
        })

        reader.end()
        expect(read).toEqual(all)
      }),
    )
  })

  it('writes offsets of columns, and −1 for the absent ones', () => {
    fc.assert(
      fc.property(fc.array(offset), (offsets) => {
        const columns = offsetColumns(offsets)
        const writer = new Writer()
        for (const row of offsets.keys()) writer.offset(columns.offset, row, columns.absent[row] === 1)
        const body = writer.finish()

        const read = offsetColumn(offsets.length)
        const absent = offsets.map((_, row) => offsetAt(new Reader(body, 'test').view, row * 8, read, row))

        expect(offsets.map((_, row) => body.readBigInt64BE(row * 8))).toEqual(offsets.map((value) => value ?? -1n))
        expect(read).toEqual(columns.offset)
        expect(Uint8Array.from(absent)).toEqual(columns.absent)
      }),
    )
  })

  it('refuses a text that no reader would take', () => {
    expect(() => new Writer().string('x'.repeat(32_768))).toThrow(InvariantError)
    expect(() => new Writer(true).string('ü'.repeat(16_384))).toThrow(InvariantError)
    expect(() => new Writer().string('x'.repeat(32_767))).not.toThrow()
  })

  it('refuses a UUID that is none', () => {
    expect(() => new Writer().uuid('0123')).toThrow(InvariantError)
    expect(() => new Writer().uuid('z'.repeat(32))).toThrow(InvariantError)
  })
})
