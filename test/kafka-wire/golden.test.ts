import { describe, expect, it } from 'vitest'
import { decodeApiVersionsResponse } from '../../src/kafka-wire/api-versions.ts'
import { apis, chooseVersion } from '../../src/kafka-wire/apis.ts'
import { decodeConsumerAssignment } from '../../src/kafka-wire/consumer-assignment.ts'
import { decodeConsumerGroupDescribeResponse } from '../../src/kafka-wire/consumer-group-describe.ts'
import { DEFAULT_SOURCE, decodeDescribeConfigsResponse, TOPIC_SOURCE } from '../../src/kafka-wire/describe-configs.ts'
import { decodeDescribeGroupsResponse } from '../../src/kafka-wire/describe-groups.ts'
import { decodeDescribeLogDirsResponse } from '../../src/kafka-wire/describe-log-dirs.ts'
import { decodeDescribeShareGroupOffsetsResponse, WITH_LAG } from '../../src/kafka-wire/describe-share-group-offsets.ts'
import { errorCodes } from '../../src/kafka-wire/error-codes.ts'
import { decodeFetchResponse } from '../../src/kafka-wire/fetch.ts'
import { decodeFindCoordinatorResponse } from '../../src/kafka-wire/find-coordinator.ts'
import { CLIENT_ID, decodeRequestHeader, decodeResponseHeader } from '../../src/kafka-wire/headers.ts'
import { decodeListGroupsResponse } from '../../src/kafka-wire/list-groups.ts'
import { decodeListOffsetsResponse } from '../../src/kafka-wire/list-offsets.ts'
import { decodeMetadataResponse } from '../../src/kafka-wire/metadata.ts'
import { decodeOffsetFetchResponse } from '../../src/kafka-wire/offset-fetch.ts'
import { decodeOffsetForLeaderEpochResponse } from '../../src/kafka-wire/offset-for-leader-epoch.ts'
import { recordBatches } from '../../src/kafka-wire/record-batch.ts'
import { decodeSaslAuthenticateResponse } from '../../src/kafka-wire/sasl-authenticate.ts'
import { decodeSaslHandshakeResponse } from '../../src/kafka-wire/sasl-handshake.ts'
import { decodeShareGroupDescribeResponse } from '../../src/kafka-wire/share-group-describe.ts'
import { decodeStreamsGroupDescribeResponse } from '../../src/kafka-wire/streams-group-describe.ts'
import type { AssignedTopicId } from '../../src/kafka-wire/topic-assignment.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import { rigUsers } from '../rigs/kafka-users.ts'
import { codecs } from './codecs.ts'
import { authenticateRequests, exchanges, groupKinds, handshakes } from './exchanges.ts'
import { type Golden, goldenFrames } from './golden-frames.ts'
import { scenario } from './scenario.ts'

const frames = goldenFrames()
const { brokerId, topics, recordTimestampMs, missing, live, modern, nobody, sharing, counting } = scenario
const none = errorCodes.NONE
const unknownTopic = errorCodes.UNKNOWN_TOPIC_OR_PARTITION

