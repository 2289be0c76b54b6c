import { type Api, apis } from './apis.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

export const CLIENT_ID = 'lagkeeper'

export interface RequestHeader {
  readonly key: number
  readonly version: number
  readonly correlation: number
  readonly clientId?: string
}

/** The header of a request: v2 with a tag buffer for flexible versions, else v1 (RequestHeader.json). */
export function encodeRequestHeader(api: Api, version: number, correlation: number): Buffer {
  // The client id keeps its old form in every version, so that any broker can read the header of ApiVersions.
  const writer = new Writer(false, 32)
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(correlation)
  writer.string(CLIENT_ID)
  if (version >= api.flexibleFrom) writer.unsignedVarint(0)
  return writer.finish()
}

/** Splits a request into header and body; the header of an API that we do not know is read as v1. */
export function decodeRequestHeader(frame: Buffer): RequestHeader & { readonly body: Buffer } {
  const reader = new Reader(frame, 'request header')
  const key = reader.int16()
  const version = reader.int16()
  const correlation = reader.int32()
  const clientId = reader.nullableString()
  const flexibleFrom = flexibleByKey.get(key) ?? Number.POSITIVE_INFINITY
  const body = version >= flexibleFrom ? afterTags(reader.rest(), 'request header') : reader.rest()
  return { key, version, correlation, ...(clientId === undefined ? {} : { clientId }), body }
}

/** The header of a response: v1 with a tag buffer for flexible versions, else v0 (ResponseHeader.json). */
export function encodeResponseHeader(api: Api, version: number, correlation: number): Buffer {
  const writer = new Writer(hasTags(api, version), 8)
  writer.int32(correlation)
  writer.tags()
  return writer.finish()
}

/** Splits a response to a request of this API and version into its correlation id and its body. */
export function decodeResponseHeader(
  api: Api,
  version: number,
  frame: Buffer,
): { readonly correlation: number; readonly body: Buffer } {
  const reader = new Reader(frame, `${api.name} v${version} response header`, hasTags(api, version))
  const correlation = reader.int32()
  reader.tags()
  return { correlation, body: reader.rest() }
}

/** ApiVersions keeps header v0 for ever: its asker cannot know yet what the broker speaks (KIP-511). */
function hasTags(api: Api, version: number): boolean {
  return version >= api.flexibleFrom && api !== apis.ApiVersions
}

function afterTags(bytes: Buffer, what: string): Buffer {
  const reader = new Reader(bytes, what, true)
  reader.tags()
  return reader.rest()
}

const flexibleByKey: ReadonlyMap<number, number> = new Map(
  Object.values(apis).map((api) => [api.key, api.flexibleFrom]),
)
