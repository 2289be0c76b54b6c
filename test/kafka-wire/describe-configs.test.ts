import fc from 'fast-check'
import { expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import {
  DEFAULT_SOURCE,
  decodeDescribeConfigsRequest,
  decodeDescribeConfigsResponse,
  encodeDescribeConfigsRequest,
  encodeDescribeConfigsResponse,
  TOPIC_SOURCE,
} from '../../src/kafka-wire/describe-configs.ts'
import { int16, int32, text } from './arbitraries.ts'
import { everyVersion } from './codecs.ts'

const int8 = fc.integer({ min: -0x80, max: 0x7f })

it.each(everyVersion(apis.DescribeConfigs))('DescribeConfigs v%i: a request is read as it was written', (version) => {
  const keys = fc.array(text, { maxLength: 3 })
  const resource = fc.record({ type: int8, name: text, keys }, { requiredKeys: ['type', 'name'] })
  fc.assert(
    fc.property(fc.array(resource, { maxLength: 4 }), (resources) => {
      const written = encodeDescribeConfigsRequest(version, { resources })
      expect(decodeDescribeConfigsRequest(version, written)).toEqual({ resources })
    }),
  )
})

it.each(everyVersion(apis.DescribeConfigs))('DescribeConfigs v%i: a response is read as it was written', (version) => {
  const config = fc.record(
    {
      name: text,
      value: text,
      readOnly: fc.boolean(),
      source: version === 0 ? fc.constantFrom(DEFAULT_SOURCE, TOPIC_SOURCE) : int8,
      sensitive: fc.boolean(),
      valueType: version >= 3 ? int8 : fc.constant(0),
    },
    { requiredKeys: ['name', 'readOnly', 'source', 'sensitive', 'valueType'] },
  )
  const resource = fc.record(
    { error: int16, errorMessage: text, type: int8, name: text, configs: fc.array(config, { maxLength: 4 }) },
    { requiredKeys: ['error', 'type', 'name', 'configs'] },
  )
  fc.assert(
    fc.property(int32, fc.array(resource, { maxLength: 4 }), (throttleMs, resources) => {
      const response = { throttleMs, resources }
      expect(decodeDescribeConfigsResponse(version, encodeDescribeConfigsResponse(version, response))).toEqual(response)
    }),
  )
})
