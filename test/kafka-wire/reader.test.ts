import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reader } from '../../src/kafka-wire/reader.ts'
import { createTextCache } from '../../src/kafka-wire/text-cache.ts'
import { Writer } from '../../src/kafka-wire/writer.ts'
import { DecodeError } from '../../src/runtime/errors.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const plain = (text: string) => new Reader(hex(text), 'test')
const flexible = (text: string) => new Reader(hex(text), 'test', true)

describe('Reader', () => {
  it('reads integers big-endian, whatever part of a buffer the body is', () => {
    const body = hex('aaaa 01 ff fffe 80000000 7fffffffffffffff fffffffffffffffe bb').subarray(2, -1)

    const reader = new Reader(body, 'test')

    expect([reader.boolean(), reader.int8(), reader.int16(), reader.int32()]).toEqual([true, -1, -2, -0x80000000])
    expect([reader.int64(), reader.int64Number()]).toEqual([2n ** 63n - 1n, -2])
    expect(() => reader.end()).not.toThrow()
  })

  it.each([
    ['00', 0],
    ['7f', 127],
    ['8001', 128],
    ['ffffffff07', 0x7fffffff],
    ['ffffffff0f', 0xffffffff],
  ])('reads the unsigned varint %s as %i', (bytes, value) => {
    expect(plain(bytes).unsignedVarint()).toBe(value)
  })

  it.each(['8080808010', '808080808001', 'ffffffffff'])('refuses the unsigned varint %s', (bytes) => {
    expect(() => plain(bytes).unsignedVarint()).toThrow(DecodeError)
  })

  it.each([
    ['classic string', plain('0002 c3bc'), 'ü'],
    ['compact string', flexible('03 c3bc'), 'ü'],
    ['empty classic string', plain('0000'), ''],
    ['empty compact string', flexible('01'), ''],
    ['null classic string', plain('ffff'), undefined],
    ['null compact string', flexible('00'), undefined],
  ])('reads a %s', (_, reader, expected) => {
    expect(reader.nullableString()).toBe(expected)
    reader.end()
  })

  it('reads arrays of strings and of integers in both encodings', () => {
    expect(plain('00000002 0001 61 0000').strings()).toEqual(['a', ''])
    expect(flexible('03 02 61 01').strings()).toEqual(['a', ''])
    expect(plain('ffffffff').nullableStrings()).toBeUndefined()
    expect(flexible('00').nullableStrings()).toBeUndefined()
    expect(plain('00000002 00000007 ffffffff').int32s()).toEqual(Int32Array.of(7, -1))
    expect(flexible('03 00000007 ffffffff').int32s()).toEqual(Int32Array.of(7, -1))
  })

  it('reads a UUID as lowercase hex, and all zeros as none', () => {
    expect(plain('0123456789ABCDEF0123456789ABCDEF').uuid()).toBe('0123456789abcdef0123456789abcdef')
    expect(plain('00'.repeat(16)).uuid()).toBeUndefined()
  })

  it('passes over tagged fields, which only flexible versions have', () => {
    const reader = flexible('02 00 01 aa 07 00 05')

    reader.tags()

    expect(reader.int8()).toBe(5)
    expect(plain('00').remaining).toBe(1)
  })

  it.each([
    ['an integer', () => plain('000000').int32(), 'at byte 0 of 3: 3 bytes left, expected 4 or more'],
    ['a string', () => plain('0005 61').string(), 'at byte 2 of 3: 1 bytes left, expected 5 or more'],
    ['a string length', () => plain('fffe').string(), 'string of -2 bytes'],
    ['a compact string longer than Kafka allows', () => flexible('818002').string(), 'string of 32768 bytes'],
    ['a null string', () => plain('ffff').string(), 'null, expected a string'],
    ['other bytes than UTF-8', () => plain('0001 ff').string(), 'other bytes, expected UTF-8'],
    ['a null array', () => plain('ffffffff').count(1), 'null, expected an array'],
    ['a negative array', () => plain('fffffffe').count(1), 'array of -2'],
    [
      'an array with less room than entries',
      () => plain('00000002 00000000').count(4),
      'array of 2, expected at most 1',
    ],
    ['the largest array', () => plain('7fffffff 0000').int32s(), 'array of 2147483647, expected at most 0'],
    ['the largest compact array', () => flexible('ffffffff0f 00').int32s(), 'array of 4294967294'],
    ['null bytes', () => plain('ffffffff').bytes(), 'null, expected bytes'],
    ['negative bytes', () => plain('80000000').bytes(), 'length -2147483648'],
    ['more tagged fields than fit', () => flexible('7f 0000').tags(), '127 tagged fields, expected at most 1'],
    ['a tagged field that is too long', () => flexible('01 00 02 00').tags(), 'expected 2 or more'],
    ['bytes after the end', () => plain('00').end(), '1 bytes left, expected the end'],
  ])('refuses %s and says where', (_, read, message) => {
    expect(read).toThrow(DecodeError)
    expect(read).toThrow(/^Read test at byte \d+ of \d+: /)
    expect(read).toThrow(message)
  })

  it('keeps a replacement character that was sent as one', () => {
    expect(plain('0003 efbfbd').string()).toBe('\ufffd')
  })

  it('reads repeated strings as strings, cached or not', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(fc.constantFrom('', 'a', 'b', 'topic', 'größe', 'grösse', 'ÿ')),
        (compact, texts) => {
          const writer = new Writer(compact)
          for (const text of texts) writer.string(text)
          const reader = new Reader(writer.finish(), 'test', compact)
          const cache = createTextCache()

          expect(texts.map(() => reader.repeatedString(cache))).toEqual(texts)
        },
      ),
    )
  })
})
