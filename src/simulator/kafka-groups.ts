import { type OffsetColumn, offsetColumn, setOffset } from '../model/offsets.ts'

type GroupState =
  | 'Stable'
  | 'Empty'
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Assigning'
  | 'Reconciling'
  | 'NotReady'
  | 'Dead'
type GroupType = 'classic' | 'consumer' | 'share' | 'streams'

export interface SimulatedGroup {
  readonly id: string
  readonly state: GroupState
  readonly type: GroupType
  /** Empty while nobody ever joined. */
  readonly protocolType: string
  readonly protocol: string
  readonly members: readonly SimulatedMember[]
  /** What the members of a streams group do between them; without it nobody has told. */
  readonly topology?: readonly SimulatedSubtopology[]
  /** By topic, in the order of the first commit. */
  readonly commits: Map<string, Commits>
  /** Of a share group, by topic and partition, in the order in which they were first set. */
  readonly shares: Map<string, Map<number, ShareState>>
}

export interface SimulatedMember {
  readonly id: string
  readonly clientId: string
  readonly instanceId?: string
  /** Partitions by topic; in a streams group tasks by subtopology. */
  readonly assignment: Readonly<Record<string, readonly number[]>>
  /** What it shall have; the same as it has unless said otherwise. */
  readonly target: Readonly<Record<string, readonly number[]>>
  /** In place of the encoded assignment: members of classic groups may write anything there. */
  readonly assignmentBytes?: Buffer
}

interface SimulatedSubtopology {
  readonly id: string
  readonly sourceTopics: readonly string[]
  readonly repartitionSourceTopics?: readonly string[]
}

/** Where a share group stands in one partition. */
export interface ShareState {
  /** The first record that is not finished; absent while no member has fetched. */
  readonly start?: bigint
  /** Records after `start` that are finished all the same; absent when the broker does not know (before 4.2). */
  readonly finished?: bigint
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
  readonly topology?: readonly SimulatedSubtopology[]
  readonly members?: readonly Partial<Omit<SimulatedMember, 'id'>>[]
}

/** The groups of a simulated cluster. */
export interface Groups {
  /** In the order of creation. */
  readonly all: ReadonlyMap<string, SimulatedGroup>
  /** Commits without being a member; makes the group if need be, and takes any topic, partition and offset ≥ 0. */
  commit(group: string, topic: string, partition: number, offset: bigint, epoch?: number): void
  /** As when the commit expires. */
  forget(group: string, topic: string, partition: number): void
  /** Makes or changes a group. Members make it `Stable` with the protocol type of its type unless said otherwise. */
  setGroup(group: string, change: GroupChange): void
  /** Where a share group stands in a partition; undefined takes its state away. */
  share(group: string, topic: string, partition: number, state: ShareState | undefined): void
  removeGroup(group: string): void
  /** What brokers do when a topic is deleted. */
  forgetTopic(topic: string): void
}

/** `partitionsOf` says how many partitions a topic has, so that columns need not grow; 0 for one that is unknown. */
export function createGroups(partitionsOf: (topic: string) => number): Groups {
  const all = new Map<string, SimulatedGroup>()

  function commitsOf(id: string, topic: string, partition: number): Commits {
    const group = all.get(id) ?? put(newGroup(id))
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
      const known = all.get(id) ?? newGroup(id)
      const type = change.type ?? known.type
      const joined = members === undefined || members.length === 0 ? {} : joinedBy(members, type)
      put({ ...known, ...(members?.length === 0 ? { state: 'Empty', members: [] } : joined), ...change })
    },
    share(id, topic, partition, state) {
      const { shares } = all.get(id) ?? put({ ...newGroup(id), type: 'share', protocolType: 'share' })
      const states = shares.get(topic) ?? new Map<number, ShareState>()
      shares.set(topic, states)
      if (state === undefined) states.delete(partition)
      else states.set(partition, state)
    },
    removeGroup(group) {
      all.delete(group)
    },
    forgetTopic(topic) {
      for (const { commits, shares } of all.values()) {
        commits.delete(topic)
        shares.delete(topic)
      }
    },
  }
}

function newGroup(id: string): SimulatedGroup {
  return {
    id,
    state: 'Empty',
    type: 'classic',
    protocolType: '',
    protocol: '',
    members: [],
    commits: new Map(),
    shares: new Map(),
  }
}

function joinedBy(members: NonNullable<GroupChange['members']>, type: GroupType): Partial<SimulatedGroup> {
  return {
    state: 'Stable',
    protocolType: type === 'classic' ? 'consumer' : type,
    protocol: 'range',
    members: members.map((member, index) => {
      const clientId = member.clientId ?? `client-${index + 1}`
      const id = `${clientId}-${String(index + 1).padStart(8, '0')}`
      return { assignment: {}, target: member.assignment ?? {}, ...member, id, clientId }
    }),
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