describe('frames of real brokers', () => {
  it('cover every version that a broker of 1.1 and later speaks', () => {
    for (const broker of ['1.1.1', '3.9.2', '4.3.1']) {
      const recorded = frames.filter(({ facts }) => facts.kafka === broker)
      const ranges = recorded.filter(({ api }) => api === 'ApiVersions').flatMap((frame) => apiRanges(frame))

      const missing = Object.values(apis).flatMap(({ name, key, versions }) =>
        versions
          .filter((version) =>
            ranges.some((range) => range.key === key && range.min <= version && version <= range.max),
          )
          .filter((version) => !recorded.some((frame) => frame.api === name && frame.version === version))
          .map((version) => `${broker} ${name} v${version}`),
      )

      expect(missing).toEqual([])
    }
  })

  it.each(frames)('$name: the request that the broker took is read and written the same', (frame) => {
    const header = decodeRequestHeader(frame.request)

    expect(header).toMatchObject({ version: frame.version, correlation: scenario.correlation, clientId: CLIENT_ID })
    expect(apis[codecOf(frame).api.name].key).toBe(header.key)
    expect(codecOf(frame).recodeRequest(frame.version, header.body)).toEqual(header.body)
  })

  it.each(frames)('$name: the request that we would send today is the one that the broker took', (frame) => {
    const asked = [...exchanges, ...groupKinds, ...handshakes, ...authenticateRequests(rigUsers.admin)]
    const today = asked.find(({ name }) => frame.name.endsWith(` ${name}`))

    expect(decodeRequestHeader(frame.request).body).toEqual(today?.body)
  })

  it.each(frames)('$name: the answer is written as the broker wrote it', (frame) => {
    const codec = codecOf(frame)
    const body = bodyOf(frame)

    const written = codec.recodeResponse(frame.version, body)

    // Their decoders pass over what nobody needs: metadata of commits, changelogs, topic ids.
    if ([apis.OffsetFetch, apis.StreamsGroupDescribe, apis.DescribeShareGroupOffsets].includes(codec.api))
      expect(codec.decodeResponse(frame.version, written)).toEqual(codec.decodeResponse(frame.version, body))
    else expect(written).toEqual(body)
  })
})

