import type { KafkaCluster } from '../kafka/cluster.ts'
import { failureReason } from '../kafka/failure-reason.ts'
import { apis } from '../kafka-wire/apis.ts'
import { decodeConsumerAssignment } from '../kafka-wire/consumer-assignment.ts'
import { decodeDescribeGroupsResponse, encodeDescribeGroupsRequest } from '../kafka-wire/describe-groups.ts'
import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import { decodeListGroupsResponse, encodeListGroupsRequest, type ListedGroup } from '../kafka-wire/list-groups.ts'
import type { Catalog } from '../model/catalog.ts'
import { consumerName } from '../model/consumer.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import type { Reason } from '../model/reason.ts'
import { breather, turn } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { ALL_TOPICS, createOffsetFetcher, type FetchedOffsets } from './fetch-offsets.ts'
import { groupBatch } from './group-batch.ts'
import { type KnownGroup, remember } from './group-memory.ts'
import type { PositionSource } from './position-source.ts'

export interface KafkaGroupsOptions {
  readonly cluster: KafkaCluster
  readonly clock: Clock
  /** Which consumers and topics to read at all. */
  readonly keepConsumer: (name: string) => boolean
  readonly keepTopic: (name: string) => boolean
}

/** Members are described anew in every second cycle; a group that is new or whose state changed is described at once. */
const DESCRIBE_EVERY = 2
/** How long to wait before the one repetition after a coordinator moved or was loading. */
const RETRY_AFTER_MS = 250
const GROUPS_PER_DESCRIBE = 1_000

/**
 * Positions that groups of any type committed to Kafka. A steady cycle costs each broker one ListGroups and one
 * OffsetFetch; FindCoordinator is only asked after a move, since it may create the offsets topic and whoever lists a
 * group coordinates it.
 */
