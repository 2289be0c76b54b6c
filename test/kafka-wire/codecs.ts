import {
  decodeApiVersionsRequest,
  decodeApiVersionsResponse,
  encodeApiVersionsRequest,
  encodeApiVersionsResponse,
} from '../../src/kafka-wire/api-versions.ts'
import { type Api, type ApiName, apis } from '../../src/kafka-wire/apis.ts'
import {
  decodeConsumerGroupDescribeRequest,
  decodeConsumerGroupDescribeResponse,
  encodeConsumerGroupDescribeRequest,
  encodeConsumerGroupDescribeResponse,
} from '../../src/kafka-wire/consumer-group-describe.ts'
import {
  decodeDescribeConfigsRequest,
  decodeDescribeConfigsResponse,
  encodeDescribeConfigsRequest,
  encodeDescribeConfigsResponse,
} from '../../src/kafka-wire/describe-configs.ts'
import {
  decodeDescribeGroupsRequest,
  decodeDescribeGroupsResponse,
  encodeDescribeGroupsRequest,
  encodeDescribeGroupsResponse,
} from '../../src/kafka-wire/describe-groups.ts'
import {
  decodeDescribeLogDirsRequest,
  decodeDescribeLogDirsResponse,
  encodeDescribeLogDirsRequest,
  encodeDescribeLogDirsResponse,
} from '../../src/kafka-wire/describe-log-dirs.ts'
import {
  decodeDescribeShareGroupOffsetsRequest,
  decodeDescribeShareGroupOffsetsResponse,
  encodeDescribeShareGroupOffsetsRequest,
  encodeDescribeShareGroupOffsetsResponse,
} from '../../src/kafka-wire/describe-share-group-offsets.ts'
import {
  decodeFetchRequest,
  decodeFetchResponse,
  encodeFetchRequest,
  encodeFetchResponse,
} from '../../src/kafka-wire/fetch.ts'
import {
  decodeFindCoordinatorRequest,
  decodeFindCoordinatorResponse,
  encodeFindCoordinatorRequest,
  encodeFindCoordinatorResponse,
} from '../../src/kafka-wire/find-coordinator.ts'
import {
  decodeListGroupsRequest,
  decodeListGroupsResponse,
  encodeListGroupsRequest,
  encodeListGroupsResponse,
} from '../../src/kafka-wire/list-groups.ts'
import {
  decodeListOffsetsRequest,
  decodeListOffsetsResponse,
  encodeListOffsetsRequest,
  encodeListOffsetsResponse,
} from '../../src/kafka-wire/list-offsets.ts'
import {
  decodeMetadataRequest,
  decodeMetadataResponse,
  encodeMetadataRequest,
  encodeMetadataResponse,
} from '../../src/kafka-wire/metadata.ts'
import {
  decodeOffsetFetchRequest,
  decodeOffsetFetchResponse,
  encodeOffsetFetchRequest,
  encodeOffsetFetchResponse,
} from '../../src/kafka-wire/offset-fetch.ts'
import * as epochs from '../../src/kafka-wire/offset-for-leader-epoch.ts'
import {
  decodeSaslAuthenticateRequest,
  decodeSaslAuthenticateResponse,
  encodeSaslAuthenticateRequest,
  encodeSaslAuthenticateResponse,
} from '../../src/kafka-wire/sasl-authenticate.ts'
import {
  decodeSaslHandshakeRequest,
  decodeSaslHandshakeResponse,
  encodeSaslHandshakeRequest,
  encodeSaslHandshakeResponse,
} from '../../src/kafka-wire/sasl-handshake.ts'
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

/** The codec of one API with its types put aside, for tests that treat all of them alike. */
export interface Codec {
  readonly api: Api
  decodeRequest(version: number, body: Buffer): unknown
  decodeResponse(version: number, body: Buffer): unknown
  /** What the encoder makes of what the decoder returns. */
  recodeRequest(version: number, body: Buffer): Buffer
  recodeResponse(version: number, body: Buffer): Buffer
}

function codec<Request, Response>(
  name: ApiName,
  decodeRequest: (version: number, body: Buffer) => Request,
  encodeRequest: (version: number, request: Request) => Buffer,
  decodeResponse: (version: number, body: Buffer) => Response,
  encodeResponse: (version: number, response: Response) => Buffer,
): Codec {
  return {
    api: apis[name],
    decodeRequest,
    decodeResponse,
    recodeRequest: (version, body) => encodeRequest(version, decodeRequest(version, body)),
    recodeResponse: (version, body) => encodeResponse(version, decodeResponse(version, body)),
  }
}

