import type { AssignedTopic } from '../kafka-wire/consumer-assignment.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import type { ListedGroup } from '../kafka-wire/list-groups.ts'
import type { Consumer, ConsumerKind } from '../model/consumer.ts'
import { consumerName } from '../model/consumer.ts'
import type { Description } from './describe-groups.ts'

/** A group that some coordinator listed. */
export interface KnownGroup {
  readonly id: string
  /** The broker that counts: whoever lists a group coordinates it, and of two the one that still answers for it. */
  readonly coordinator: number
  /** Other brokers that list it too, as one does for a moment after a coordinator has moved. */
  readonly rivals?: readonly number[]
  readonly kind: ConsumerKind
  /** False before ListGroups v5 (Kafka 3.8): only a description tells a group of KIP-848 from a classic one. */
  readonly kindIsListed: boolean
  /** In Kafka's words; absent before ListGroups v4 until the group was described. */
  readonly state?: string
  /** False on brokers before 2.6, where only a description tells the state. */
  readonly stateIsListed: boolean
  /** How many members the last description named; absent when not known. */
  readonly members?: number
  /** What its members have, or shall have, between them: sorted by topic, the partitions ascending. */
  readonly assigned?: readonly AssignedTopic[]
  /** The broker describes no members, since they read topics that we may not describe. */
  readonly partial?: true
  /** The cycle in which it was described last. */
  readonly describedAt?: number
  /** Complete listings in a row that did not name it. */
  readonly missed: number
  /** Monotonic milliseconds of the first of them. */
  readonly missedSince?: number
  /** Nobody lists it, because we may not describe it: whether it is still there, nobody tells us. */
  readonly hidden?: true
  /** Its coordinator lists only groups with members, and it has none now; its commits can still be read. */
  readonly unlisted?: boolean
  /** Nobody has listed it: it has a name elsewhere, and may have commits. */
  readonly isGuess?: true
}

/** A group is gone only after this many complete listings without it: one answer can be wrong during a failover. */
const GONE_AFTER = 3
/**
 * While its coordinator has left the cluster, as in a restart, nobody may list it until another has loaded it: only then
 * is it gone when it was missed for so long, which is as long as its rows are held.
 */
const GONE_AFTER_MS = 90_000

const kinds: ReadonlyMap<string, ConsumerKind> = new Map([
  ['classic', 'classic'],
  ['consumer', 'consumer'],
  ['share', 'share'],
  ['streams', 'streams'],
])

/** The answer of one broker to ListGroups. */
export interface Listing {
  readonly broker: number
  readonly groups: readonly ListedGroup[]
}

/** One round of them. */
export interface Listings {
  readonly of: readonly Listing[]
  /** Every broker that the cluster names now has answered. */
  readonly complete: boolean
  /** Monotonic milliseconds. */
  readonly at: number
}

/**
 * The groups known after one more round of listings. Groups that are not about reading topics (Connect workers) are left
 * out; the groups of Connect's sinks are consumers like any other.
 *
 * @param hidesEmpty whether a broker lists no group without members, as all before 0.10.1 do: a consumer that has
 *   stopped is not gone there, and its lag is what one wants to know
 */
export function remember(
  before: ReadonlyMap<string, KnownGroup>,
  { of: listings, complete, at }: Listings,
  hidesEmpty: (broker: number) => boolean,
): ReadonlyMap<string, KnownGroup> {
  const now = new Map<string, KnownGroup>()
  const answering = new Set(listings.map(({ broker }) => broker))
  // By broker, so that of two that list a group always the same one comes first, whichever answered first.
  for (const { broker, groups } of [...listings].sort((a, b) => a.broker - b.broker))
    for (const listed of groups) {
      const was = before.get(listed.id)
      const kind = kindOf(listed, was)
      if (kind === undefined) continue
      const group = listedAgain(was, listed, kind, broker)
      const other = now.get(listed.id)
      now.set(listed.id, other === undefined ? group : withRival(other, group, was?.coordinator))
    }
  for (const [id, was] of before) {
    if (now.has(id)) continue
    if (complete && hidesEmpty(was.coordinator)) {
      const { state: _, assigned: __, ...rest } = was
      now.set(id, { ...rest, members: 0, unlisted: true })
      continue
    }
    if (!complete) {
      now.set(id, was)
      continue
    }
    const missed = was.missed + 1
    const missedSince = was.missedSince ?? at
    const isGone = missed >= GONE_AFTER && (answering.has(was.coordinator) || at - missedSince >= GONE_AFTER_MS)
    if (was.hidden === true || !isGone) now.set(id, { ...was, missed, missedSince })
  }
  return now
}

