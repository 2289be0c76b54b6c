import { type Api, readBody, writeBody } from './apis.ts'

/** Kafka's "not asked for" in a set of authorized operations (KIP-430). */
export const NO_OPERATIONS = -2147483648

/** The request of every API that describes groups of one of the newer types, such as ConsumerGroupDescribeRequest.json. */
export interface GroupDescribeRequest {
  readonly groups: readonly string[]
}

export function encodeGroupDescribe(api: Api, version: number, request: GroupDescribeRequest): Buffer {
  const writer = writeBody(api, version)
  writer.strings(request.groups)
  writer.boolean(false)
  writer.tags()
  return writer.finish()
}

export function decodeGroupDescribe(api: Api, version: number, body: Buffer): GroupDescribeRequest {
  const reader = readBody(api, version, 'request', body)
  const groups = reader.strings()
  reader.boolean()
  reader.tags()
  reader.end()
  return { groups }
}