export function createKafkaGroups(options: KafkaGroupsOptions): PositionSource {
  const { cluster, clock } = options
  const fetcher = createOffsetFetcher(cluster)
  let known: ReadonlyMap<string, KnownGroup> = new Map()
  let cycle = 0

  /** Asks every broker which groups it coordinates. */
  async function list(signal: AbortSignal): Promise<Problem[]> {
    const problems: Problem[] = []
    const listings: { broker: number; groups: readonly ListedGroup[] }[] = []
    await Promise.all(
      cluster.brokers().map(async ({ id }) => {
        try {
          const { value } = await cluster.ask(
            id,
            {
              api: apis.ListGroups,
              encode: (version) => encodeListGroupsRequest(version, {}),
              decode: decodeListGroupsResponse,
            },
            signal,
          )
          if (value.error === errorCodes.NONE) listings.push({ broker: id, groups: value.groups })
          else problems.push(listProblem(id, reasonOfCode(value.error), errorName(value.error)))
        } catch (error) {
          if (signal.aborted) throw error
          const old =
            error instanceof UnavailableError &&
            cluster.version(id, apis.Metadata) !== undefined &&
            cluster.version(id, apis.ListGroups) === undefined
          problems.push(listProblem(id, old ? 'unsupported' : failureReason(error), describeError(error)))
        }
      }),
    )
    await turn()
    const hidesEmpty = (broker: number): boolean =>
      (cluster.version(broker, apis.OffsetFetch) ?? ALL_TOPICS) < ALL_TOPICS
    known = remember(known, listings, problems.length === 0, hidesEmpty)
    return problems
  }

  /** Learns state, members and assignments of the groups that need it; what fails is tried again next time. */
  async function describe(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const byBroker = groupBy(ids, (id) => known.get(id)?.coordinator ?? -1)
    const described = new Map<string, KnownGroup>()
    await Promise.all(
      [...byBroker].map(async ([broker, all]) => {
        for (let from = 0; from < all.length; from += GROUPS_PER_DESCRIBE) {
          const groups = all.slice(from, from + GROUPS_PER_DESCRIBE)
          try {
            const { value } = await cluster.ask(
              broker,
              {
                api: apis.DescribeGroups,
                encode: (version) => encodeDescribeGroupsRequest(version, { groups }),
                decode: decodeDescribeGroupsResponse,
              },
              signal,
            )
            for (const group of value.groups) {
              const was = known.get(group.id)
              if (was === undefined || group.error !== errorCodes.NONE) continue
              // A group that is not classic is answered as "Dead" (KIP-848): that says nothing about it.
              if (group.state === 'Dead') continue
              described.set(group.id, {
                ...was,
                state: group.state,
                describedAt: cycle,
                members: group.members.map((member) => ({
                  assignment: decodeConsumerAssignment(member.assignment) ?? [],
                })),
              })
            }
          } catch (error) {
            if (signal.aborted) throw error
          }
        }
      }),
    )
    known = new Map([...known].map(([id, group]) => [id, described.get(id) ?? group]))
  }

  function needsDescription(group: KnownGroup): boolean {
    if (group.kind !== 'classic' || group.unlisted === true) return false
    if (group.stateIsListed && (group.state === 'Empty' || group.state === 'Dead')) return false
    return group.describedAt === undefined || cycle - group.describedAt >= DESCRIBE_EVERY
  }

  async function fetchAll(catalog: Catalog, ids: readonly string[], signal: AbortSignal): Promise<FetchedOffsets> {
    const everything = () =>
      catalog.topics
        .filter((topic) => options.keepTopic(topic.name))
        .map(({ name, partitions }) => ({ name, partitions: Int32Array.from({ length: partitions }, (_, p) => p) }))
    const byBroker = groupBy(ids, (id) => known.get(id)?.coordinator ?? -1)
    const parts = await Promise.all(
      [...byBroker].map(([broker, groups]) => fetcher.fetch(broker, groups, everything, signal)),
    )
    return { answers: parts.flatMap((part) => part.answers), failed: parts.flatMap((part) => part.failed) }
  }

  return {
    name: 'kafka-groups',
    collect: async (catalog, signal) => {
      cycle++
      const breathe = breather()
      const problems = await list(signal)
      await breathe()
      const wanted = [...known.values()].filter((group) => options.keepConsumer(consumerName(group.id)))
      const readable = wanted.filter((group) => group.kind !== 'share' && group.missed === 0)
      for (const group of wanted) {
        if (group.kind === 'share')
          problems.push(consumerProblem(group.id, 'unsupported', 'share groups keep no committed offsets'))
        else if (group.missed > 0)
          problems.push(consumerProblem(group.id, 'stale', 'no coordinator lists the group any more'))
      }
      await breathe()
      const ids = sorted(readable)
      await breathe()
      const undescribed = readable.filter(needsDescription).map((group) => group.id)
      const [first] = await Promise.all([
        fetchAll(catalog, ids, signal),
        undescribed.length === 0 ? undefined : describe(undescribed, signal),
      ])
      const round = await settle(catalog, first, signal)
      problems.push(...round.problems)
      return { batches: await asBatches(catalog, round, signal), problems }
    },
  }

  /** Repeats what a moving coordinator refused, once, and sorts the answers from the failures. */
  async function settle(
    catalog: Catalog,
    first: FetchedOffsets,
    signal: AbortSignal,
  ): Promise<{ readonly answers: FetchedOffsets['answers']; readonly problems: readonly Problem[] }> {
    const again = first.answers.flatMap(({ answer }) =>
      answer.value.groups.filter((group) => isMoving(group.error)).map((group) => group.id),
    )
    let second: FetchedOffsets = { answers: [], failed: [] }
    if (again.length > 0) {
      await clock.sleep(RETRY_AFTER_MS, signal)
      try {
        const coordinators = await fetcher.locate(again, signal)
        known = new Map(
          [...known].map(([id, group]) => [id, { ...group, coordinator: coordinators.get(id) ?? group.coordinator }]),
        )
        second = await fetchAll(catalog, again, signal)
      } catch (error) {
        if (signal.aborted) throw error
      }
    }
    const answered = new Set(second.answers.flatMap(({ ids }) => ids))
    const problems = [...first.failed, ...second.failed].flatMap(({ ids, error }) =>
      ids.map((id) => consumerProblem(id, failureReason(error), describeError(error))),
    )
    const answers = [...first.answers, ...second.answers]
    for (const { answer, ids } of answers)
      for (const group of answer.value.groups) {
        const repeated = answered.has(group.id) && !second.answers.some((one) => one.ids === ids)
        if (group.error !== errorCodes.NONE && !repeated)
          problems.push(consumerProblem(group.id, reasonOfCode(group.error), errorName(group.error)))
      }
    return { answers, problems }
  }

  async function asBatches(
    catalog: Catalog,
    round: { readonly answers: FetchedOffsets['answers'] },
    signal: AbortSignal,
  ): Promise<PositionBatch[]> {
    const breathe = breather()
    const batches: PositionBatch[] = []
    const seen = new Set<string>()
    for (const { answer } of round.answers) {
      await breathe()
      signal.throwIfAborted()
      const groups = answer.value.groups.flatMap(({ id, error }, entry) => {
        const group = known.get(id)
        if (group === undefined || error !== errorCodes.NONE || seen.has(id)) return []
        seen.add(id)
        return [{ group, entry }]
      })
      const batch = groupBatch(answer.value, answer.evidence, groups, catalog, options.keepTopic)
      // Brokers that hide empty groups answer one a request. Without members and without commits it is gone.
      const alone = groups.length === 1 && batch.blockConsumer.length === 0 ? groups[0]?.group : undefined
      if (alone?.unlisted === true) known = new Map([...known].filter(([id]) => id !== alone.id))
      else batches.push(batch)
    }
    return batches
  }
}

function isMoving(error: number): boolean {
  return (
    error === errorCodes.NOT_COORDINATOR ||
    error === errorCodes.COORDINATOR_LOAD_IN_PROGRESS ||
    error === errorCodes.COORDINATOR_NOT_AVAILABLE
  )
}

function reasonOfCode(code: number): Reason {
  if (isMoving(code)) return 'coordinator_loading'
  switch (code) {
    case errorCodes.GROUP_AUTHORIZATION_FAILED:
    case errorCodes.CLUSTER_AUTHORIZATION_FAILED:
    case errorCodes.TOPIC_AUTHORIZATION_FAILED:
      return 'unauthorized'
    case errorCodes.UNSUPPORTED_VERSION:
      return 'unsupported'
    case errorCodes.REQUEST_TIMED_OUT:
      return 'timeout'
    default:
      return 'read_failed'
  }
}

function listProblem(broker: number, reason: Reason, why: string): Problem {
  return { reason, broker: String(broker), message: `List the groups of broker ${broker}: ${why}` }
}

function consumerProblem(id: string, reason: Reason, why: string): Problem {
  const consumer = consumerName(id)
  return { reason, consumer, message: `Positions of "${consumer}": ${why}` }
}

function groupBy(ids: readonly string[], key: (id: string) => number): Map<number, string[]> {
  const groups = new Map<number, string[]>()
  for (const id of ids) {
    const list = groups.get(key(id))
    if (list === undefined) groups.set(key(id), [id])
    else list.push(id)
  }
  return groups
}

/** Requests name groups in one order, and brokers answer in it: the page keeps its order from cycle to cycle. */
function sorted(groups: readonly KnownGroup[]): string[] {
  return groups.map((group) => group.id).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}
