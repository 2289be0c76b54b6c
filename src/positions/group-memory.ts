import type { AssignedTopic } from '../kafka-wire/consumer-assignment.ts'
import type { ListedGroup } from '../kafka-wire/list-groups.ts'
import type { Consumer, ConsumerKind } from '../model/consumer.ts'
import { consumerName } from '../model/consumer.ts'

/** A group that some coordinator listed. */
export interface KnownGroup {
  readonly id: string
  /** The broker that listed it last: whoever lists a group coordinates it. */
  readonly coordinator: number
  readonly kind: ConsumerKind
  /** In Kafka's words; absent before ListGroups v4 until the group was described. */
  readonly state?: string
  /** False on brokers before 2.6, where only a description tells the state. */
  readonly stateIsListed: boolean
  readonly members?: readonly { readonly assignment: readonly AssignedTopic[] }[]
  /** The cycle in which it was described last. */
  readonly describedAt?: number
  /** Complete listings in a row that did not name it. */
  readonly missed: number
  /** Its coordinator lists only groups with members, and it has none now; its commits can still be read. */
  readonly unlisted?: boolean
}

/** A group is gone only after this many complete listings without it: one answer can be wrong during a failover. */
const GONE_AFTER = 3

const kinds: Readonly<Record<string, ConsumerKind>> = {
  classic: 'classic',
  consumer: 'consumer',
  share: 'share',
  streams: 'streams',
}

/**
 * The groups known after one more round of listings. Groups that are not about reading topics (Connect workers) are left out.
 *
 * @param hidesEmpty whether a broker lists no group without members, as all before 0.10.1 do: a consumer that has
 *   stopped is not gone there, and its lag is what one wants to know
 */
export function remember(
  before: ReadonlyMap<string, KnownGroup>,
  listings: readonly { readonly broker: number; readonly groups: readonly ListedGroup[] }[],
  complete: boolean,
  hidesEmpty: (broker: number) => boolean,
): ReadonlyMap<string, KnownGroup> {
  const now = new Map<string, KnownGroup>()
  for (const { broker, groups } of listings)
    for (const listed of groups) {
      const kind = kindOf(listed)
      if (kind === undefined) continue
      const was = before.get(listed.id)
      const state = listed.state ?? was?.state
      const same = was !== undefined && was.state === state && was.coordinator === broker
      if (same && was.kind === kind && was.missed === 0 && was.unlisted !== true) {
        now.set(listed.id, was)
        continue
      }
      now.set(listed.id, {
        id: listed.id,
        coordinator: broker,
        kind,
        stateIsListed: listed.state !== undefined,
        missed: 0,
        ...(state === undefined ? {} : { state }),
        ...(same && was.unlisted !== true && was.members !== undefined ? { members: was.members } : {}),
        ...(same && was.unlisted !== true && was.describedAt !== undefined ? { describedAt: was.describedAt } : {}),
      })
    }
  for (const [id, was] of before) {
    if (now.has(id)) continue
    if (complete && hidesEmpty(was.coordinator)) {
      const { state: _, ...rest } = was
      now.set(id, { ...rest, members: [], unlisted: true })
      continue
    }
    const missed = complete ? was.missed + 1 : was.missed
    if (missed < GONE_AFTER) now.set(id, { ...was, missed })
  }
  return now
}

function kindOf(listed: ListedGroup): ConsumerKind | undefined {
  const kind = kinds[(listed.type ?? '').toLowerCase()]
  if (kind !== undefined && kind !== 'classic') return kind
  // Empty when nobody ever joined: positions that were committed without membership, as Flink does.
  return listed.protocolType === 'consumer' || listed.protocolType === '' ? 'classic' : undefined
}

/** The consumer behind a group. */
export function asConsumer(group: KnownGroup): Consumer {
  const members = group.state === 'Empty' ? 0 : group.members?.length
  return {
    name: consumerName(group.id),
    kind: group.kind,
    group: group.id,
    ...(group.state === undefined ? {} : { state: group.state }),
    ...(members === undefined ? {} : { members }),
  }
}
