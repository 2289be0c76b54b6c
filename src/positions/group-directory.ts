import type { KafkaCluster } from '../kafka/cluster.ts'
import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import type { Catalog } from '../model/catalog.ts'
import type { ConsumerKind } from '../model/consumer.ts'
import type { Problem } from '../model/problem.ts'
import { turn } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { createGroupDescriber, type Description } from './describe-groups.ts'
import { findCoordinators } from './find-coordinators.ts'
import { describedAs, type KnownGroup, remember } from './group-memory.ts'
import { createGroupRights } from './group-rights.ts'
import { listGroups } from './list-groups.ts'
import { createNamedGroups } from './named-groups.ts'
import { ALL_TOPICS } from './read-groups.ts'

/** Which groups there are, who coordinates them, and who is in them; kept from cycle to cycle. */
export interface GroupDirectory {
  all(): Iterable<KnownGroup>
  get(id: string): KnownGroup | undefined
  forget(id: string): void
  /** We may not describe it, and that is why nobody lists it. */
  hide(id: string): void
  /** False for a guess, until a commit of it was seen. */
  isReal(id: string, hasCommit: boolean): boolean
  /** Begins a cycle: asks every broker which groups it coordinates. Rejects only on abort. */
  list(signal: AbortSignal): Promise<readonly Problem[]>
  /** Learns state, members and assignments where that is due; what fails is tried again next time. */
  describe(groups: readonly KnownGroup[], catalog: Catalog, signal: AbortSignal): Promise<void>
  /**
   * Finds the coordinators of groups that theirs refused. Of two brokers that list a group the one counts that does not
   * refuse it; without a second one a broker is asked.
   *
   * @throws UnavailableError when no broker answers
   */
  relocate(refused: readonly { readonly id: string; readonly error: number }[], signal: AbortSignal): Promise<void>
}

/**
 * Members are described anew in every second cycle, all in the same one, since a lone broker is spared another request
 * then; a group that is new or whose state changed is described at once.
 */
const DESCRIBE_EVERY = 2

export function createGroupDirectory(
  cluster: KafkaCluster,
  clock: Clock,
  named: { readonly groups?: readonly string[]; readonly guesses?: () => readonly string[] } = {},
): GroupDirectory {
  const describer = createGroupDescriber(cluster)
  const hidesEmpty = (broker: number): boolean => (cluster.version(broker, apis.OffsetFetch) ?? ALL_TOPICS) < ALL_TOPICS
  const rights = createGroupRights(cluster)
  const unlisted = createNamedGroups(cluster, named, hidesEmpty)
  let known: ReadonlyMap<string, KnownGroup> = new Map()
  let cycle = 0

  function change(groups: Iterable<KnownGroup>): void {
    const changed = new Map(known)
    for (const group of groups) changed.set(group.id, group)
    known = changed
  }

  function isDue(group: KnownGroup): boolean {
    if (group.unlisted === true || group.missed > 0) return false
    if (group.stateIsListed && (group.state === 'Empty' || group.state === 'Dead')) return false
    return group.describedAt === undefined || cycle % DESCRIBE_EVERY === 1
  }

  async function describeSome(
    broker: number,
    kind: ConsumerKind,
    ids: readonly string[],
    catalog: Catalog,
    signal: AbortSignal,
  ): Promise<void> {
    const found = await describer.describe(broker, kind, ids, catalog, signal)
    learn(found, kind)
    const others = found.filter(({ id, error }) => error === errorCodes.GROUP_ID_NOT_FOUND && mayBeModern(id))
    if (others.length === 0) return
    const asked = others.map(({ id }) => id)
    learn(await describer.describe(broker, 'consumer', asked, catalog, signal), 'consumer')
  }

  function learn(descriptions: readonly Description[], kind: ConsumerKind): void {
    change(
      descriptions.flatMap((description) => {
        const group = known.get(description.id)
        return (group && describedAs(group, kind, description, cycle)) ?? []
      }),
    )
  }

  /** Before ListGroups v5 a group of KIP-848 looks like a classic one, until DescribeGroups does not know it. */
  function mayBeModern(id: string): boolean {
    const group = known.get(id)
    return group?.kind === 'classic' && !group.kindIsListed
  }

  return {
    all: () => known.values(),
    get: (id) => known.get(id),
    forget: (id) => {
      known = new Map([...known].filter(([other]) => other !== id))
    },
    hide: (id) => {
      const group = known.get(id)
      if (group !== undefined && group.missed > 0) change([{ ...group, hidden: true }])
    },
    isReal: (id, hasCommit) => {
      const group = known.get(id)
      if (group?.isGuess !== true) return true
      const { isGuess: _, ...real } = group
      if (hasCommit) change([real])
      return hasCommit
    },
    list: async (signal) => {
      cycle++
      describer.nextCycle()
      const { listings, problems } = await listGroups(cluster, signal)
      await turn()
      const at = clock.monotonic()
      known = remember(known, { of: listings, complete: problems.length === 0, at }, hidesEmpty)
      change(await unlisted.find((id) => known.has(id), signal))
      const nothing = problems.length === 0 ? await rights.whyNoGroups(listings, signal) : []
      // Who names the groups need not have a list of them.
      const isNamed = (named.groups?.length ?? 0) > 0
      return [...problems.filter(({ reason }) => !(isNamed && reason === 'unsupported')), ...nothing]
    },
    describe: async (groups, catalog, signal) => {
      const due = new Map<string, KnownGroup[]>()
      for (const group of groups) {
        if (!isDue(group)) continue
        const key = `${group.coordinator} ${group.kind}`
        const some = due.get(key)
        if (some === undefined) due.set(key, [group])
        else some.push(group)
      }
      await Promise.all(
        [...due.values()].map((some) => {
          const { coordinator, kind } = some[0]!
          return describeSome(
            coordinator,
            kind,
            some.map(({ id }) => id),
            catalog,
            signal,
          )
        }),
      )
    },
    relocate: async (refused, signal) => {
      const lost = refused.filter(({ id, error }) => error !== errorCodes.NOT_COORDINATOR || rivalsOf(id).length === 0)
      const ids = lost.map(({ id }) => id)
      const coordinators = ids.length === 0 ? new Map<string, number>() : await findCoordinators(cluster, ids, signal)
      change(
        refused.flatMap(({ id }) => {
          const group = known.get(id)
          if (group === undefined) return []
          const [rival, ...others] = ids.includes(id) ? [] : rivalsOf(id)
          if (rival !== undefined) return [{ ...group, coordinator: rival, rivals: [...others, group.coordinator] }]
          const coordinator = coordinators.get(id)
          return coordinator === undefined ? [] : [{ ...group, coordinator }]
        }),
      )
    },
  }

  function rivalsOf(id: string): readonly number[] {
    return known.get(id)?.rivals ?? []
  }
}
