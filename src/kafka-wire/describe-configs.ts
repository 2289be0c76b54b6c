import { apis, readBody, writeBody } from './apis.ts'
import type { Reader } from './reader.ts'
import { createTextCache, type TextCache } from './text-cache.ts'

const api = apis.DescribeConfigs

/** Resource type of a topic (org.apache.kafka.common.config.ConfigResource.Type). */
export const TOPIC_RESOURCE = 2
/** A value that nobody has set, and one that is set on the topic itself (DescribeConfigsResponse.ConfigSource). */
export const DEFAULT_SOURCE = 5
export const TOPIC_SOURCE = 1

/** DescribeConfigsRequest.json, without synonyms and documentation, which are never asked for. */
export interface DescribeConfigsRequest {
  readonly resources: readonly {
    readonly type: number
    readonly name: string
    /** Absent = every key. */
    readonly keys?: readonly string[]
  }[]
}

/** DescribeConfigsResponse.json. */
export interface DescribeConfigsResponse {
  readonly throttleMs: number
  readonly resources: readonly DescribedResource[]
}

export interface DescribedResource {
  /** For a topic that is not there 1.1 tells the defaults of the broker, and no error. */
  readonly error: number
  readonly errorMessage?: string
  readonly type: number
  readonly name: string
  /** Keys that the broker does not know are left out by it. */
  readonly configs: readonly DescribedConfig[]
}

interface DescribedConfig {
  readonly name: string
  /** Absent where the broker does not show it. */
  readonly value?: string
  readonly readOnly: boolean
  /**
   * v0 tells no more than whether a value is set: `DEFAULT_SOURCE` or `TOPIC_SOURCE`; and brokers that know later
   * versions always say `TOPIC_SOURCE` there (3.9).
   */
  readonly source: number
  readonly sensitive: boolean
  /** From v3 on (KIP-569), else 0: not known. */
  readonly valueType: number
}

export function encodeDescribeConfigsRequest(version: number, { resources }: DescribeConfigsRequest): Buffer {
  const writer = writeBody(api, version)
  writer.count(resources.length)
  for (const { type, name, keys } of resources) {
    writer.int8(type)
    writer.string(name)
    writer.strings(keys)
    writer.tags()
  }
  if (version >= 1) writer.boolean(false)
  if (version >= 3) writer.boolean(false)
  writer.tags()
  return writer.finish()
}

export function decodeDescribeConfigsRequest(version: number, body: Buffer): DescribeConfigsRequest {
  const reader = readBody(api, version, 'request', body)
  const resources: DescribeConfigsRequest['resources'][number][] = []
  for (let left = reader.count(1 + reader.stringBytes + reader.arrayBytes + reader.tagBytes); left > 0; left--) {
    const head = { type: reader.int8(), name: reader.string() }
    const keys = reader.nullableStrings()
    reader.tags()
    resources.push({ ...head, ...(keys === undefined ? {} : { keys }) })
  }
  if (version >= 1) reader.boolean()
  if (version >= 3) reader.boolean()
  reader.tags()
  reader.end()
  return { resources }
}

/** Takes the shape that the decoder returns. */
export function encodeDescribeConfigsResponse(version: number, response: DescribeConfigsResponse): Buffer {
  const writer = writeBody(api, version)
  writer.int32(response.throttleMs)
  writer.count(response.resources.length)
  for (const { error, errorMessage, type, name, configs } of response.resources) {
    writer.int16(error)
    writer.nullableString(errorMessage)
    writer.int8(type)
    writer.string(name)
    writer.count(configs.length)
    for (const config of configs) {
      writer.string(config.name)
      writer.nullableString(config.value)
      writer.boolean(config.readOnly)
      if (version === 0) writer.boolean(config.source === DEFAULT_SOURCE)
      else writer.int8(config.source)
      writer.boolean(config.sensitive)
      if (version >= 1) writer.count(0)
      if (version >= 3) {
        writer.int8(config.valueType)
        writer.nullableString(undefined)
      }
      writer.tags()
    }
    writer.tags()
  }
  writer.tags()
  return writer.finish()
}

/** Passes over synonyms and documentation. */
export function decodeDescribeConfigsResponse(version: number, body: Buffer): DescribeConfigsResponse {
  const reader = readBody(api, version, 'response', body)
  const names = createTextCache()
  const throttleMs = reader.int32()
  const resources: DescribedResource[] = []
  const resourceBytes = 3 + 2 * reader.stringBytes + reader.arrayBytes + reader.tagBytes
  for (let left = reader.count(resourceBytes); left > 0; left--) {
    const error = reader.int16()
    const errorMessage = reader.nullableString()
    const head = { type: reader.int8(), name: reader.string() }
    const configs: DescribedConfig[] = []
    for (let more = reader.count(configBytes(reader, version)); more > 0; more--)
      configs.push(readConfig(reader, version, names))
    reader.tags()
    resources.push({ error, ...(errorMessage === undefined ? {} : { errorMessage }), ...head, configs })
  }
  reader.tags()
  reader.end()
  return { throttleMs, resources }
}

function configBytes({ stringBytes, arrayBytes, tagBytes }: Reader, version: number): number {
  const typed = version >= 3 ? 1 + stringBytes : 0
  return 2 * stringBytes + 3 + (version >= 1 ? arrayBytes : 0) + typed + tagBytes
}

function readConfig(reader: Reader, version: number, names: TextCache): DescribedConfig {
  const name = reader.repeatedString(names)
  const value = reader.nullableString()
  const readOnly = reader.boolean()
  const source = version === 0 ? (reader.boolean() ? DEFAULT_SOURCE : TOPIC_SOURCE) : reader.int8()
  const sensitive = reader.boolean()
  if (version >= 1) skipSynonyms(reader)
  const valueType = version >= 3 ? reader.int8() : 0
  if (version >= 3) reader.skipString()
  reader.tags()
  return { name, ...(value === undefined ? {} : { value }), readOnly, source, sensitive, valueType }
}

function skipSynonyms(reader: Reader): void {
  for (let left = reader.count(2 * reader.stringBytes + 1 + reader.tagBytes); left > 0; left--) {
    reader.skipString()
    reader.skipString()
    reader.int8()
    reader.tags()
  }
}
