import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import {
  type Coordinator,
  decodeFindCoordinatorRequest,
  decodeFindCoordinatorResponse,
  encodeFindCoordinatorRequest,
  encodeFindCoordinatorResponse,
  GROUP_KEY,
} from '../../src/kafka-wire/find-coordinator.ts'
import { InvariantError } from '../../src/runtime/errors.ts'
import { int16, int32, text } from './arbitraries.ts'
import { everyVersion } from './codecs.ts'

const versions = everyVersion(apis.FindCoordinator)
const limits = (version: number) => (version >= 4 ? {} : { minLength: 1, maxLength: 1 })

describe('FindCoordinator', () => {
  it.each(versions)('v%i: a request is read as it was written', (version) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 }), fc.array(text, limits(version)), (keyType, keys) => {
        const request = encodeFindCoordinatorRequest(version, { keyType, keys })

        expect(decodeFindCoordinatorRequest(version, request)).toEqual({ keyType: version >= 1 ? keyType : 0, keys })
      }),
    )
  })

  it.each(versions)('v%i: a response is read as it was written', (version) => {
    const node = { key: text, error: int16, nodeId: int32, host: text, port: int32 }
    const coordinator: fc.Arbitrary<Coordinator> =
      version >= 1 ? fc.oneof(fc.record(node), fc.record({ ...node, errorMessage: text })) : fc.record(node)
    fc.assert(
      fc.property(int32, fc.array(coordinator, limits(version)), (throttleMs, coordinators) => {
        const response = encodeFindCoordinatorResponse(version, { throttleMs, coordinators })

        expect(decodeFindCoordinatorResponse(version, response, coordinators[0]?.key)).toEqual({
          throttleMs: version >= 1 ? throttleMs : 0,
          coordinators,
        })
      }),
    )
  })

  it('takes many keys only from v4 on', () => {
    expect(() => encodeFindCoordinatorRequest(3, { keyType: GROUP_KEY, keys: ['a', 'b'] })).toThrow(InvariantError)
    expect(() => encodeFindCoordinatorResponse(0, { throttleMs: 0, coordinators: [] })).toThrow(InvariantError)
  })
})
