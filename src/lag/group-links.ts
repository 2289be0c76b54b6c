import { consumerName } from '../model/consumer.ts'
import type { JobCommits, OperatorCommits } from '../model/job-commits.ts'
import { committedIn, type GroupCommits } from './group-commits.ts'
import { type Agreement, agreement, commitKey, type EarlierCommits } from './own-group.ts'

/** A group that was found to be of one job, by the printed names of both. */
export interface GroupLink {
  readonly group: string
  readonly consumer: string
}

/** Finds out which groups are of exactly one job, and remembers it. */
export interface GroupLinks {
  /**
   * Takes what a cycle read. Yields between its steps.
   *
   * @param groups those that may be of a job: with commits on the topics of `topics()`, or named by `mayOwn`
   * @param now monotonic milliseconds
   * @param isKept false for consumers of Flink clusters that nobody looks at any more: their groups stand for themselves
   */
  update(
    groups: ReadonlyMap<string, GroupCommits>,
    jobs: readonly JobCommits[],
    now: number,
    isKept?: (consumer: string) => boolean,
  ): Generator<void, void, void>
  /** Consumer of the job by group. */
  owners(): ReadonlyMap<string, string>
  /** Those that were learned, sorted, to be kept. */
  learned(): readonly GroupLink[]
}

/**
 * Two pages on which all is equal are enough when nobody else fits. Pages between two commits count half, and so do
 * those on which others fit less well.
 */
const ENOUGH = 4
const POINTS: Readonly<Record<Agreement, number>> = { equal: 2, between: 1, possible: 0, contradicts: 0 }
/** A link ends when so many pages in a row contradict it. */
const STRIKES = 3
/** A link is forgotten when its group has not been there for so long. */
const REMEMBER_MS = 24 * 3_600_000

interface Learned {
  readonly consumer: string
  /** The run that had it when it was looked at last; undefined while no run was seen. */
  readonly run: string | undefined
  readonly strikes: number
  readonly seenAt: number
}

/** What is remembered of an operator whose group is sought. */
interface Search {
  /** Of its newest page when it was looked at. */
  readonly takenAt: number
  readonly ruledOut: ReadonlySet<string>
  /** Groups that it may have. */
  readonly possible: ReadonlyMap<string, Agreement>
  readonly leading: string | undefined
  readonly points: number
  /** Of its gauges: another one when it has committed since. */
  readonly sum: number
}

/** One operator of one job, whose commits go to one group. */
interface Committer {
  readonly key: string
  readonly job: JobCommits
  readonly operator: OperatorCommits
  readonly takenAt: number
}

/**
 * A configured group counts when one job has it. Else a group is learned: it has no members, its commits are the only
 * ones that go with the gauges of an operator, and no operator of another job could be the one. That is seen page by
 * page; a group that contradicted a page once is out for that operator. Any tie means nobody.
 */
