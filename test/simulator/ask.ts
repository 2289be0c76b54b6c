import { apis } from '../../src/kafka-wire/apis.ts'
import { decodeDescribeGroupsResponse, encodeDescribeGroupsRequest } from '../../src/kafka-wire/describe-groups.ts'
import { errorName } from '../../src/kafka-wire/error-codes.ts'
import {
  decodeFindCoordinatorResponse,
  encodeFindCoordinatorRequest,
  GROUP_KEY,
} from '../../src/kafka-wire/find-coordinator.ts'
import { decodeListGroupsResponse, encodeListGroupsRequest } from '../../src/kafka-wire/list-groups.ts'
import { decodeListOffsetsResponse, encodeListOffsetsRequest, LATEST } from '../../src/kafka-wire/list-offsets.ts'
import { decodeMetadataResponse, encodeMetadataRequest } from '../../src/kafka-wire/metadata.ts'
import { decodeOffsetFetchResponse, encodeOffsetFetchRequest } from '../../src/kafka-wire/offset-fetch.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import { askOnce } from '../contract/kafka-socket.ts'

/** An offset where there is one, else the broker's error. */
export async function askOffset(
  address: string,
  topic: string,
  partition: number,
  { timestamp = LATEST, isolation = 0 }: { readonly timestamp?: number; readonly isolation?: 0 | 1 } = {},
): Promise<bigint | string> {
  const topics = [{ name: topic, partitions: [partition] }]
  const body = encodeListOffsetsRequest(8, { isolation, timestamp, topics })
  const answer = decodeListOffsetsResponse(8, await askOnce(address, 'ListOffsets', 8, body))
  return answer.absent[0] === 1 ? errorName(answer.error[0] ?? 0) : offsetAt(answer.offset, 0)
}

/** Committed offsets by `topic-partition`, or the group's error. */
export async function askCommits(address: string, group: string): Promise<Record<string, bigint> | string> {
  const body = encodeOffsetFetchRequest(8, { groups: [{ id: group }] })
  const answer = decodeOffsetFetchResponse(8, await askOnce(address, 'OffsetFetch', 8, body))
  const error = answer.groups[0]?.error ?? 0
  if (error !== 0) return errorName(error)
  const commits: Record<string, bigint> = {}
  for (const [block, topic] of answer.blockTopic.entries())
    for (let row = answer.blockFirst[block]!; row < answer.blockFirst[block + 1]!; row++)
      commits[`${answer.topics[topic]}-${answer.partition[row]}`] = offsetAt(answer.offset, row)
  return commits
}

export async function askMetadata(address: string, topics?: readonly string[]) {
  const body = encodeMetadataRequest(12, topics === undefined ? {} : { topics })
  return decodeMetadataResponse(12, await askOnce(address, 'Metadata', 12, body))
}

/** Ids of the groups that a broker lists, or its error. */
export async function askGroups(address: string): Promise<readonly string[] | string> {
  const { error, groups } = decodeListGroupsResponse(
    5,
    await askOnce(address, 'ListGroups', 5, encodeListGroupsRequest(5, {})),
  )
  return error === 0 ? groups.map(({ id }) => id) : errorName(error)
}

/** Id of the coordinator, or the broker's error. */
export async function askCoordinator(address: string, group: string): Promise<number | string> {
  const body = encodeFindCoordinatorRequest(4, { keyType: GROUP_KEY, keys: [group] })
  const answer = decodeFindCoordinatorResponse(4, await askOnce(address, 'FindCoordinator', 4, body))
  const [coordinator] = answer.coordinators
  return coordinator?.error === 0 ? coordinator.nodeId : errorName(coordinator?.error ?? 0)
}

/** A group's state, or its error. */
export async function askState(address: string, group: string): Promise<string> {
  const body = encodeDescribeGroupsRequest(5, { groups: [group] })
  const [answer] = decodeDescribeGroupsResponse(5, await askOnce(address, 'DescribeGroups', 5, body)).groups
  return answer?.error === 0 ? answer.state : errorName(answer?.error ?? 0)
}

export const metadataRequest = { api: apis.Metadata, version: 12, body: encodeMetadataRequest(12, { topics: [] }) }
