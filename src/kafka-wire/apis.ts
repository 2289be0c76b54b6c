import { InvariantError } from '../runtime/errors.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

/** One of Kafka's APIs, as far as we speak it. */
export interface Api {
  readonly key: number
  readonly name: ApiName
  /** The versions we ask for, ascending. The codecs read and write every version between the first and the last. */
  readonly versions: readonly number[]
  /** First version with compact types and tag buffers (KIP-482). */
  readonly flexibleFrom: number
}

export type ApiName =
  | 'Fetch'
  | 'ListOffsets'
  | 'Metadata'
  | 'OffsetFetch'
  | 'FindCoordinator'
  | 'DescribeGroups'
  | 'ListGroups'
  | 'SaslHandshake'
  | 'ApiVersions'
  | 'OffsetForLeaderEpoch'
  | 'DescribeConfigs'
  | 'DescribeLogDirs'
  | 'SaslAuthenticate'
  | 'ConsumerGroupDescribe'
  | 'ShareGroupDescribe'
  | 'StreamsGroupDescribe'
  | 'DescribeShareGroupOffsets'

/**
 * The APIs and versions that cover Kafka 0.8.2 to 4.x, read only.
 *
 * - ListOffsets: v0 up to 0.10.0, v1 for 0.10.1+, v2 isolation level, v4 leader epochs, v7 maximum timestamp (KIP-734),
 *   v8 start of the local log (KIP-405).
 * - Metadata: v1 racks and controller, v4 can forbid topic creation, v10 topic ids, v12 what 4.x likes best.
 * - OffsetFetch: v1 named partitions, v2 all of a group, v5 leader epochs, v8 many groups (KIP-709). From v10 on
 *   topics have only ids.
 * - FindCoordinator: v4 many keys (KIP-699).
 * - ListGroups: v4 states (KIP-518), v5 types (KIP-848).
 * - Fetch: v4 record batches (0.11+), the lowest that 4.x takes.
 * - DescribeConfigs: v0 for 0.11 and 1.0, v1 the lowest that 4.x takes, v4 compact types.
 * - DescribeLogDirs: v3 error of the whole answer.
 * - DescribeShareGroupOffsets: v1 the lag of each partition (KIP-1226, Kafka 4.2).
 */
export const apis: { readonly [Name in ApiName]: Api } = {
  Fetch: { key: 1, name: 'Fetch', versions: [4], flexibleFrom: 12 },
  ListOffsets: { key: 2, name: 'ListOffsets', versions: [0, 1, 2, 4, 7, 8], flexibleFrom: 6 },
  Metadata: { key: 3, name: 'Metadata', versions: [0, 1, 4, 10, 12], flexibleFrom: 9 },
  OffsetFetch: { key: 9, name: 'OffsetFetch', versions: [1, 2, 5, 8], flexibleFrom: 6 },
  FindCoordinator: { key: 10, name: 'FindCoordinator', versions: [0, 4], flexibleFrom: 3 },
  DescribeGroups: { key: 15, name: 'DescribeGroups', versions: [0, 5], flexibleFrom: 5 },
  ListGroups: { key: 16, name: 'ListGroups', versions: [0, 4, 5], flexibleFrom: 3 },
  SaslHandshake: { key: 17, name: 'SaslHandshake', versions: [0, 1], flexibleFrom: Number.POSITIVE_INFINITY },
  ApiVersions: { key: 18, name: 'ApiVersions', versions: [0], flexibleFrom: 3 },
  OffsetForLeaderEpoch: { key: 23, name: 'OffsetForLeaderEpoch', versions: [2], flexibleFrom: 4 },
  DescribeConfigs: { key: 32, name: 'DescribeConfigs', versions: [0, 1, 4], flexibleFrom: 4 },
  DescribeLogDirs: { key: 35, name: 'DescribeLogDirs', versions: [0, 1, 3], flexibleFrom: 2 },
  SaslAuthenticate: { key: 36, name: 'SaslAuthenticate', versions: [0, 1], flexibleFrom: 2 },
  ConsumerGroupDescribe: { key: 69, name: 'ConsumerGroupDescribe', versions: [0], flexibleFrom: 0 },
  ShareGroupDescribe: { key: 77, name: 'ShareGroupDescribe', versions: [1], flexibleFrom: 0 },
  StreamsGroupDescribe: { key: 89, name: 'StreamsGroupDescribe', versions: [0], flexibleFrom: 0 },
  DescribeShareGroupOffsets: { key: 90, name: 'DescribeShareGroupOffsets', versions: [0, 1], flexibleFrom: 0 },
}

/** The highest of our versions that a broker with this range takes; undefined when there is none. */
export function chooseVersion(api: Api, brokerMin: number, brokerMax: number): number | undefined {
  return api.versions.findLast((version) => version >= brokerMin && version <= brokerMax)
}

/** A reader of one request or response body, header excluded. */
export function readBody(api: Api, version: number, kind: 'request' | 'response', body: Buffer): Reader {
  assertSpoken(api, version)
  return new Reader(body, `${api.name} v${version} ${kind}`, version >= api.flexibleFrom)
}

/** A writer of one request or response body, header excluded. */
export function writeBody(api: Api, version: number, sizeHint?: number): Writer {
  assertSpoken(api, version)
  return new Writer(version >= api.flexibleFrom, sizeHint)
}

function assertSpoken(api: Api, version: number): void {
  const first = api.versions[0] ?? 0
  const last = api.versions.at(-1) ?? -1
  if (version < first || version > last)
    throw new InvariantError(`Use ${api.name} v${version}: not spoken, expected v${first} to v${last}`)
}
