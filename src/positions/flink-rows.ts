import { type Catalog, topicNamed } from '../model/catalog.ts'
import type { CommittedGauge, JobCommits } from '../model/job-commits.ts'
import { KNOWN, type Reason, reasonCode } from '../model/reason.ts'
import { positionOf } from './flink-gauges.ts'
import { type FlinkJobView, hasEnded } from './flink-job-view.ts'
import { type JobMemory, knownBefore, noteKnown, noteOperator } from './flink-memory.ts'
import { type BehindRules, behindOf, commitsOf, latestOf, operatorsOf } from './flink-operators.ts'
import type { JobReadings, LiveReading, PageTrouble } from './flink-readings.ts'

/** A row of a job: its position, or why there is none. */
interface JobRow {
  readonly partition: number
  /** 0 = known. */
  readonly reason: number
  readonly position?: number
}

export interface JobRows {
  /** Sorted by topic, rows by partition. */
  readonly blocks: readonly { readonly topic: string; readonly exact: boolean; readonly rows: readonly JobRow[] }[]
  /** Monotonic milliseconds of the oldest page that a position came from; absent when none did. */
  readonly takenAt: number | undefined
  readonly commits: JobCommits
}

export interface RowRules extends BehindRules {
  readonly catalog: Catalog
  /** Why nothing of a reporter can be believed, if so. */
  readonly troubleOf: (reporter: string) => PageTrouble | undefined
  /** Any reporter that may be of the job is in trouble. */
  readonly hasTrouble: (view: FlinkJobView) => boolean
  readonly now: number
  /** How long a former position may stand for the one that cannot be read. */
  readonly holdMs: number
  /** A run that is watched for so long has been seen whole, if it can be. */
  readonly settleMs: number
}

/** What one operator says of one partition. */
type Said = { readonly position: number; readonly from: LiveReading } | { readonly reason: Reason }

/**
 * The rows of one job: a row for every partition of every topic that it reads. Two operators that read one partition are
 * both behind until both have read it, so the smaller position counts, and none when one of them is unknown. Yields
 * after each topic of an operator.
 */
export function* rowsOfJob(
  view: FlinkJobView,
  readings: JobReadings | undefined,
  memory: JobMemory,
  rules: RowRules,
): Generator<void, JobRows, void> {
  const { now } = rules
  const topics = createTopics()
  if (readings !== undefined) memory.seenSince ??= now
  const isVertexWhole = (vertex: string): boolean => isWhole(view, readings, vertex, rules)
  const commits: { operatorId: string; offsets: CommittedGauge[] }[] = []
  const live = new Set<string>()
  for (const { labels, topics: its } of operatorsOf(readings?.live ?? [])) {
    const { operatorId: id, taskId: vertex } = labels
    const offsets: CommittedGauge[] = []
    /** Topics by their names: pages that are configured differently may show one in two ways. */
    const read = new Map<string, { isAmbiguous: boolean; readonly partitions: Map<number, readonly LiveReading[]> }>()
    for (const shown of its.values()) {
      const behind = behindOf(view, shown, readings, rules)
      if (behind === undefined || behind.kind === 'left_out') continue
      for (const gauge of commitsOf(shown, behind)) offsets.push(gauge)
      live.add(liveKey(id, shown.topic))
      if (behind.kind === 'unknown') topics.addShown(behind.name, shown.partitions.keys())
      else
        for (const name of behind.kind === 'topic' ? [behind.name] : behind.names) {
          const one = read.get(name) ?? { isAmbiguous: false, partitions: new Map<number, readonly LiveReading[]>() }
          read.set(name, one)
          if (behind.kind === 'ambiguous') one.isAmbiguous = true
          else
            for (const [partition, more] of shown.partitions)
              one.partitions.set(partition, [...(one.partitions.get(partition) ?? []), ...more])
        }
      yield
    }
    for (const [name, { isAmbiguous, partitions }] of read) {
      noteOperator(memory, { id, vertex }, name, now)
      live.add(liveKey(id, name))
      for (const partition of partitionsOf(rules.catalog, name, partitions.keys())) {
        const said = saidBy(partitions.get(partition))
        const why = isAmbiguous ? 'ambiguous_topic' : whyNone(name, partition, partitions.has(partition), vertex)
        topics.add(name, partition, said ?? { reason: why })
      }
      yield
    }
    if (offsets.length > 0) commits.push({ operatorId: id, offsets })
  }
  const isComplete = isJobComplete()
  forgetIdle()
  for (const [id, { vertex, topics: its }] of memory.operators)
    for (const topic of its.keys()) if (!live.has(liveKey(id, topic))) addUnseen(topic, vertex)
  for (const topic of memory.known.keys()) {
    if (topics.has(topic)) continue
    if (isComplete) memory.known.delete(topic)
    else addUnseen(topic, undefined)
  }
  yield
  const { blocks, takenAt } = topics.settle(memory)
  return {
    blocks,
    takenAt,
    commits: {
      consumer: view.consumer,
      jobId: view.jobId,
      ...(view.applicationId === undefined ? {} : { applicationId: view.applicationId }),
      ...(view.group === undefined ? {} : { group: view.group }),
      isRunning: !hasEnded(view),
      isComplete,
      operators: commits,
    },
  }

  /** Partitions that the operator read, of which it says nothing now. */
  function addUnseen(topic: string, vertex: string | undefined): void {
    const before = memory.known.get(topic) ?? []
    for (const partition of partitionsOf(rules.catalog, topic, before.keys()))
      topics.add(topic, partition, { reason: whyNone(topic, partition, false, vertex) })
  }

  /**
   * @param hasGauge there is one on a page that can be believed, and it says that it does not know
   * @param vertex absent when no operator of this run is known to read the topic
   */
  function whyNone(topic: string, partition: number, hasGauge: boolean, vertex: string | undefined): Reason {
    const before = knownBefore(memory, topic, partition)
    const isRecent = before !== undefined && now - before.at <= rules.holdMs
    if (hasGauge) return isRecent ? 'stale' : 'no_position'
    const trouble = before === undefined ? undefined : rules.troubleOf(before.reporter)
    if (trouble !== undefined) return isRecent ? trouble : 'stale'
    if (vertex !== undefined && isVertexWhole(vertex)) return isRecent ? 'stale' : 'no_position'
    return before === undefined ? 'incomplete' : 'stale'
  }

  /** All that reads has been seen: what is not there is not read. */
  function isJobComplete(): boolean {
    if (readings === undefined || view.state !== 'RUNNING' || rules.hasTrouble(view)) return false
    if (memory.seenSince === undefined || now - memory.seenSince < rules.settleMs) return false
    return [...new Set(readings.live.map(({ reading }) => reading.operator.taskId))].every(isVertexWhole)
  }

  /** An operator of which everything is seen has given up a topic when it has not shown it for as long as rows are held. */
  function forgetIdle(): void {
    for (const { vertex, topics: its } of memory.operators.values())
      if (isVertexWhole(vertex)) for (const [topic, seenAt] of its) if (now - seenAt > rules.holdMs) its.delete(topic)
  }
}

