import { encodeConsumerAssignment } from '../kafka-wire/consumer-assignment.ts'
import type { GroupMember } from '../kafka-wire/describe-groups.ts'
import { type OffsetColumn, offsetColumn, setOffset } from '../model/offsets.ts'

type GroupState = 'Stable' | 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Dead'
type GroupType = 'classic' | 'consumer' | 'share' | 'streams'

export interface SimulatedGroup {
  readonly id: string
  readonly state: GroupState
  readonly type: GroupType
  /** Empty while nobody ever joined. */
  readonly protocolType: string
  readonly protocol: string
  readonly members: readonly GroupMember[]
  /** By topic, in the order of the first commit. */
  readonly commits: Map<string, Commits>
}

/** What a group has committed for one topic: an entry a partition up to the largest that was ever committed. */
export interface Commits {
  readonly offset: OffsetColumn
  /** 1 where nothing is committed. */
  readonly absent: Uint8Array
  readonly epoch: Int32Array
}

interface GroupChange {
  readonly state?: GroupState
  readonly type?: GroupType
  readonly protocolType?: string
  readonly members?: readonly MemberOptions[]
}

interface MemberOptions {
  readonly clientId?: string
  readonly instanceId?: string
  /** Partitions by topic. */
  readonly assignment?: Readonly<Record<string, readonly number[]>>
  /** In place of the encoded assignment: members may write anything there. */
  readonly assignmentBytes?: Buffer
}

/** The groups of a simulated cluster. */
export interface Groups {
  /** In the order of creation. */
  readonly all: ReadonlyMap<string, SimulatedGroup>
  /** Commits without being a member; makes the group if need be, and takes any topic, partition and offset ≥ 0. */
  commit(group: string, topic: string, partition: number, offset: bigint, epoch?: number): void
  /** As when the commit expires. */
  forget(group: string, topic: string, partition: number): void
  /** Makes or changes a group. Members make it `Stable` with protocol type `consumer` unless said otherwise. */
  setGroup(group: string, change: GroupChange): void
  removeGroup(group: string): void
  /** What brokers do when a topic is deleted. */
  forgetTopic(topic: string): void
}

/** `partitionsOf` says how many partitions a topic has, so that columns need not grow; 0 for one that is unknown. */
export function createGroups(partitionsOf: (topic: string) => number): Groups {
  const all = new Map<string, SimulatedGroup>()

  function commitsOf(id: string, topic: string, partition: number): Commits {
    const group = all.get(id) ?? put({ ...nobody, id, commits: new Map() })
    const known = group.commits.get(topic)
    if (known !== undefined && partition < known.absent.length) return known
    const commits = grown(known, Math.max(partition + 1, partitionsOf(topic)))
    group.commits.set(topic, commits)
    return commits
  }

  function put(group: SimulatedGroup): SimulatedGroup {
    all.set(group.id, group)
    return group
  }

  return {
    all,
    commit(group, topic, partition, offset, epoch = -1) {
      const commits = commitsOf(group, topic, partition)
      setOffset(commits.offset, partition, offset)
      commits.absent[partition] = 0
      commits.epoch[partition] = epoch
    },
    forget(group, topic, partition) {
      const commits = all.get(group)?.commits.get(topic)
      if (commits !== undefined) commits.absent[partition] = 1
    },
    setGroup(id, { members, ...change }) {
      const known = all.get(id) ?? { ...nobody, id, commits: new Map() }
      const joined = members === undefined || members.length === 0 ? {} : joinedBy(members)
      put({ ...known, ...(members?.length === 0 ? { state: 'Empty', members: [] } : joined), ...change })
    },
    removeGroup(group) {
      all.delete(group)
    },
    forgetTopic(topic) {
      for (const group of all.values()) group.commits.delete(topic)
    },
  }
}

const nobody = { state: 'Empty', type: 'classic', protocolType: '', protocol: '', members: [] } as const

function joinedBy(members: readonly MemberOptions[]): Partial<SimulatedGroup> {
  return {
    state: 'Stable',
    protocolType: 'consumer',
    protocol: 'range',
    members: members.map((member, index) => describeMember(member, index)),
  }
}

function describeMember(member: MemberOptions, index: number): GroupMember {
  const { clientId = `client-${index + 1}`, instanceId, assignment = {} } = member
  const topics = Object.entries(assignment).map(([name, partitions]) => ({
    name,
    partitions: Int32Array.from(partitions),
  }))
  return {
    id: `${clientId}-${String(index + 1).padStart(8, '0')}`,
    ...(instanceId === undefined ? {} : { instanceId }),
    clientId,
    clientHost: '/127.0.0.1',
    metadata: Buffer.alloc(0),
    assignment: member.assignmentBytes ?? encodeConsumerAssignment(3, topics),
  }
}

function grown(old: Commits | undefined, partitions: number): Commits {
  const commits = {
    offset: offsetColumn(partitions),
    absent: new Uint8Array(partitions).fill(1),
    epoch: new Int32Array(partitions).fill(-1),
  }
  if (old === undefined) return commits
  commits.offset.set(old.offset)
  commits.absent.set(old.absent)
  commits.epoch.set(old.epoch)
  return commits
}
