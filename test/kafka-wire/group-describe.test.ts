import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeConsumerGroupDescribeRequest,
  decodeConsumerGroupDescribeResponse,
  encodeConsumerGroupDescribeRequest,
  encodeConsumerGroupDescribeResponse,
} from '../../src/kafka-wire/consumer-group-describe.ts'
import {
  decodeShareGroupDescribeRequest,
  decodeShareGroupDescribeResponse,
  encodeShareGroupDescribeRequest,
  encodeShareGroupDescribeResponse,
} from '../../src/kafka-wire/share-group-describe.ts'
import {
  decodeStreamsGroupDescribeRequest,
  decodeStreamsGroupDescribeResponse,
  encodeStreamsGroupDescribeRequest,
  encodeStreamsGroupDescribeResponse,
} from '../../src/kafka-wire/streams-group-describe.ts'
import { int16, int32, partitions, text } from './arbitraries.ts'

const texts = fc.array(text, { maxLength: 3 })
const id = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
  .filter((digits) => /[^0]/.test(digits))
const assignment = fc.array(fc.record({ id, name: text, partitions }, { requiredKeys: ['name', 'partitions'] }), {
  maxLength: 3,
})
const tasks = fc.array(fc.record({ subtopology: text, partitions }), { maxLength: 3 })
const someone = { id: text, epoch: int32, clientId: text, clientHost: text }
const something = { error: int16, id: text, state: text, groupEpoch: int32, assignmentEpoch: int32 }
const always = ['error', 'id', 'state', 'groupEpoch', 'assignmentEpoch', 'members'] as const
const everybody = ['id', 'epoch', 'clientId', 'clientHost'] as const

describe('descriptions of the newer group types', () => {
  it.each([
    ['ConsumerGroupDescribe', 0, encodeConsumerGroupDescribeRequest, decodeConsumerGroupDescribeRequest],
    ['ShareGroupDescribe', 1, encodeShareGroupDescribeRequest, decodeShareGroupDescribeRequest],
    ['StreamsGroupDescribe', 0, encodeStreamsGroupDescribeRequest, decodeStreamsGroupDescribeRequest],
  ] as const)('%s: a request is read as it was written', (_, version, encode, decode) => {
    fc.assert(
      fc.property(texts, (groups) => {
        expect(decode(version, encode(version, { groups }))).toEqual({ groups })
      }),
    )
  })

  it('of a consumer group is read as it was written', () => {
    const member = fc.record(
      {
        ...someone,
        instanceId: text,
        rackId: text,
        subscribedTopics: texts,
        subscribedRegex: text,
        assignment,
        target: assignment,
      },
      { requiredKeys: [...everybody, 'subscribedTopics', 'assignment', 'target'] },
    )
    const group = fc.record(
      { ...something, errorMessage: text, assignor: text, members: fc.array(member, { maxLength: 3 }) },
      { requiredKeys: [...always, 'assignor'] },
    )
    fc.assert(
      fc.property(int32, fc.array(group, { maxLength: 3 }), (throttleMs, groups) => {
        const response = encodeConsumerGroupDescribeResponse(0, { throttleMs, groups })

        expect(decodeConsumerGroupDescribeResponse(0, response)).toEqual({ throttleMs, groups })
      }),
    )
  })

  it('of a share group is read as it was written', () => {
    const member = fc.record(
      { ...someone, rackId: text, subscribedTopics: texts, assignment },
      { requiredKeys: [...everybody, 'subscribedTopics', 'assignment'] },
    )
    const group = fc.record(
      { ...something, errorMessage: text, assignor: text, members: fc.array(member, { maxLength: 3 }) },
      { requiredKeys: [...always, 'assignor'] },
    )
    fc.assert(
      fc.property(int32, fc.array(group, { maxLength: 3 }), (throttleMs, groups) => {
        const response = encodeShareGroupDescribeResponse(1, { throttleMs, groups })

        expect(decodeShareGroupDescribeResponse(1, response)).toEqual({ throttleMs, groups })
      }),
    )
  })

  it('of a streams group is read as it was written', () => {
    const subtopology = fc.record({ id: text, sourceTopics: texts, repartitionSourceTopics: texts })
    const topology = fc.record(
      { epoch: int32, subtopologies: fc.array(subtopology, { maxLength: 3 }) },
      { requiredKeys: ['epoch'] },
    )
    const member = fc.record({ ...someone, tasks, targetTasks: tasks })
    const group = fc.record(
      { ...something, errorMessage: text, topology, members: fc.array(member, { maxLength: 3 }) },
      { requiredKeys: [...always] },
    )
    fc.assert(
      fc.property(int32, fc.array(group, { maxLength: 3 }), (throttleMs, groups) => {
        const response = encodeStreamsGroupDescribeResponse(0, { throttleMs, groups })

        expect(decodeStreamsGroupDescribeResponse(0, response)).toEqual({ throttleMs, groups })
      }),
    )
  })
})
