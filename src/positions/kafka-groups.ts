import type { KafkaCluster } from '../kafka/cluster.ts'
import { failureReason } from '../kafka/failure-reason.ts'
import { lacksApi } from '../kafka/lacks-api.ts'
import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import type { Catalog } from '../model/catalog.ts'
import { consumerName } from '../model/consumer.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { KNOWN } from '../model/reason.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError } from '../runtime/errors.ts'
import { batchWithoutRows, groupBatch } from './group-batch.ts'
import { createGroupDirectory } from './group-directory.ts'
import type { KnownGroup } from './group-memory.ts'
import {
  consumerProblem,
  isMoving,
  missedProblem,
  partialProblem,
  reasonOfCode,
  rowProblems,
} from './group-problems.ts'
import type { PositionSource } from './position-source.ts'
import { createCommitReader, createShareReader, type GroupAnswers, type GroupReader, joined } from './read-groups.ts'

export interface KafkaGroupsOptions {
  readonly cluster: KafkaCluster
  readonly clock: Clock
  /** Which consumers and topics to read at all. */
  readonly keepConsumer: (name: string) => boolean
  readonly keepTopic: (name: string) => boolean
  /** Groups to ask brokers for that do not list them: all of 0.8.2, those without members before 0.10.1. */
  readonly groups?: readonly string[]
  /** More of them, which need not be there at all. */
  readonly guesses?: () => readonly string[]
}

/** How long to wait before the one repetition after a coordinator moved or was loading. */
const RETRY_AFTER_MS = 250

/**
 * What groups of every type have read: the positions that classic, consumer (KIP-848) and streams groups (KIP-1071)
 * committed to Kafka, and the lag of share groups (KIP-932). A steady cycle costs each broker one ListGroups and one
 * OffsetFetch, and one request more where it has share groups; FindCoordinator is only asked after a move, since it may
 * create the offsets topic and whoever lists a group coordinates it.
 */