export function createGroupLinks(saved: readonly GroupLink[], now: number): GroupLinks {
  let learned: ReadonlyMap<string, Learned> = new Map(
    saved.map(({ group, consumer }) => [group, { consumer, run: undefined, strikes: 0, seenAt: now }]),
  )
  let searches: ReadonlyMap<string, Search> = new Map()
  let tested: ReadonlyMap<string, number> = new Map()
  let earlier: EarlierCommits = new Map()
  let owners: ReadonlyMap<string, string> = new Map(saved.map(({ group, consumer }) => [group, consumer]))

  return {
    owners: () => owners,
    learned: () =>
      [...learned].map(([group, { consumer }]) => ({ group, consumer })).sort((a, b) => (a.group < b.group ? -1 : 1)),
    update: function* (groups, jobs, at, isKept = () => true) {
      const byName = new Map(jobs.map((job) => [job.consumer, job]))
      const byRun = new Map(jobs.map((job) => [runOf(job), job]))
      const configured = configuredGroups(jobs)
      const committers = committersOf(jobs)
      const kept = new Map<string, Learned>()
      const bound = new Set<string>()
      const testedNow = new Map<string, number>()
      for (const [group, link] of learned) {
        const found = groups.get(group)
        // Another run of the same name may have taken that name: what was learned is of the run that it was learned of.
        const job = (link.run === undefined ? undefined : byRun.get(link.run)) ?? byName.get(link.consumer)
        const consumer = job?.consumer ?? link.consumer
        if (configured.has(group) || job?.group !== undefined || hasMembers(found) || !isKept(consumer)) continue
        if (found === undefined && at - link.seenAt > REMEMBER_MS) continue
        const its = found === undefined ? [] : committers.filter((one) => one.job === job)
        const verdicts = its.map((one) => agreement(one.operator, found!, earlier))
        for (const [index, verdict] of verdicts.entries()) if (verdict !== 'contradicts') bound.add(its[index]!.key)
        const newest = Math.max(0, ...its.map(({ takenAt }) => takenAt))
        const isNew = newest > (tested.get(group) ?? 0)
        testedNow.set(group, newest)
        const isWrong = its.length > 0 && verdicts.every((verdict) => verdict === 'contradicts')
        const strikes = isWrong ? link.strikes + (isNew ? 1 : 0) : 0
        const run = job === undefined ? link.run : runOf(job)
        if (strikes < STRIKES)
          kept.set(group, { consumer, run, strikes, seenAt: found === undefined ? link.seenAt : at })
        yield
      }
      const isTaken = (group: string): boolean => {
        const link = kept.get(group)
        return configured.has(group) || (link !== undefined && isAlive(byName.get(link.consumer)))
      }
      const candidates = [...groups.values()].filter((group) => !hasMembers(group) && !isTaken(group.consumer.name))
      const next = new Map<string, Search>()
      for (const committer of committers) {
        if (committer.job.group !== undefined || bound.has(committer.key)) continue
        const before = searches.get(committer.key)
        // The same page says nothing new; but groups may be gone, or be found to be of another.
        next.set(
          committer.key,
          before?.takenAt === committer.takenAt
            ? { ...before, possible: onlyThese(before.possible, candidates) }
            : yield* lookOnce(committer, candidates, before, earlier),
        )
        yield
      }
      for (const { group, job } of decided(committers, next, searches))
        if (groups.get(group)?.consumer.members === 0)
          kept.set(group, { consumer: job.consumer, run: runOf(job), strikes: 0, seenAt: at })
      yield
      learned = kept
      searches = next
      tested = testedNow
      earlier = yield* remembered(committers, groups)
      owners = ownersOf(configured, kept, groups)
    },
  }
}

/** With high availability a job id is the same in all applications, and in all Flink clusters. */
function runOf({ consumer, jobId, applicationId = '' }: JobCommits): string {
  return `${jobId} ${applicationId} ${consumer.slice(0, Math.max(0, consumer.indexOf('/')))}`
}

/** By printed name of the group, the consumers of the jobs that are configured to have it. */
function configuredGroups(jobs: readonly JobCommits[]): ReadonlyMap<string, ReadonlySet<string>> {
  const configured = new Map<string, Set<string>>()
  for (const { group, consumer } of jobs) {
    if (group === undefined) continue
    const name = consumerName(group)
    configured.set(name, (configured.get(name) ?? new Set()).add(consumer))
  }
  return configured
}

function committersOf(jobs: readonly JobCommits[]): readonly Committer[] {
  return jobs.flatMap((job) =>
    job.operators
      .filter(({ offsets }) => offsets.some(({ offset }) => offset > 0))
      .map((operator) => ({
        key: `${job.consumer}\n${job.jobId}\n${operator.operatorId}`,
        job,
        operator,
        takenAt: operator.offsets.reduce((newest, { takenAt }) => Math.max(newest, takenAt), 0),
      })),
  )
}

function hasMembers(group: GroupCommits | undefined): boolean {
  return (group?.consumer.members ?? 0) > 0
}

function isAlive(job: JobCommits | undefined): boolean {
  return job?.isRunning === true
}

function onlyThese(
  possible: ReadonlyMap<string, Agreement>,
  candidates: readonly GroupCommits[],
): ReadonlyMap<string, Agreement> {
  const names = new Set(candidates.map(({ consumer }) => consumer.name))
  return new Map([...possible].filter(([name]) => names.has(name)))
}