export const codecs: readonly Codec[] = [
  codec(
    'ApiVersions',
    decodeApiVersionsRequest,
    encodeApiVersionsRequest,
    decodeApiVersionsResponse,
    encodeApiVersionsResponse,
  ),
  codec('Metadata', decodeMetadataRequest, encodeMetadataRequest, decodeMetadataResponse, encodeMetadataResponse),
  codec(
    'ListOffsets',
    decodeListOffsetsRequest,
    encodeListOffsetsRequest,
    decodeListOffsetsResponse,
    encodeListOffsetsResponse,
  ),
  codec(
    'FindCoordinator',
    decodeFindCoordinatorRequest,
    encodeFindCoordinatorRequest,
    decodeFindCoordinatorResponse,
    encodeFindCoordinatorResponse,
  ),
  codec(
    'OffsetFetch',
    decodeOffsetFetchRequest,
    encodeOffsetFetchRequest,
    decodeOffsetFetchResponse,
    encodeOffsetFetchResponse,
  ),
  codec(
    'ListGroups',
    decodeListGroupsRequest,
    encodeListGroupsRequest,
    decodeListGroupsResponse,
    encodeListGroupsResponse,
  ),
  codec(
    'DescribeGroups',
    decodeDescribeGroupsRequest,
    encodeDescribeGroupsRequest,
    decodeDescribeGroupsResponse,
    encodeDescribeGroupsResponse,
  ),
  codec(
    'SaslHandshake',
    decodeSaslHandshakeRequest,
    encodeSaslHandshakeRequest,
    decodeSaslHandshakeResponse,
    encodeSaslHandshakeResponse,
  ),
  codec(
    'SaslAuthenticate',
    decodeSaslAuthenticateRequest,
    encodeSaslAuthenticateRequest,
    decodeSaslAuthenticateResponse,
    encodeSaslAuthenticateResponse,
  ),
  codec(
    'OffsetForLeaderEpoch',
    epochs.decodeOffsetForLeaderEpochRequest,
    epochs.encodeOffsetForLeaderEpochRequest,
    epochs.decodeOffsetForLeaderEpochResponse,
    epochs.encodeOffsetForLeaderEpochResponse,
  ),
  codec('Fetch', decodeFetchRequest, encodeFetchRequest, decodeFetchResponse, encodeFetchResponse),
  codec(
    'DescribeConfigs',
    decodeDescribeConfigsRequest,
    encodeDescribeConfigsRequest,
    decodeDescribeConfigsResponse,
    encodeDescribeConfigsResponse,
  ),
  codec(
    'DescribeLogDirs',
    decodeDescribeLogDirsRequest,
    encodeDescribeLogDirsRequest,
    decodeDescribeLogDirsResponse,
    encodeDescribeLogDirsResponse,
  ),
  codec(
    'ConsumerGroupDescribe',
    decodeConsumerGroupDescribeRequest,
    encodeConsumerGroupDescribeRequest,
    decodeConsumerGroupDescribeResponse,
    encodeConsumerGroupDescribeResponse,
  ),
  codec(
    'ShareGroupDescribe',
    decodeShareGroupDescribeRequest,
    encodeShareGroupDescribeRequest,
    decodeShareGroupDescribeResponse,
    encodeShareGroupDescribeResponse,
  ),
  codec(
    'StreamsGroupDescribe',
    decodeStreamsGroupDescribeRequest,
    encodeStreamsGroupDescribeRequest,
    decodeStreamsGroupDescribeResponse,
    encodeStreamsGroupDescribeResponse,
  ),
  codec(
    'DescribeShareGroupOffsets',
    decodeDescribeShareGroupOffsetsRequest,
    encodeDescribeShareGroupOffsetsRequest,
    decodeDescribeShareGroupOffsetsResponse,
    encodeDescribeShareGroupOffsetsResponse,
  ),
]

/** Every version that the codec of an API reads and writes, also those we never ask for. */
export function everyVersion(api: Api): number[] {
  const first = api.versions[0] ?? 0
  const last = api.versions.at(-1) ?? -1
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