export function createKafkaGroups(options: KafkaGroupsOptions): PositionSource {
  const { cluster, clock, keepTopic } = options
  const directory = createGroupDirectory(cluster, clock, options)
  const commits = createCommitReader(cluster)
  const shares = createShareReader(cluster)

  async function readAll(
    reader: GroupReader,
    groups: readonly KnownGroup[],
    catalog: Catalog,
    signal: AbortSignal,
  ): Promise<GroupAnswers> {
    const everything = () =>
      catalog.topics
        .filter((topic) => keepTopic(topic.name))
        .map(({ name, partitions }) => ({ name, partitions: Int32Array.from({ length: partitions }, (_, p) => p) }))
    const byBroker = new Map<number, string[]>()
    for (const { id, coordinator } of groups) {
      const ids = byBroker.get(coordinator)
      if (ids === undefined) byBroker.set(coordinator, [id])
      else ids.push(id)
    }
    return joined(await Promise.all([...byBroker].map(([broker, ids]) => reader.read(broker, ids, everything, signal))))
  }

  /** Reads, and asks a second time about what a moving coordinator refused. */
  async function readTwice(
    reader: GroupReader,
    groups: readonly KnownGroup[],
    catalog: Catalog,
    signal: AbortSignal,
  ): Promise<Round> {
    const first = await readAll(reader, groups, catalog, signal)
    const again = first.answers.flatMap(({ rows }) => rows.groups.filter(({ error }) => isMoving(error)))
    if (again.length === 0) return inOneRound(first, { answers: [], failed: [] })
    await clock.sleep(RETRY_AFTER_MS, signal)
    try {
      await directory.relocate(again, signal)
    } catch (error) {
      if (signal.aborted) throw error
      return inOneRound(first, { answers: [], failed: [] })
    }
    const moved = again.flatMap(({ id }) => directory.get(id) ?? [])
    return inOneRound(first, await readAll(reader, moved, catalog, signal))
  }

  async function asBatches(catalog: Catalog, { answers }: Round, signal: AbortSignal): Promise<PositionBatch[]> {
    const breathe = breather()
    const batches: PositionBatch[] = []
    const seen = new Set<string>()
    for (const { rows, evidence } of answers) {
      await breathe()
      signal.throwIfAborted()
      const groups = rows.groups.flatMap(({ id, error }, entry) => {
        const group = directory.get(id)
        if (group === undefined || error !== errorCodes.NONE || seen.has(id)) return []
        seen.add(id)
        return [{ group, entry }]
      })
      const batch = groupBatch(rows, evidence, groups, catalog, keepTopic)
      // Brokers that hide empty groups answer one a request. Without members and without commits it is gone.
      const alone = groups.length === 1 && batch.blockConsumer.length === 0 ? groups[0]?.group : undefined
      if (alone?.unlisted === true) directory.forget(alone.id)
      else if (groups.length !== 1 || directory.isReal(groups[0]!.group.id, batch.reason.includes(KNOWN)))
        batches.push(batch)
    }
    return batches
  }

  /** Groups that are missed may be hidden from us: who may not describe one is refused it by name, and never in a list. */
  async function lookForHidden(groups: readonly KnownGroup[], catalog: Catalog, signal: AbortSignal): Promise<void> {
    const asked = await readAll(
      commits,
      groups.filter(({ hidden }) => hidden !== true),
      catalog,
      signal,
    )
    for (const { rows } of asked.answers)
      for (const { id, error } of rows.groups) if (error === errorCodes.GROUP_AUTHORIZATION_FAILED) directory.hide(id)
  }

  /** Of a guess nobody knows whether there is anything to be missed. */
  function isTold({ consumer }: Problem): boolean {
    return consumer === undefined || directory.get(consumer)?.isGuess !== true
  }

  /** Kafka 4.0 has share groups and no way to ask about their offsets. */
  function isUntold({ kind, coordinator }: KnownGroup): boolean {
    return kind === 'share' && lacksApi(cluster, coordinator, shares.api)
  }

  return {
    name: 'kafka-groups',
    collect: async (catalog, signal) => {
      const breathe = breather()
      const problems = [...(await directory.list(signal))]
      await breathe()
      const wanted = [...directory.all()].filter((group) => options.keepConsumer(consumerName(group.id)))
      const present = sorted(wanted.filter((group) => group.missed === 0))
      const missed = wanted.filter((group) => group.missed > 0)
      await breathe()
      const untold = present.filter(isUntold)
      const committing = present.filter(({ kind }) => kind !== 'share')
      const sharing = present.filter((group) => group.kind === 'share' && !isUntold(group))
      await breathe()
      const [committed, shared] = await Promise.all([
        readTwice(commits, committing, catalog, signal),
        readTwice(shares, sharing, catalog, signal),
        directory.describe(present, catalog, signal),
        lookForHidden(missed, catalog, signal),
      ])
      for (const { id } of missed) problems.push(missedProblem(id, directory.get(id)?.hidden === true))
      problems.push(...committed.problems.filter(isTold), ...shared.problems)
      for (const { id } of untold)
        problems.push(consumerProblem(id, 'unsupported', 'no lag of share groups before 4.2'))
      for (const { id } of present) if (directory.get(id)?.partial === true) problems.push(partialProblem(id))
      const withoutRows = untold.map((group) => directory.get(group.id) ?? group)
      const batches = [
        ...(await asBatches(catalog, committed, signal)),
        ...(await asBatches(catalog, shared, signal)),
        ...(withoutRows.length === 0 ? [] : [batchWithoutRows(withoutRows, clock.monotonic())]),
      ]
      return { batches, problems: [...problems, ...(await rowProblems(batches))] }
    },
  }
}

interface Round {
  readonly answers: GroupAnswers['answers']
  readonly problems: readonly Problem[]
}

/** Sorts answers from failures; what was asked about twice counts as it was answered last. */
function inOneRound(first: GroupAnswers, second: GroupAnswers): Round {
  const repeated = new Set(second.answers.flatMap(({ ids }) => ids))
  const problems = [...first.failed, ...second.failed].flatMap(({ ids, error }) =>
    ids.map((id) => consumerProblem(id, failureReason(error), describeError(error))),
  )
  const answers = [...first.answers, ...second.answers]
  for (const [index, { rows }] of answers.entries())
    for (const { id, error } of rows.groups) {
      const isOutdated = index < first.answers.length && repeated.has(id)
      if (error !== errorCodes.NONE && !isOutdated)
        problems.push(consumerProblem(id, reasonOfCode(error), errorName(error)))
    }
  return { answers, problems }
}

/** Requests name groups in one order, and brokers answer in it: the page keeps its order from cycle to cycle. */
function sorted(groups: readonly KnownGroup[]): KnownGroup[] {
  return [...groups].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
}