function liveKey(operator: string, topic: string): string {
  return `${operator} ${topic}`
}

/** Every subtask of the vertex stands on a page that can be believed. */
function isWhole(
  view: FlinkJobView,
  readings: JobReadings | undefined,
  vertex: string,
  rules: Pick<RowRules, 'hasTrouble'>,
): boolean {
  const seen = readings?.subtasks.get(vertex)?.size ?? 0
  const expected = view.parallelism.get(vertex)
  return expected === undefined ? seen > 0 && !rules.hasTrouble(view) : seen >= expected
}

function saidBy(readings: readonly LiveReading[] | undefined): Said | undefined {
  const from = readings === undefined ? undefined : latestOf(readings)
  if (from === undefined) return undefined
  const position = positionOf(from.reading)
  return position === undefined ? undefined : { position, from }
}

/** All that the topic has by the metadata, and any that is shown beyond. */
function* partitionsOf(catalog: Catalog, topic: string, shown: Iterable<number>): Generator<number> {
  const { partitions } = topicNamed(catalog, topic) ?? { partitions: 0 }
  for (let partition = 0; partition < partitions; partition++) yield partition
  for (const partition of shown) if (partition >= partitions) yield partition
}

/** The worst first: what one operator lacks, the job lacks. */
const worst: readonly Reason[] = [
  'ambiguous_topic',
  'end_unknown',
  'timeout',
  'read_failed',
  'incomplete',
  'stale',
  'no_position',
]

/** Brings together what operators say of partitions. */
function createTopics() {
  const topics = new Map<string, { readonly exact: boolean; readonly partitions: Map<number, Said> }>()

  function of(topic: string, exact: boolean): Map<number, Said> {
    const known = topics.get(topic)
    if (known !== undefined) return known.partitions
    const partitions = new Map<number, Said>()
    topics.set(topic, { exact, partitions })
    return partitions
  }

  function add(topic: string, partition: number, said: Said, exact = true): void {
    const partitions = of(topic, exact)
    const before = partitions.get(partition)
    partitions.set(partition, before === undefined ? said : both(before, said))
  }

  return {
    has: (topic: string): boolean => topics.has(topic),
    add,
    addShown: (topic: string, partitions: Iterable<number>): void => {
      for (const partition of partitions) add(topic, partition, { reason: 'end_unknown' }, false)
    },
    settle: (memory: JobMemory): Pick<JobRows, 'blocks' | 'takenAt'> => {
      let takenAt: number | undefined
      const blocks = [...topics]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([topic, { exact, partitions }]) => ({
          topic,
          exact,
          rows: [...partitions]
            .sort(([a], [b]) => a - b)
            .map(([partition, said]): JobRow => {
              if ('reason' in said) return { partition, reason: reasonCode(said.reason) }
              const { id: reporter, takenAt: at } = said.from.page
              takenAt = Math.min(takenAt ?? at, at)
              noteKnown(memory, topic, partition, { at, reporter })
              return { partition, reason: KNOWN, position: said.position }
            }),
        }))
      return { blocks, takenAt }
    },
  }
}

function both(one: Said, other: Said): Said {
  if ('reason' in one && 'reason' in other)
    return worst.indexOf(one.reason) <= worst.indexOf(other.reason) ? one : other
  if ('reason' in one) return one
  if ('reason' in other) return other
  return one.position <= other.position ? one : other
}
