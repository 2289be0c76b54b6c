import { encodeConsumerAssignment } from '../kafka-wire/consumer-assignment.ts'
import {
  type DescribedGroup,
  decodeDescribeGroupsRequest,
  encodeDescribeGroupsResponse,
  type GroupMember,
} from '../kafka-wire/describe-groups.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  type Coordinator,
  decodeFindCoordinatorRequest,
  encodeFindCoordinatorResponse,
  GROUP_KEY,
} from '../kafka-wire/find-coordinator.ts'
import { decodeListGroupsRequest, encodeListGroupsResponse } from '../kafka-wire/list-groups.ts'
import type { Asked } from './answer.ts'
import type { SimulatedGroup, SimulatedMember } from './kafka-groups.ts'

export function answerFindCoordinator(asked: Asked): Buffer {
  const { keyType, keys } = decodeFindCoordinatorRequest(asked.version, asked.body)
  const coordinators = keys.map((key) => findCoordinator(asked, keyType, key))
  return encodeFindCoordinatorResponse(asked.version, { throttleMs: asked.throttleMs, coordinators })
}

function findCoordinator({ state, brokers, forced }: Asked, keyType: number, key: string): Coordinator {
  const denied = keyType === GROUP_KEY && state.denied.groups.has(key)
  const error = forced || (denied ? errorCodes.GROUP_AUTHORIZATION_FAILED : 0)
  const found = error === 0 ? brokers.find(({ id }) => id === state.coordinatorOf(key)) : undefined
  if (found !== undefined) return { key, error, nodeId: found.id, host: found.host, port: found.port }
  return { key, error: error || errorCodes.COORDINATOR_NOT_AVAILABLE, nodeId: -1, host: '', port: -1 }
}

export function answerListGroups(asked: Asked): Buffer {
  const { state, broker, version, throttleMs } = asked
  const { states, types } = decodeListGroupsRequest(version, asked.body)
  const error = asked.forced || (state.isLoading(broker) ? errorCodes.COORDINATOR_LOAD_IN_PROGRESS : 0)
  const groups = [...state.groups.values()].filter(
    (group) =>
      error === 0 &&
      state.coordinatorOf(group.id) === broker &&
      !state.denied.groups.has(group.id) &&
      lets(states, group.state) &&
      lets(types, group.type),
  )
  return encodeListGroupsResponse(version, { throttleMs, error, groups })
}

/** Clients write the words of a filter in any case. */
function lets(filter: readonly string[] | undefined, value: string): boolean {
  return filter === undefined || filter.some((word) => word.toLowerCase() === value.toLowerCase())
}

export function answerDescribeGroups(asked: Asked): Buffer {
  const ids = decodeDescribeGroupsRequest(asked.version, asked.body).groups
  const groups = ids.map((id) => describeGroup(asked, id))
  return encodeDescribeGroupsResponse(asked.version, { throttleMs: asked.throttleMs, groups })
}

/** Up to v5 a group that is not there, or not of the classic type, is `Dead` without an error. */
function describeGroup(asked: Asked, id: string): DescribedGroup {
  const error = groupRefusal(asked, id)
  const group = asked.state.groups.get(id)
  if (error !== 0 || group === undefined || group.type !== 'classic')
    return { error, id, state: error === 0 ? 'Dead' : '', protocolType: '', protocol: '', members: [] }
  return { error, id, state: group.state, protocolType: group.protocolType, ...described(group) }
}

/** A broker tells what members agreed on only while that stands. */
function described({ state, protocol, members }: SimulatedGroup): Pick<DescribedGroup, 'protocol' | 'members'> {
  const isStable = state === 'Stable'
  return { protocol: isStable ? protocol : '', members: members.map((member) => describeMember(member, isStable)) }
}

function describeMember(member: SimulatedMember, isStable: boolean): GroupMember {
  const { id, clientId, instanceId, assignment, assignmentBytes } = member
  const topics = Object.entries(assignment).map(([name, partitions]) => ({
    name,
    partitions: Int32Array.from(partitions),
  }))
  return {
    id,
    ...(instanceId === undefined ? {} : { instanceId }),
    clientId,
    clientHost: '/127.0.0.1',
    metadata: Buffer.alloc(0),
    assignment: isStable ? (assignmentBytes ?? encodeConsumerAssignment(3, topics)) : Buffer.alloc(0),
  }
}

/** Why the asked broker does not answer for a group; 0 when it does. */
export function groupRefusal({ state, broker, forced }: Asked, group: string): number {
  if (forced !== 0) return forced
  if (state.denied.groups.has(group)) return errorCodes.GROUP_AUTHORIZATION_FAILED
  if (state.coordinatorOf(group) !== broker) return errorCodes.NOT_COORDINATOR
  return state.isLoading(broker) ? errorCodes.COORDINATOR_LOAD_IN_PROGRESS : 0
}