describe('what real brokers say is read as what is the case', () => {
  it.each(framesOf('ApiVersions'))('$name', (frame) => {
    const versionOf = (key: number, api = Object.values(apis).find((each) => each.key === key)) => {
      const range = apiRanges(frame).find((each) => each.key === key)
      return api && range && chooseVersion(api, range.min, range.max)
    }

    const chosen = [apis.Metadata, apis.ListOffsets, apis.OffsetFetch, apis.FindCoordinator].map(({ key }) =>
      versionOf(key),
    )

    expect(chosen).toEqual(
      {
        '0.10.2.2': [1, 1, 2, 0],
        '1.1.1': [4, 2, 2, 0],
        '3.9.2': [12, 8, 8, 4],
        '4.3.1': [12, 8, 8, 4],
      }[frame.facts.kafka],
    )
  })

  it.each(framesOf('Metadata'))('$name', (frame) => {
    const { facts, version } = frame
    const named = frame.name.endsWith('-named')
    const metadata = decodeMetadataResponse(version, bodyOf(frame))

    expect(metadata.brokers).toEqual([{ id: brokerId, host: '127.0.0.1', port: facts.port }])
    expect(metadata.controllerId).toBe(version >= 1 ? brokerId : undefined)
    if (version >= 2 && facts.clusterId !== undefined) expect(metadata.clusterId).toBe(facts.clusterId)
    expect(metadata.topics.map(({ name }) => name).sort()).toEqual(
      named ? [missing, 'payments'] : ['__consumer_offsets', 'orders', 'payments'],
    )
    for (const topic of metadata.topics) {
      const count = topic.name === missing ? 0 : topic.name === '__consumer_offsets' ? 5 : partitionsOf(topic.name)
      expect(topic.error).toBe(topic.name === missing ? unknownTopic : none)
      expect(Array.from(topic.partitions).sort()).toEqual(Array.from({ length: count }, (_, index) => index))
      expect(Array.from(topic.leaders)).toEqual(Array.from({ length: count }, () => brokerId))
      expect(Array.from(topic.leaderEpochs)).toEqual(Array.from({ length: count }, () => (version >= 7 ? 0 : -1)))
      expect(Array.from(topic.partitionErrors)).toEqual(Array.from({ length: count }, () => none))
      expect(topic.internal).toBe(version >= 1 && topic.name === '__consumer_offsets')
      expect(topic.id).toBe(version >= 10 ? hexOf(facts.topicIds[topic.name]) : undefined)
    }
  })

  it.each(framesOf('ListOffsets'))('$name', (frame) => {
    const { facts, version } = frame
    const found = decodeListOffsetsResponse(version, bodyOf(frame))
    const rows = found.topics.flatMap((topic, index) =>
      range(found.topicFirst[index], found.topicFirst[index + 1]).map((row) => ({
        topic,
        partition: found.partition[row],
        offset: found.absent[row] === 1 ? undefined : offsetAt(found.offset, row),
        epoch: found.epoch[row],
        error: found.error[row],
        timestamp: found.timestamp[row],
      })),
    )

    const epoch = version >= 4 ? 0 : -1
    const orders = { topic: 'orders', epoch, error: none, timestamp: -1 }
    const byTime = version === 0 ? { offset: 4n, timestamp: -1 } : { offset: 0n, timestamp: recordTimestampMs }
    expect(rows).toHaveLength(5)
    expect(rows).toEqual(
      expect.arrayContaining([
        { ...orders, partition: 0, offset: 7n },
        { ...orders, partition: 1, ...byTime },
        { ...orders, partition: 2, offset: 0n },
        {
          ...orders,
          topic: 'payments',
          partition: 0,
          offset: BigInt(facts.deletesRecords ? scenario.paymentsStart : 0),
        },
        { topic: missing, partition: 0, offset: undefined, epoch: -1, error: unknownTopic, timestamp: -1 },
      ]),
    )
  })

  it.each(framesOf('OffsetFetch'))('$name', (frame) => {
    const { version } = frame
    const fetched = decodeOffsetFetchResponse(version, bodyOf(frame), 'billing')
    const rows = fetched.groups.flatMap(({ id, firstBlock, blocks }) =>
      range(firstBlock, firstBlock + blocks).flatMap((block) =>
        range(fetched.blockFirst[block], fetched.blockFirst[block + 1]).map((row) => ({
          group: id,
          topic: fetched.topics[fetched.blockTopic[block] ?? -1],
          partition: fetched.partition[row],
          offset: fetched.absent[row] === 1 ? undefined : Number(offsetAt(fetched.offset, row)),
          epoch: fetched.epoch[row],
          error: fetched.error[row],
        })),
      ),
    )

    const committed = scenario.commits
      .filter(({ group }) => version >= 8 || group === 'billing')
      .map(({ metadata, ...commit }) => ({ ...commit, epoch: version >= 5 ? 0 : -1, error: none }))
    const uncommitted = (group: string, topic: string, partition: number) => ({
      ...{ group, topic, partition, offset: undefined, epoch: -1, error: none },
    })
    const asked =
      version >= 8
        ? [...range(0, 3).map((partition) => uncommitted(live, 'orders', partition)), uncommitted(live, 'payments', 0)]
        : version === 1
          ? [uncommitted('billing', 'orders', 2)]
          : []
    expect(rows).toHaveLength(committed.length + asked.length)
    expect(rows).toEqual(expect.arrayContaining([...committed, ...asked]))
    expect(fetched.groups.map(({ id, error }) => ({ id, error }))).toEqual(
      (version >= 8 ? ['billing', 'größe', live, nobody] : ['billing']).map((id) => ({ id, error: none })),
    )
    expect(new Set(fetched.topics)).toEqual(new Set(['orders', 'payments']))
  })

  it.each(framesOf('FindCoordinator'))('$name', (frame) => {
    const { coordinators } = decodeFindCoordinatorResponse(frame.version, bodyOf(frame), 'billing')

    const node = { error: none, nodeId: brokerId, host: '127.0.0.1', port: frame.facts.port }
    expect(coordinators).toMatchObject(
      (frame.version >= 4 ? ['billing', 'größe'] : ['billing']).map((key) => ({ key, ...node })),
    )
  })

  it.each(framesOf('ListGroups'))('$name', (frame) => {
    const { facts, version } = frame
    const listed = decodeListGroupsResponse(version, bodyOf(frame))

    const group = (id: string, protocolType: string, state: string, type: string) => ({
      id,
      protocolType,
      ...(version >= 4 && { state }),
      ...(version >= 5 && { type }),
    })
    expect(listed.error).toBe(none)
    expect(listed.groups.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      group('billing', '', 'Empty', 'classic'),
      group('größe', '', 'Empty', 'classic'),
      group(live, 'consumer', 'Stable', 'classic'),
      ...(facts.hasModern ? [group(modern, 'consumer', 'Stable', 'consumer')] : []),
    ])
  })

  it.each(framesOf('DescribeGroups'))('$name', (frame) => {
    const { groups } = decodeDescribeGroupsResponse(frame.version, bodyOf(frame))
    const described = new Map(groups.map((group) => [group.id, group]))

    expect(groups).toHaveLength(3)
    expect(described.get('billing')).toMatchObject({ error: none, state: 'Empty', protocolType: '', members: [] })
    expect(described.get(nobody)).toMatchObject({ error: none, state: 'Dead', members: [] })
    expect(described.get(live)).toMatchObject({ state: 'Stable', protocolType: 'consumer', protocol: 'range' })
    const members = described.get(live)?.members ?? []
    expect(members).toMatchObject([{ clientId: 'consumer-live-1', clientHost: '/127.0.0.1' }])
    const assigned = members.map(({ assignment }) => decodeConsumerAssignment(assignment))
    expect(assigned).toEqual([[{ name: 'orders', partitions: Int32Array.of(0, 1, 2) }]])
  })

  it.each(framesOf('OffsetForLeaderEpoch'))('$name', (frame) => {
    const found = decodeOffsetForLeaderEpochResponse(frame.version, bodyOf(frame))
    const first = (topic: string) => found.topicFirst[found.topics.indexOf(topic)] ?? -1
    const rowOf = (topic: string, partition: number) =>
      range(first(topic), found.partition.length).find((row) => found.partition[row] === partition) ?? -1
    const endOf = (topic: string, partition: number) => {
      const row = rowOf(topic, partition)
      const end = found.absent[row] === 1 ? undefined : offsetAt(found.endOffset, row)
      return { end, epoch: found.epoch[row], error: found.error[row] }
    }

    expect(endOf('orders', 0)).toEqual({ end: 7n, epoch: 0, error: none })
    expect(endOf('orders', 1)).toEqual({ end: 4n, epoch: 0, error: none })
    expect(endOf(missing, 0)).toEqual({ end: undefined, epoch: -1, error: unknownTopic })
  })

  it.each(framesOf('Fetch'))('$name', (frame) => {
    const found = decodeFetchResponse(frame.version, bodyOf(frame))
    const partitionOf = (topic: string, partition: number) =>
      found.topics.find(({ name }) => name === topic)?.partitions.find((one) => one.partition === partition)
    const full = partitionOf('orders', 0)

    // Old brokers look for it only when readers want what is committed.
    const lastStableOffset = frame.facts.kafka === '1.1.1' ? -1n : 7n
    expect(full).toMatchObject({ error: none, highWatermark: 7n, lastStableOffset })
    // A batch is given whole: the offset that was asked for lies in it or is its first.
    const batches = [...recordBatches(full?.records ?? Buffer.alloc(0))]
    expect(batches.reduce((sum, { records }) => sum + records, 0)).toBeGreaterThanOrEqual(2)
    expect(batches.at(-1)).toMatchObject({ lastOffset: 6n, transactional: false, control: false })
    expect([...recordBatches(partitionOf('orders', 2)?.records ?? Buffer.alloc(0))]).toEqual([])
    expect(partitionOf('orders', 1)).toMatchObject({ error: errorCodes.OFFSET_OUT_OF_RANGE })
    expect(partitionOf(missing, 0)).toMatchObject({ error: unknownTopic })
  })

  it.each(framesOf('DescribeLogDirs'))('$name', (frame) => {
    const { error, directories, ...found } = decodeDescribeLogDirsResponse(frame.version, bodyOf(frame))

    expect(error).toBe(none)
    expect(directories.map((directory) => [directory.error, directory.path.startsWith('/')])).toEqual([[none, true]])
    expect(found.topics).toEqual(['orders'])
    expect([...found.partition].toSorted()).toEqual([0, 1])
    // Seven records and four, with little in them.
    expect(found.size.every((bytes) => bytes > 60 && bytes < 1_000)).toBe(true)
    expect([...found.offsetLag]).toEqual([0, 0])
    expect([...found.future]).toEqual([0, 0])
  })

  it.each(framesOf('ConsumerGroupDescribe'))('$name', (frame) => {
    const { facts } = frame
    const { groups } = decodeConsumerGroupDescribeResponse(frame.version, bodyOf(frame))

    // Up to 3.9 the type is a preview that is switched off.
    const refused = facts.hasModern ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.UNSUPPORTED_VERSION
    expect(errorsOf(groups)).toEqual({
      [modern]: facts.hasModern ? none : refused,
      [live]: refused,
      [nobody]: refused,
    })
    if (!facts.hasModern) return
    const group = groups.find(({ id }) => id === modern)
    const payments = [{ id: hexOf(facts.topicIds['payments']), name: 'payments', partitions: [0] }]
    expect(group).toMatchObject({ state: 'Stable', assignor: 'uniform' })
    expect(group?.members.map(({ assignment }) => assignment.map(plain))).toEqual([payments])
    expect(group?.members.map(({ target }) => target.map(plain))).toEqual([payments])
    expect(group?.members).toMatchObject([{ clientHost: '/127.0.0.1', subscribedTopics: ['payments'] }])
  })

  it.each(framesOf('ShareGroupDescribe'))('$name', (frame) => {
    const { groups } = decodeShareGroupDescribeResponse(frame.version, bodyOf(frame))

    expect(errorsOf(groups)).toEqual({
      [sharing]: none,
      [live]: errorCodes.GROUP_ID_NOT_FOUND,
      [nobody]: errorCodes.GROUP_ID_NOT_FOUND,
    })
    const group = groups.find(({ id }) => id === sharing)
    const orders = [{ id: hexOf(frame.facts.topicIds['orders']), name: 'orders', partitions: [0, 1, 2] }]
    expect(group).toMatchObject({ state: 'Stable', assignor: 'simple' })
    expect(group?.members.map(({ assignment }) => assignment.map(plain))).toEqual([orders])
  })

  it.each(framesOf('DescribeShareGroupOffsets'))('$name', (frame) => {
    const found = decodeDescribeShareGroupOffsetsResponse(frame.version, bodyOf(frame))
    const rows = [...found.partition].map((partition, row) => ({
      partition,
      start: found.startAbsent[row] === 1 ? undefined : offsetAt(found.start, row),
      lag: found.lagAbsent[row] === 1 ? undefined : offsetAt(found.lag, row),
      error: found.error[row],
    }))

    expect(found.groups.map(({ id, error, blocks }) => [id, error, blocks])).toEqual([
      [sharing, none, 1],
      [live, none, 0],
      [nobody, none, 0],
    ])
    expect(found.topics).toEqual(['orders'])
    const sorted = rows.toSorted((a, b) => a.partition - b.partition)
    expect(sorted.map(({ partition, error }) => [partition, error])).toEqual([0, 1, 2].map((one) => [one, none]))
    // Of the records of two partitions the member finished two, after the first; nobody could fetch from the empty one.
    expect(sorted.map(({ start }) => start)).toEqual([0n, 0n, undefined])
    const lags = sorted.flatMap(({ lag }) => lag ?? [])
    expect(lags.reduce((sum, lag) => sum + lag, 0n)).toBe(frame.version >= WITH_LAG ? 7n + 4n - 2n : 0n)
    expect(lags).toHaveLength(frame.version >= WITH_LAG ? 2 : 0)
  })

  it.each(framesOf('StreamsGroupDescribe'))('$name', (frame) => {
    const { groups } = decodeStreamsGroupDescribeResponse(frame.version, bodyOf(frame))

    expect(errorsOf(groups)).toEqual({
      [counting]: none,
      [live]: errorCodes.GROUP_ID_NOT_FOUND,
      [nobody]: errorCodes.GROUP_ID_NOT_FOUND,
    })
    const group = groups.find(({ id }) => id === counting)
    expect(group?.state).toBe('Stable')
    expect(group?.topology?.subtopologies).toEqual([
      { id: '0', sourceTopics: ['payments'], repartitionSourceTopics: [] },
      { id: '1', sourceTopics: [], repartitionSourceTopics: [`${counting}-between-repartition`] },
    ])
    const all = [
      { subtopology: '0', partitions: Int32Array.of(0) },
      { subtopology: '1', partitions: Int32Array.of(0) },
    ]
    expect(group?.members).toMatchObject([{ clientHost: '/127.0.0.1', tasks: all, targetTasks: all }])
  })

  it.each(framesOf('DescribeConfigs'))('$name', (frame) => {
    const { resources } = decodeDescribeConfigsResponse(frame.version, bodyOf(frame))
    const [orders, payments, unknown] = ['orders', 'payments', missing].map((topic) =>
      resources.find(({ name }) => name === topic),
    )
    const valuesOf = (configs: readonly { readonly name: string; readonly value?: string }[] = []) =>
      Object.fromEntries(configs.map(({ name, value }) => [name, value]))

    // What the broker does not know it leaves out.
    expect(valuesOf(orders?.configs)).toEqual({ 'cleanup.policy': 'delete', 'retention.ms': '-1' })
    const sources = Object.fromEntries((orders?.configs ?? []).map(({ name, source }) => [name, source]))
    // New brokers do not fill in the field of v0.
    if (frame.version >= 1) expect(sources).toEqual({ 'cleanup.policy': DEFAULT_SOURCE, 'retention.ms': TOPIC_SOURCE })
    expect(valuesOf(payments?.configs)).toMatchObject({
      'message.timestamp.type': 'CreateTime',
      'retention.bytes': '-1',
      'retention.ms': '-1',
    })
    // 1.1 tells the defaults of the broker for a topic that is not there.
    const ofMissing = frame.facts.kafka === '1.1.1' ? none : unknownTopic
    expect([orders?.error, payments?.error, unknown?.error]).toEqual([none, none, ofMissing])
    const types = new Set((orders?.configs ?? []).map(({ valueType }) => valueType !== 0))
    expect(types).toEqual(new Set([frame.version >= 3]))
  })

  it.each(framesOf('SaslHandshake'))('$name', (frame) => {
    const { error, mechanisms } = decodeSaslHandshakeResponse(frame.version, bodyOf(frame))

    expect(error).toBe(none)
    expect(mechanisms.toSorted()).toEqual(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
  })

  it.each(framesOf('SaslAuthenticate'))('$name', (frame) => {
    const { error, errorMessage, bytes } = decodeSaslAuthenticateResponse(frame.version, bodyOf(frame))

    const refused = frame.name.endsWith('-refused')
    expect(error).toBe(refused ? errorCodes.SASL_AUTHENTICATION_FAILED : none)
    if (refused) expect(errorMessage).toMatch(/invalid (username or password|credentials)/i)
    expect(bytes).toHaveLength(0)
  })
})

function framesOf(api: string): readonly Golden[] {
  return frames.filter((frame) => frame.api === api)
}

function codecOf(frame: Golden) {
  const codec = codecs.find(({ api }) => api.name === frame.api)
  if (codec === undefined) throw new Error(`No codec for "${frame.api}"`)
  return codec
}

function bodyOf(frame: Golden): Buffer {
  const { correlation, body } = decodeResponseHeader(codecOf(frame).api, frame.version, frame.response)
  expect(correlation).toBe(scenario.correlation)
  return body
}

function apiRanges(frame: Golden) {
  return decodeApiVersionsResponse(frame.version, bodyOf(frame)).ranges
}

function errorsOf(groups: readonly { readonly id: string; readonly error: number }[]): Record<string, number> {
  return Object.fromEntries(groups.map(({ id, error }) => [id, error]))
}

function plain({ partitions, ...topic }: AssignedTopicId) {
  return { ...topic, partitions: [...partitions].toSorted((a, b) => a - b) }
}

function partitionsOf(topic: string): number {
  return Object.entries(topics).find(([name]) => name === topic)?.[1].length ?? 0
}

function hexOf(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64url').toString('hex')
}

function range(start = 0, end = 0): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, index) => start + index)
}
