import { apis, readBody, writeBody } from './apis.ts'

const api = apis.ApiVersions

export interface ApiVersionRange {
  readonly key: number
  readonly min: number
  readonly max: number
}

/** ApiVersionsResponse.json. A broker that does not know the version asked for answers error 35 in the form of v0. */
export interface ApiVersionsResponse {
  readonly error: number
  readonly ranges: readonly ApiVersionRange[]
}

/** ApiVersionsRequest.json: empty up to v2. */
export function encodeApiVersionsRequest(version: number): Buffer {
  return writeBody(api, version).finish()
}

export function decodeApiVersionsRequest(version: number, body: Buffer): void {
  readBody(api, version, 'request', body).end()
}

export function encodeApiVersionsResponse(version: number, response: ApiVersionsResponse): Buffer {
  const writer = writeBody(api, version)
  writer.int16(response.error)
  writer.count(response.ranges.length)
  for (const range of response.ranges) {
    writer.int16(range.key)
    writer.int16(range.min)
    writer.int16(range.max)
  }
  return writer.finish()
}

export function decodeApiVersionsResponse(version: number, body: Buffer): ApiVersionsResponse {
  const reader = readBody(api, version, 'response', body)
  const error = reader.int16()
  const count = reader.count(6)
  const ranges: ApiVersionRange[] = []
  for (let index = 0; index < count; index++) {
    ranges.push({ key: reader.int16(), min: reader.int16(), max: reader.int16() })
  }
  reader.end()
  return { error, ranges }
}
