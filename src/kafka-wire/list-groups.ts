import { apis, readBody, writeBody } from './apis.ts'
import { createTextCache } from './text-cache.ts'

const api = apis.ListGroups

/** ListGroupsRequest.json. An absent filter lets every group through. */
export interface ListGroupsRequest {
  /** In Kafka's words, such as `Stable`; from v4 on (KIP-518). */
  readonly states?: readonly string[]
  /** In Kafka's words, such as `classic` or `share`; from v5 on (KIP-848). */
  readonly types?: readonly string[]
}

/** ListGroupsResponse.json: the groups that this broker coordinates. */
export interface ListGroupsResponse {
  readonly throttleMs: number
  readonly error: number
  readonly groups: readonly ListedGroup[]
}

export interface ListedGroup {
  readonly id: string
  /** `consumer` for consumers, empty when nobody ever joined. */
  readonly protocolType: string
  /** From v4 on. */
  readonly state?: string
  /** From v5 on. */
  readonly type?: string
}

/** A filter that the version does not know is left out. */
export function encodeListGroupsRequest(version: number, request: ListGroupsRequest): Buffer {
  const writer = writeBody(api, version)
  if (version >= 4) writer.strings(request.states ?? [])
  if (version >= 5) writer.strings(request.types ?? [])
  writer.tags()
  return writer.finish()
}

export function decodeListGroupsRequest(version: number, body: Buffer): ListGroupsRequest {
  const reader = readBody(api, version, 'request', body)
  const states = version >= 4 ? reader.strings() : []
  const types = version >= 5 ? reader.strings() : []
  reader.tags()
  reader.end()
  return { ...(states.length === 0 ? {} : { states }), ...(types.length === 0 ? {} : { types }) }
}

export function encodeListGroupsResponse(version: number, response: ListGroupsResponse): Buffer {
  const writer = writeBody(api, version, 64 + 48 * response.groups.length)
  if (version >= 1) writer.int32(response.throttleMs)
  writer.int16(response.error)
  writer.count(response.groups.length)
  for (const group of response.groups) {
    writer.string(group.id)
    writer.string(group.protocolType)
    if (version >= 4) writer.string(group.state ?? '')
    if (version >= 5) writer.string(group.type ?? '')
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

export function decodeListGroupsResponse(version: number, body: Buffer): ListGroupsResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = version >= 1 ? reader.int32() : 0
  const error = reader.int16()
  const count = reader.count(2 * reader.stringBytes + reader.tagBytes)
  const cache = createTextCache()
  const groups: ListedGroup[] = []
  for (let index = 0; index < count; index++) {
    const id = reader.string()
    const protocolType = reader.repeatedString(cache)
    if (version < 4) groups.push({ id, protocolType })
    else {
      const state = reader.repeatedString(cache)
      groups.push(
        version < 5 ? { id, protocolType, state } : { id, protocolType, state, type: reader.repeatedString(cache) },
      )
    }
    reader.tags()
  }
  reader.tags()
  reader.end()
  return { throttleMs, error, groups }
}
