import {
  DEFAULT_SOURCE,
  type DescribedResource,
  decodeDescribeConfigsRequest,
  encodeDescribeConfigsResponse,
  TOPIC_RESOURCE,
  TOPIC_SOURCE,
} from '../kafka-wire/describe-configs.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import type { Asked } from './answer.ts'

/** Keys that brokers of every line from 0.11 on tell, with their defaults. */
const defaults: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'CreateTime',
  'retention.bytes': '-1',
  'retention.ms': '604800000',
}
/** ConfigDef's numbers for a text and a list. */
const TEXT_TYPE = 2
const LIST_TYPE = 7

/** Topics only: whatever else is asked about is not there. */
export function answerDescribeConfigs(asked: Asked): Buffer {
  const { version, throttleMs } = asked
  const request = decodeDescribeConfigsRequest(version, asked.body)
  const resources = request.resources.map(({ type, name, keys }): DescribedResource => {
    const error = refusal(asked, type, name)
    if (error !== errorCodes.NONE) return { error, errorMessage: 'Refused.', type, name, configs: [] }
    const set = asked.state.topics.get(name)?.configs ?? new Map<string, string>()
    const values = { ...defaults, ...Object.fromEntries(set) }
    const configs = Object.entries(values)
      .filter(([key]) => keys === undefined || keys.includes(key))
      .map(([key, value]) => ({
        name: key,
        value,
        readOnly: false,
        source: set.has(key) ? TOPIC_SOURCE : DEFAULT_SOURCE,
        sensitive: false,
        valueType: version < 3 ? 0 : key === 'cleanup.policy' ? LIST_TYPE : TEXT_TYPE,
      }))
    return { error, type, name, configs }
  })
  return encodeDescribeConfigsResponse(version, { throttleMs, resources })
}

function refusal({ state, forced }: Asked, type: number, name: string): number {
  if (forced !== 0) return forced
  if (type !== TOPIC_RESOURCE) return errorCodes.INVALID_REQUEST
  if (state.denied.topics.has(name) || state.denied.configs.has(name)) return errorCodes.TOPIC_AUTHORIZATION_FAILED
  return state.topics.has(name) ? errorCodes.NONE : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
}
