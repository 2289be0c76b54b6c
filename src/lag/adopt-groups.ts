import type { Consumer } from '../model/consumer.ts'
import type { JobCommits } from '../model/job-commits.ts'
import { offsetAt } from '../model/offsets.ts'
import { blockColumns, type PositionBatch } from '../model/position-batch.ts'
import type { CommitTrace } from '../model/position-trace.ts'
import type { Problem } from '../model/problem.ts'
import { KNOWN, type Reason, reasonCode } from '../model/reason.ts'
import { type GroupBlock, rowIn } from './group-commits.ts'
import { onlyBlocks } from './only-blocks.ts'

/** What a cycle found, after the sources were brought together. */
export interface FoundPositions {
  readonly batches: readonly PositionBatch[]
  readonly problems: readonly Problem[]
}

export interface Adopted extends FoundPositions {
  /** Groups that are shown as a job: they are not gone. */
  readonly groups: ReadonlySet<string>
  /** What the groups of each job have committed. */
  readonly commits: OwnCommits
}

/** Commits of the groups of jobs, by consumer of the job. */
export type OwnCommits = ReadonlyMap<string, readonly OwnBlock[]>

interface OwnBlock extends GroupBlock {
  readonly group: Consumer
}

/** Reasons for which the commit of the job's own group counts instead. While a page is only late, the earlier row does. */
const replaceable: ReadonlySet<number> = new Set(
  (['no_position', 'stale', 'incomplete', 'ambiguous_topic'] satisfies readonly Reason[]).map(reasonCode),
)
const NO_POSITION = reasonCode('no_position')
const AMBIGUOUS = reasonCode('ambiguous_topic')

/**
 * Shows a group that is of one job as that job: the group is no consumer of its own any more, and where no gauge says the
 * position of the job, its commit does. A job of which nothing else is known has the rows of its groups. Yields between
 * its steps.
 *
 * @param owners consumer of the job by group
 */
export function* adoptGroups(
  found: FoundPositions,
  owners: ReadonlyMap<string, string>,
  jobs: ReadonlyMap<string, JobCommits>,
): Generator<void, Adopted, void> {
  if (owners.size === 0) return { ...found, groups: new Set(), commits: new Map() }
  const commits = new Map<string, OwnBlock[]>()
  const batches: PositionBatch[] = []
  const names = new Map<string, Set<string>>()
  const groups = new Set<string>()
  for (const batch of found.batches) {
    const rest = takeGroups(batch, owners, (group, consumer, blocks) => {
      groups.add(group.name)
      names.set(consumer, (names.get(consumer) ?? new Set()).add(group.group ?? group.name))
      const own = commits.get(consumer) ?? []
      commits.set(consumer, own)
      own.push(...blocks)
    })
    batches.push(rest)
    yield
  }
  const failed = new Map<string, number>()
  const problems = found.problems.map((problem) => {
    const owner = problem.consumer === undefined ? undefined : owners.get(problem.consumer)
    if (problem.consumer === undefined || owner === undefined) return problem
    groups.add(problem.consumer)
    failed.set(owner, reasonCode(problem.reason))
    // While nothing is known of the job, its earlier rows stand for it.
    return { ...problem, consumer: owner }
  })
  const shown = new Set<string>()
  const adopted: PositionBatch[] = []
  for (const batch of batches) {
    const [consumer] = batch.consumers
    if (consumer?.kind !== 'flink') {
      adopted.push(batch)
      continue
    }
    shown.add(consumer.name)
    const own = commits.get(consumer.name)
    const why = failed.get(consumer.name)
    const known = { ...consumer, ...groupOf(names.get(consumer.name)) }
    adopted.push(
      own === undefined && why === undefined
        ? batch
        : yield* withCommits({ ...batch, consumers: [known] }, own ?? [], why, jobs.get(consumer.name)),
    )
    yield
  }
  for (const [name, own] of commits) {
    if (shown.has(name)) continue
    const consumer = jobConsumer(name, jobs.get(name), names.get(name))
    adopted.push(yield* withCommits(batchOf(consumer, own), own, undefined, jobs.get(name)))
    yield
  }
  return { batches: adopted, problems, groups, commits }
}

