import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import {
  decodeListGroupsRequest,
  decodeListGroupsResponse,
  encodeListGroupsRequest,
  encodeListGroupsResponse,
} from '../../src/kafka-wire/list-groups.ts'
import { int16, int32, text } from './arbitraries.ts'
import { everyVersion } from './codecs.ts'

const versions = everyVersion(apis.ListGroups)

describe('ListGroups', () => {
  it.each(versions)('v%i: a request is read as it was written, without what the version lacks', (version) => {
    const filter = fc.array(text, { minLength: 1 })
    fc.assert(
      fc.property(filter, filter, (states, types) => {
        const request = encodeListGroupsRequest(version, { states, types })

        expect(decodeListGroupsRequest(version, request)).toEqual({
          ...(version >= 4 && { states }),
          ...(version >= 5 && { types }),
        })
      }),
    )
    expect(decodeListGroupsRequest(version, encodeListGroupsRequest(version, {}))).toEqual({})
  })

  it.each(versions)('v%i: a response is read as it was written, without what the version lacks', (version) => {
    const group = fc.record({ id: text, protocolType: text, state: text, type: text })
    fc.assert(
      fc.property(int32, int16, fc.array(group), (throttleMs, error, groups) => {
        const response = encodeListGroupsResponse(version, { throttleMs, error, groups })

        expect(decodeListGroupsResponse(version, response)).toEqual({
          throttleMs: version >= 1 ? throttleMs : 0,
          error,
          groups: groups.map(({ id, protocolType, state, type }) => ({
            id,
            protocolType,
            ...(version >= 4 && { state }),
            ...(version >= 5 && { type }),
          })),
        })
      }),
    )
  })
})
