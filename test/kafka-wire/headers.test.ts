import { describe, expect, it } from 'vitest'
import { type Api, apis } from '../../src/kafka-wire/apis.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
} from '../../src/kafka-wire/headers.ts'
import { DecodeError } from '../../src/runtime/errors.ts'
import { codecs, everyVersion } from './codecs.ts'

const everything: readonly [string, Api, number][] = codecs.flatMap(({ api }) =>
  everyVersion(api).map((version): [string, Api, number] => [`${api.name} v${version}`, api, version]),
)
const body = Buffer.from('body')

describe('request header', () => {
  it.each(everything)('of %s is read as it was written', (_, api, version) => {
    const frame = Buffer.concat([encodeRequestHeader(api, version, -7), body])

    expect(decodeRequestHeader(frame)).toEqual({
      ...{ key: api.key, version, correlation: -7, clientId: 'lagkeeper' },
      body,
    })
  })

  it('of a flexible version ends with a tag buffer and keeps the old form of the client id', () => {
    expect(encodeRequestHeader(apis.Metadata, 12, 1).toString('hex')).toBe(
      `0003000c000000010009${Buffer.from('lagkeeper').toString('hex')}00`,
    )
  })

  it('may lack a client id, and may be of an API that we do not speak', () => {
    const frame = Buffer.from('03e7000000000005ffff', 'hex')

    expect(decodeRequestHeader(frame)).toEqual({ key: 999, version: 0, correlation: 5, body: Buffer.alloc(0) })
  })

  it('that is cut off is refused', () => {
    const frame = encodeRequestHeader(apis.Metadata, 12, 1)

    for (let length = 0; length < frame.length; length++)
      expect(() => decodeRequestHeader(frame.subarray(0, length))).toThrow(DecodeError)
  })
})

describe('response header', () => {
  it.each(everything)('of %s is read as it was written', (_, api, version) => {
    const frame = Buffer.concat([encodeResponseHeader(api, version, 9), body])

    expect(decodeResponseHeader(api, version, frame)).toEqual({ correlation: 9, body })
  })

  it('has a tag buffer in flexible versions, but never for ApiVersions (KIP-511)', () => {
    expect(encodeResponseHeader(apis.ListGroups, 4, 1)).toHaveLength(5)
    expect(encodeResponseHeader(apis.ListGroups, 0, 1)).toHaveLength(4)
    expect(encodeResponseHeader(apis.ApiVersions, 3, 1)).toHaveLength(4)
  })

  it('that is cut off is refused', () => {
    expect(() => decodeResponseHeader(apis.ListGroups, 4, Buffer.alloc(4))).toThrow(DecodeError)
  })
})