/** What the groups of a job have committed on one partition. */
export function commitsOn(
  commits: OwnCommits,
  consumer: string,
  topic: string,
  partition: number,
): readonly CommitTrace[] {
  return (commits.get(consumer) ?? []).flatMap((one) => {
    const row = rowIn(one, topic, partition)
    if (row === undefined || one.batch.reason[row] !== KNOWN) return []
    return [{ group: one.group.group ?? one.group.name, offset: offsetAt(one.batch.value, row) }]
  })
}

/** The batch without the groups that have an owner, whose blocks are handed over in a batch of their own. */
function takeGroups(
  batch: PositionBatch,
  owners: ReadonlyMap<string, string>,
  take: (group: Consumer, owner: string, blocks: readonly OwnBlock[]) => void,
): PositionBatch {
  if (batch.holds !== 'position') return batch
  const stays = batch.consumers.map(({ name, kind }) => kind === 'flink' || !owners.has(name))
  if (!stays.includes(false)) return batch
  const keep: number[] = []
  const taken: number[] = []
  for (let block = 0; block < batch.blockConsumer.length; block++)
    (stays[batch.blockConsumer[block]!] ? keep : taken).push(block)
  const theirs = onlyBlocks(
    batch,
    taken,
    stays.map((isStaying) => !isStaying),
  )
  const blocks = new Map<Consumer, OwnBlock[]>(theirs.consumers.map((group) => [group, []]))
  for (const [block, at] of theirs.blockConsumer.entries()) {
    const group = theirs.consumers[at]!
    blocks.get(group)!.push({ group, batch: theirs, block })
  }
  for (const [group, own] of blocks) take(group, owners.get(group.name)!, own)
  return onlyBlocks(batch, keep, stays)
}

interface MadeRow {
  readonly partition: number
  readonly reason: number
  /** Where position and epoch are; absent without one. */
  readonly from?: { readonly batch: PositionBatch; readonly row: number }
}

interface MadeBlock {
  readonly consumer: 0
  readonly topic: string
  readonly exact: boolean
  readonly rows: readonly MadeRow[]
}

/**
 * The rows of a job with the commits of its groups where it has no position.
 *
 * @param failed reason code when commits could not be read
 */
function* withCommits(
  batch: PositionBatch,
  own: readonly OwnBlock[],
  failed: number | undefined,
  job: JobCommits | undefined,
): Generator<void, PositionBatch, void> {
  const blocks: MadeBlock[] = []
  /** Filtered names of topics of which a commit said that they are read. */
  const settled = new Set<string>()
  for (let block = 0; block < batch.blockConsumer.length; block++) {
    const { name: topic, exact } = batch.topics[batch.blockTopic[block]!]!
    const rows: MadeRow[] = []
    for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
      const made = rowOf(batch, row, topic, own, failed)
      if (batch.reason[row] === AMBIGUOUS && made.reason === KNOWN) settled.add(filtered(topic))
      rows.push(made)
    }
    blocks.push({ consumer: 0, topic, exact, rows })
    yield
  }
  const its = new Set(blocks.map(({ topic }) => topic))
  // Of topics that look alike, the group commits on those that the job reads.
  const made = blocks.filter(
    ({ topic, rows }) => !settled.has(filtered(topic)) || rows.some(({ reason }) => reason !== AMBIGUOUS),
  )
  if (job?.isComplete !== true) made.push(...(yield* topicsOf(own, its, failed)))
  made.sort((a, b) => (a.topic < b.topic ? -1 : 1))
  const columns = yield* blockColumns(made, ({ value, epoch }, at, { from }) => {
    if (from === undefined) return
    value[at * 2] = from.batch.value[from.row * 2]!
    value[at * 2 + 1] = from.batch.value[from.row * 2 + 1]!
    epoch[at] = from.batch.epoch[from.row]!
  })
  const evidence = new Set([...batch.evidence, ...own.flatMap((one) => one.batch.evidence)])
  return {
    ...batch,
    ...columns,
    topics: made.map(({ topic, exact }) => ({ name: topic, exact })),
    evidence: [...evidence],
  }
}