/**
 * What is known of a group that a broker lists. Members and their partitions stand until they are described anew, also
 * through a rebalance, a move or a change of kind: what was expected to be read is still expected.
 */
function listedAgain(was: KnownGroup | undefined, listed: ListedGroup, kind: ConsumerKind, broker: number): KnownGroup {
  const state = listed.state ?? was?.state
  const kindIsListed = kinds.has((listed.type ?? '').toLowerCase())
  const isSame = was !== undefined && was.state === state && was.coordinator === broker && was.kind === kind
  const isReturned = was?.unlisted === true
  if (isSame && was.missed === 0 && !isReturned && was.rivals === undefined && was.kindIsListed === kindIsListed)
    return was
  const stands = was !== undefined && !isReturned && state !== 'Empty' && state !== 'Dead'
  return {
    id: listed.id,
    coordinator: broker,
    kind,
    kindIsListed,
    stateIsListed: listed.state !== undefined,
    missed: 0,
    ...(state === undefined ? {} : { state }),
    ...(stands && was.members !== undefined ? { members: was.members } : {}),
    ...(stands && was.assigned !== undefined ? { assigned: was.assigned } : {}),
    ...(stands && was.partial === true ? { partial: true } : {}),
    ...(isSame && !isReturned && was.describedAt !== undefined ? { describedAt: was.describedAt } : {}),
  }
}

/** Two brokers list one group: the one that answered for it so far counts, else the first. */
function withRival(first: KnownGroup, second: KnownGroup, coordinator: number | undefined): KnownGroup {
  const [chosen, other] = second.coordinator === coordinator ? [second, first] : [first, second]
  return { ...chosen, rivals: [...(first.rivals ?? []), other.coordinator] }
}

function kindOf(listed: ListedGroup, was: KnownGroup | undefined): ConsumerKind | undefined {
  const kind = kinds.get((listed.type ?? '').toLowerCase())
  if (kind !== undefined && kind !== 'classic') return kind
  // Empty when nobody ever joined: positions that were committed without membership, as Flink does.
  if (listed.protocolType === 'consumer' || listed.protocolType === '')
    return kind ?? (was?.kind === 'consumer' ? was.kind : 'classic')
  if (kind === undefined && (listed.protocolType === 'share' || listed.protocolType === 'streams'))
    return listed.protocolType
  return undefined
}

/** A group by what its coordinator said of it; undefined when that says nothing. */
export function describedAs(
  group: KnownGroup,
  kind: ConsumerKind,
  { error, state, members, assigned }: Description,
  cycle: number,
): KnownGroup | undefined {
  if (error === errorCodes.TOPIC_AUTHORIZATION_FAILED) {
    const { members: _, assigned: __, ...rest } = group
    return { ...rest, partial: true, describedAt: cycle }
  }
  if (error !== errorCodes.NONE) return undefined
  const { partial: _, ...rest } = group
  return { ...rest, kind, state, members, describedAt: cycle, ...(assigned === undefined ? {} : { assigned }) }
}

const consumers = new WeakMap<KnownGroup, Consumer>()

/** The consumer behind a group; the same object for as long as nothing of the group changes. */
export function asConsumer(group: KnownGroup): Consumer {
  const known = consumers.get(group)
  if (known !== undefined) return known
  const members = group.state === 'Empty' ? 0 : group.members
  const consumer: Consumer = {
    name: consumerName(group.id),
    kind: group.kind,
    group: group.id,
    ...(group.state === undefined ? {} : { state: group.state }),
    ...(members === undefined ? {} : { members }),
    ...(group.partial === true ? { partial: true } : {}),
  }
  consumers.set(group, consumer)
  return consumer
}