function* lookOnce(
  { operator, takenAt }: Committer,
  candidates: readonly GroupCommits[],
  before: Search | undefined,
  earlier: EarlierCommits,
): Generator<void, Search, void> {
  const ruledOut = new Set(before?.ruledOut)
  const possible = new Map<string, Agreement>()
  for (const group of candidates) {
    const { name } = group.consumer
    if (ruledOut.has(name)) continue
    const verdict = agreement(operator, group, earlier)
    if (verdict === 'contradicts') ruledOut.add(name)
    else possible.set(name, verdict)
    yield
  }
  // When nobody is left, something was wrong, as when offsets were reset by hand: it begins anew.
  if (possible.size === 0) ruledOut.clear()
  const sum = operator.offsets.reduce((total, { offset }) => total + offset, 0)
  return { takenAt, ruledOut, possible, leading: before?.leading, points: before?.points ?? 0, sum }
}

/**
 * Gives points, and says who has enough of them: where one group alone is possible and no other job could have it; and
 * fewer, each time that the operator has moved on, where one alone is equal while others only may be the one.
 */
function decided(
  committers: readonly Committer[],
  searches: Map<string, Search>,
  before: ReadonlyMap<string, Search>,
): readonly { readonly group: string; readonly job: JobCommits }[] {
  const claims = claimsOf(committers, searches, () => true)
  const equals = claimsOf(committers, searches, (verdict) => verdict === 'equal')
  const links: { readonly group: string; readonly job: JobCommits }[] = []
  for (const { key, job } of committers) {
    const search = searches.get(key)
    if (search === undefined) continue
    const past = before.get(key)
    const isNew = past?.takenAt !== search.takenAt
    const equal = [...search.possible].flatMap(([group, verdict]) => (verdict === 'equal' ? [group] : []))
    const [first, ...others] = search.possible
    let leading: string | undefined
    let more = 0
    if (first !== undefined && others.length === 0 && claims.get(first[0])!.size === 1) {
      leading = first[0]
      more = isNew ? POINTS[first[1]] : 0
    } else if (equal.length === 1 && equals.get(equal[0]!)!.size === 1) {
      leading = equal[0]
      more = isNew && past?.sum !== search.sum ? 1 : 0
    } else if (equal.length === 0) leading = search.leading
    const points = (search.leading === leading ? search.points : 0) + more
    searches.set(key, { ...search, leading, points })
    if (leading === undefined || more === 0 || points < ENOUGH) continue
    links.push({ group: leading, job })
    // If the link ends, it is to be found out anew.
    searches.delete(key)
  }
  return links
}

/** By group, the jobs of which an operator says so of it. */
function claimsOf(
  committers: readonly Committer[],
  searches: ReadonlyMap<string, Search>,
  counts: (verdict: Agreement) => boolean,
): ReadonlyMap<string, ReadonlySet<string>> {
  const claims = new Map<string, Set<string>>()
  for (const { key, job } of committers)
    for (const [group, verdict] of searches.get(key)?.possible ?? [])
      if (counts(verdict)) claims.set(group, (claims.get(group) ?? new Set()).add(job.consumer))
  return claims
}

/** What the next cycle has to know of the commits of this one: those with a gauge to compare them with. */
function* remembered(
  committers: readonly Committer[],
  groups: ReadonlyMap<string, GroupCommits>,
): Generator<void, EarlierCommits, void> {
  const partitions = new Map<string, Set<number>>()
  for (const { operator } of committers)
    for (const { topics, partition } of operator.offsets)
      for (const topic of topics) partitions.set(topic, (partitions.get(topic) ?? new Set()).add(partition))
  const kept = new Map<string, { receivedAt: number; offsets: Map<string, number> }>()
  for (const [name, group] of groups) {
    const offsets = new Map<string, number>()
    for (const { batch, block } of group.blocks) {
      const topic = batch.topics[batch.blockTopic[block]!]!.name
      for (const partition of partitions.get(topic) ?? []) {
        const offset = committedIn({ blocks: [{ batch, block }] }, topic, partition)
        if (offset !== undefined) offsets.set(commitKey(topic, partition), offset)
      }
    }
    kept.set(name, { receivedAt: group.receivedAt, offsets })
    yield
  }
  return kept
}

function ownersOf(
  configured: ReadonlyMap<string, ReadonlySet<string>>,
  learned: ReadonlyMap<string, Learned>,
  groups: ReadonlyMap<string, GroupCommits>,
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  for (const [group, { consumer }] of learned) owners.set(group, consumer)
  for (const [group, [consumer, ...others]] of configured)
    if (consumer !== undefined && others.length === 0 && !hasMembers(groups.get(group))) owners.set(group, consumer)
  return owners
}