function rowOf(
  batch: PositionBatch,
  row: number,
  topic: string,
  own: readonly OwnBlock[],
  failed: number | undefined,
): MadeRow {
  const partition = batch.partition[row]!
  const reason = batch.reason[row]!
  if (reason === KNOWN) return { partition, reason, from: { batch, row } }
  if (!replaceable.has(reason)) return { partition, reason }
  const commit = commitOf(own, topic, partition)
  if (commit === undefined) return { partition, reason: failed ?? reason }
  return commit.reason === NO_POSITION ? { partition, reason } : { partition, ...commit }
}

/** The commit that is furthest behind; one that could not be read may be. */
function commitOf(own: readonly OwnBlock[], topic: string, partition: number): Omit<MadeRow, 'partition'> | undefined {
  let best: MadeRow['from'] | undefined
  let hasNone = false
  for (const one of own) {
    const row = rowIn(one, topic, partition)
    if (row === undefined) continue
    const reason = one.batch.reason[row]!
    if (reason === NO_POSITION) hasNone = true
    else if (reason !== KNOWN) return { reason }
    else if (best === undefined || offsetAt(one.batch.value, row) < offsetAt(best.batch.value, best.row))
      best = { batch: one.batch, row }
  }
  if (best !== undefined) return { reason: KNOWN, from: best }
  return hasNone ? { reason: NO_POSITION } : undefined
}

/** Topics that the groups committed on and of which no gauge says anything. */
function* topicsOf(
  own: readonly OwnBlock[],
  without: ReadonlySet<string>,
  failed: number | undefined,
): Generator<void, readonly MadeBlock[], void> {
  const partitions = new Map<string, Set<number>>()
  for (const { batch, block } of own) {
    const topic = batch.topics[batch.blockTopic[block]!]!.name
    if (without.has(topic)) continue
    const its = partitions.get(topic) ?? new Set<number>()
    partitions.set(topic, its)
    for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) its.add(batch.partition[row]!)
    yield
  }
  return [...partitions].map(([topic, its]) => ({
    consumer: 0,
    topic,
    exact: true,
    rows: [...its]
      .sort((a, b) => a - b)
      .map((partition) => ({ partition, ...(commitOf(own, topic, partition) ?? { reason: failed ?? NO_POSITION }) })),
  }))
}

function groupOf(names: ReadonlySet<string> | undefined): { readonly group?: string } {
  return names === undefined ? {} : { group: [...names].sort().join(',') }
}

function jobConsumer(name: string, job: JobCommits | undefined, groups: ReadonlySet<string> | undefined): Consumer {
  return {
    name,
    kind: 'flink',
    ...groupOf(groups),
    ...(job === undefined ? {} : { jobId: job.jobId }),
    ...(job?.applicationId === undefined ? {} : { applicationId: job.applicationId }),
  }
}

/** A batch without rows, taken when the commits were. */
function batchOf(consumer: Consumer, own: readonly OwnBlock[]): PositionBatch {
  return {
    blockConsumer: new Uint32Array(0),
    blockTopic: new Uint32Array(0),
    blockFirst: new Uint32Array(1),
    partition: new Int32Array(0),
    value: new Uint32Array(0),
    epoch: new Int32Array(0),
    reason: new Uint8Array(0),
    evidence: [],
    takenAt: Math.max(...own.map(({ batch }) => batch.takenAt)),
    holds: 'position',
    consumers: [consumer],
    topics: [],
  }
}

/** As Flink's reporter shows the name of a topic. */
function filtered(topic: string): string {
  return topic.replaceAll(/[.-]/g, '_')
}
