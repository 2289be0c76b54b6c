import { encodeApiVersionsRequest } from '../../src/kafka-wire/api-versions.ts'
import { type Api, apis } from '../../src/kafka-wire/apis.ts'
import { encodeConsumerGroupDescribeRequest } from '../../src/kafka-wire/consumer-group-describe.ts'
import { encodeDescribeConfigsRequest, TOPIC_RESOURCE } from '../../src/kafka-wire/describe-configs.ts'
import { encodeDescribeGroupsRequest } from '../../src/kafka-wire/describe-groups.ts'
import { encodeDescribeLogDirsRequest } from '../../src/kafka-wire/describe-log-dirs.ts'
import { encodeDescribeShareGroupOffsetsRequest } from '../../src/kafka-wire/describe-share-group-offsets.ts'
import { encodeFetchRequest } from '../../src/kafka-wire/fetch.ts'
import { encodeFindCoordinatorRequest, GROUP_KEY } from '../../src/kafka-wire/find-coordinator.ts'
import { encodeListGroupsRequest } from '../../src/kafka-wire/list-groups.ts'
import { EARLIEST, encodeListOffsetsRequest, LATEST } from '../../src/kafka-wire/list-offsets.ts'
import { encodeMetadataRequest } from '../../src/kafka-wire/metadata.ts'
import { encodeOffsetFetchRequest } from '../../src/kafka-wire/offset-fetch.ts'
import { encodeOffsetForLeaderEpochRequest } from '../../src/kafka-wire/offset-for-leader-epoch.ts'
import { encodeSaslAuthenticateRequest } from '../../src/kafka-wire/sasl-authenticate.ts'
import { encodeSaslHandshakeRequest } from '../../src/kafka-wire/sasl-handshake.ts'
import { encodeShareGroupDescribeRequest } from '../../src/kafka-wire/share-group-describe.ts'
import { encodeStreamsGroupDescribeRequest } from '../../src/kafka-wire/streams-group-describe.ts'
import { scenario } from './scenario.ts'

/** One request to record; `name` is its file. */
export interface Exchange {
  readonly name: string
  readonly api: Api
  readonly version: number
  readonly body: Buffer
}

const { counting, live, missing, modern, nobody, recordTimestampMs, sharing } = scenario

const asked = [
  { name: 'orders', partitions: [0, 1, 2] },
  { name: 'payments', partitions: [0] },
]

/** Everything that is asked over a connection without SASL. */
export const exchanges: readonly Exchange[] = [
  ...each(apis.ApiVersions, encodeApiVersionsRequest),
  ...each(apis.Metadata, (version) => encodeMetadataRequest(version, {})),
  // Before v4 a topic that is asked for by name may be created.
  ...each(
    apis.Metadata,
    (version) => encodeMetadataRequest(version, { topics: ['payments', missing] }),
    '-named',
  ).filter(({ version }) => version >= 4),
  ...each(apis.ListOffsets, (version) =>
    encodeListOffsetsRequest(version, {
      isolation: 0,
      timestamp: LATEST,
      topics: [
        {
          name: 'orders',
          partitions: [0, 1, 2],
          timestamps: [LATEST, version === 0 ? LATEST : recordTimestampMs, LATEST],
        },
        { name: 'payments', partitions: [0], timestamps: [EARLIEST] },
        { name: missing, partitions: [0] },
      ],
    }),
  ),
  ...each(apis.FindCoordinator, (version) =>
    encodeFindCoordinatorRequest(version, {
      keyType: GROUP_KEY,
      keys: version < 4 ? ['billing'] : ['billing', 'größe'],
    }),
  ),
  ...each(apis.OffsetFetch, (version) =>
    encodeOffsetFetchRequest(version, {
      groups:
        version >= 8
          ? [{ id: 'billing' }, { id: 'größe' }, { id: live, topics: asked }, { id: nobody }]
          : [version >= 2 ? { id: 'billing' } : { id: 'billing', topics: asked }],
    }),
  ),
  ...each(apis.ListGroups, (version) => encodeListGroupsRequest(version, {})),
  ...each(apis.DescribeGroups, (version) =>
    encodeDescribeGroupsRequest(version, { groups: ['billing', live, nobody] }),
  ),
  ...each(apis.OffsetForLeaderEpoch, (version) =>
    encodeOffsetForLeaderEpochRequest(version, {
      topics: [
        { name: 'orders', partitions: [0, 1], leaderEpochs: [0, 0] },
        { name: missing, partitions: [0], leaderEpochs: [3] },
      ],
    }),
  ),
  ...each(apis.Fetch, (version) =>
    encodeFetchRequest(version, {
      maxBytes: 65_536,
      topics: [
        {
          name: 'orders',
          partitions: [
            { partition: 0, offset: 5n, maxBytes: 4_096 },
            { partition: 2, offset: 0n, maxBytes: 4_096 },
            { partition: 1, offset: 100n, maxBytes: 4_096 },
          ],
        },
        { name: missing, partitions: [{ partition: 0, offset: 0n, maxBytes: 4_096 }] },
      ],
    }),
  ),
  ...each(apis.DescribeLogDirs, (version) =>
    encodeDescribeLogDirsRequest(version, {
      topics: [
        { name: 'orders', partitions: [0, 1] },
        { name: missing, partitions: [0] },
      ],
    }),
  ),
  ...each(apis.DescribeConfigs, (version) =>
    encodeDescribeConfigsRequest(version, {
      resources: [
        { type: TOPIC_RESOURCE, name: 'orders', keys: ['cleanup.policy', 'retention.ms', 'no.such.key'] },
        { type: TOPIC_RESOURCE, name: 'payments' },
        { type: TOPIC_RESOURCE, name: missing, keys: ['retention.ms'] },
      ],
    }),
  ),
]

/** Asked last, when members of the newer group types have joined: they bring topics of their own. */
export const groupKinds: readonly Exchange[] = [
  ...each(apis.ConsumerGroupDescribe, (version) =>
    encodeConsumerGroupDescribeRequest(version, { groups: [modern, live, nobody] }),
  ),
  ...each(apis.ShareGroupDescribe, (version) =>
    encodeShareGroupDescribeRequest(version, { groups: [sharing, live, nobody] }),
  ),
  ...each(apis.DescribeShareGroupOffsets, (version) =>
    encodeDescribeShareGroupOffsetsRequest(version, { groups: [sharing, live, nobody] }),
  ),
  ...each(apis.StreamsGroupDescribe, (version) =>
    encodeStreamsGroupDescribeRequest(version, { groups: [counting, live, nobody] }),
  ),
]

/** SaslHandshake is asked on a SASL listener, which is where it is at home. */
export const handshakes: readonly Exchange[] = each(apis.SaslHandshake, (version) =>
  encodeSaslHandshakeRequest(version, { mechanism: 'PLAIN' }),
)

/** One step of PLAIN each, with the right password and with a wrong one. */
export function authenticateRequests(password: string): readonly Exchange[] {
  const token = (secret: string) => Buffer.from(`\0admin\0${secret}`)
  return [
    ...each(apis.SaslAuthenticate, (version) => encodeSaslAuthenticateRequest(version, { bytes: token(password) })),
    ...each(
      apis.SaslAuthenticate,
      (version) => encodeSaslAuthenticateRequest(version, { bytes: token('no') }),
      '-refused',
    ),
  ]
}

function each(api: Api, encode: (version: number) => Buffer, suffix = ''): Exchange[] {
  return api.versions.map((version) => ({
    name: `${api.name}-v${version}${suffix}`,
    api,
    version,
    body: encode(version),
  }))
}
