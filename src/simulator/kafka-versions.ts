import { type ApiName, apis } from '../kafka-wire/apis.ts'

/** The lines of Kafka that the simulator plays. */
export type KafkaLine = '0.8.2' | '0.9' | '0.10.0' | '0.10.2' | '0.11' | '1.1' | '2.8' | '3.9' | '4.3'

export type Ranges = { readonly [Name in ApiName]?: readonly [min: number, max: number] }

/**
 * The versions that real brokers of each line take, of the APIs that we speak. From 0.10.0 on recorded from the answers
 * of 0.10.0.1, 0.10.2.2, 0.11.0.3, 1.1.1, 2.8.2, 3.9.2 and 4.3.1 to ApiVersions; older ones have no such request.
 */
export const realRanges: { readonly [Line in KafkaLine]: Ranges } = {
  '0.8.2': { Fetch: [0, 0], ListOffsets: [0, 0], Metadata: [0, 0], OffsetFetch: [0, 1], FindCoordinator: [0, 0] },
  '0.9': {
    Fetch: [0, 1],
    ListOffsets: [0, 0],
    Metadata: [0, 0],
    OffsetFetch: [0, 1],
    FindCoordinator: [0, 0],
    DescribeGroups: [0, 0],
    ListGroups: [0, 0],
  },
  '0.10.0': {
    Fetch: [0, 2],
    ListOffsets: [0, 0],
    Metadata: [0, 1],
    OffsetFetch: [0, 1],
    FindCoordinator: [0, 0],
    DescribeGroups: [0, 0],
    ListGroups: [0, 0],
    SaslHandshake: [0, 0],
    ApiVersions: [0, 0],
  },
  '0.10.2': {
    Fetch: [0, 3],
    ListOffsets: [0, 1],
    Metadata: [0, 2],
    OffsetFetch: [0, 2],
    FindCoordinator: [0, 0],
    DescribeGroups: [0, 0],
    ListGroups: [0, 0],
    SaslHandshake: [0, 0],
    ApiVersions: [0, 0],
  },
  '0.11': {
    Fetch: [0, 5],
    ListOffsets: [0, 2],
    Metadata: [0, 4],
    OffsetFetch: [0, 3],
    FindCoordinator: [0, 1],
    DescribeGroups: [0, 1],
    ListGroups: [0, 1],
    SaslHandshake: [0, 0],
    ApiVersions: [0, 1],
    DescribeConfigs: [0, 0],
    OffsetForLeaderEpoch: [0, 0],
  },
  '1.1': {
    Fetch: [0, 7],
    DescribeLogDirs: [0, 0],
    ListOffsets: [0, 2],
    Metadata: [0, 5],
    OffsetFetch: [0, 3],
    FindCoordinator: [0, 1],
    DescribeGroups: [0, 1],
    ListGroups: [0, 1],
    SaslHandshake: [0, 1],
    ApiVersions: [0, 1],
    DescribeConfigs: [0, 1],
    OffsetForLeaderEpoch: [0, 0],
    SaslAuthenticate: [0, 0],
  },
  '2.8': {
    Fetch: [0, 12],
    DescribeLogDirs: [0, 2],
    ListOffsets: [0, 6],
    Metadata: [0, 11],
    OffsetFetch: [0, 7],
    FindCoordinator: [0, 3],
    DescribeGroups: [0, 5],
    ListGroups: [0, 4],
    SaslHandshake: [0, 1],
    ApiVersions: [0, 3],
    DescribeConfigs: [0, 4],
    OffsetForLeaderEpoch: [0, 4],
    SaslAuthenticate: [0, 2],
  },
  '3.9': {
    Fetch: [0, 17],
    DescribeLogDirs: [0, 4],
    ListOffsets: [0, 9],
    Metadata: [0, 12],
    OffsetFetch: [0, 9],
    FindCoordinator: [0, 6],
    DescribeGroups: [0, 5],
    ListGroups: [0, 5],
    SaslHandshake: [0, 1],
    ApiVersions: [0, 4],
    DescribeConfigs: [0, 4],
    OffsetForLeaderEpoch: [0, 4],
    SaslAuthenticate: [0, 2],
    ConsumerGroupDescribe: [0, 0],
  },
  '4.3': {
    Fetch: [4, 18],
    DescribeLogDirs: [1, 5],
    ListOffsets: [1, 11],
    Metadata: [0, 13],
    OffsetFetch: [1, 10],
    FindCoordinator: [0, 6],
    DescribeGroups: [0, 6],
    ListGroups: [0, 5],
    SaslHandshake: [0, 1],
    ApiVersions: [0, 4],
    DescribeConfigs: [1, 4],
    OffsetForLeaderEpoch: [2, 4],
    SaslAuthenticate: [0, 2],
    ConsumerGroupDescribe: [0, 1],
    ShareGroupDescribe: [1, 1],
    StreamsGroupDescribe: [0, 0],
    DescribeShareGroupOffsets: [0, 1],
  },
}

/** What a simulated broker serves and advertises: the real ranges as far as our codecs go. */
export function servedRanges(line: KafkaLine): Ranges {
  const served: { [Name in ApiName]?: [number, number] } = {}
  for (const api of Object.values(apis)) {
    const [min, max] = realRanges[line][api.name] ?? [0, -1]
    const first = Math.max(min, api.versions[0] ?? 0)
    const last = Math.min(max, api.versions.at(-1) ?? -1)
    if (first <= last) served[api.name] = [first, last]
  }
  return served
}

/**
 * What a broker does with a request that it does not know: 0.8.2 and everything from 0.10 on close the connection,
 * 0.9 keeps it open and says nothing (measured on 0.8.2.2 and 0.9.0.1).
 */
export function onUnknownRequest(line: KafkaLine): 'close' | 'silence' {
  return line === '0.9' ? 'silence' : 'close'
}
