import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  decodeApiVersionsRequest,
  decodeApiVersionsResponse,
  encodeApiVersionsRequest,
  encodeApiVersionsResponse,
} from '../../src/kafka-wire/api-versions.ts'
import { DecodeError } from '../../src/runtime/errors.ts'
import { int16 } from './arbitraries.ts'

it('ApiVersions v0: the request is empty', () => {
  expect(encodeApiVersionsRequest(0)).toHaveLength(0)
  expect(() => decodeApiVersionsRequest(0, Buffer.alloc(0))).not.toThrow()
  expect(() => decodeApiVersionsRequest(0, Buffer.alloc(1))).toThrow(DecodeError)
})

it('ApiVersions v0: a response is read as it was written', () => {
  const response = fc.record({ error: int16, ranges: fc.array(fc.record({ key: int16, min: int16, max: int16 })) })
  fc.assert(
    fc.property(response, (value) => {
      expect(decodeApiVersionsResponse(0, encodeApiVersionsResponse(0, value))).toEqual(value)
    }),
  )
})
