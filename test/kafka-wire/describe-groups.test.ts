import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import {
  decodeDescribeGroupsRequest,
  decodeDescribeGroupsResponse,
  encodeDescribeGroupsRequest,
  encodeDescribeGroupsResponse,
  type GroupMember,
} from '../../src/kafka-wire/describe-groups.ts'
import { bytes, int16, int32, text } from './arbitraries.ts'
import { everyVersion } from './codecs.ts'

const versions = everyVersion(apis.DescribeGroups)

describe('DescribeGroups', () => {
  it.each(versions)('v%i: a request is read as it was written', (version) => {
    fc.assert(
      fc.property(fc.array(text), (groups) => {
        const request = encodeDescribeGroupsRequest(version, { groups })

        expect(decodeDescribeGroupsRequest(version, request)).toEqual({ groups })
      }),
    )
  })

  it.each(versions)('v%i: a response is read as it was written', (version) => {
    const shape = { id: text, clientId: text, clientHost: text, metadata: bytes, assignment: bytes }
    const member: fc.Arbitrary<GroupMember> =
      version >= 4 ? fc.oneof(fc.record(shape), fc.record({ ...shape, instanceId: text })) : fc.record(shape)
    const group = fc.record({
      error: int16,
      id: text,
      state: text,
      protocolType: text,
      protocol: text,
      members: fc.array(member, { maxLength: 4 }),
    })
    fc.assert(
      fc.property(int32, fc.array(group, { maxLength: 4 }), (throttleMs, groups) => {
        const response = encodeDescribeGroupsResponse(version, { throttleMs, groups })

        expect(decodeDescribeGroupsResponse(version, response)).toEqual({
          throttleMs: version >= 1 ? throttleMs : 0,
          groups,
        })
      }),
    )
  })
})
