import type { PageFailure, PageReading } from '../flink/flink-page.ts'
import type { Catalog } from '../model/catalog.ts'
import type { JobCommits } from '../model/job-commits.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { PositionTrace } from '../model/position-trace.ts'
import { runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { flinkBatch } from './flink-batch.ts'
import { type FlinkJobView, hasEnded } from './flink-job-view.ts'
import { beginRun, createJobMemory, type JobMemory } from './flink-memory.ts'
import { unreadPages } from './flink-problems.ts'
import { applicationOf, type JobReadings, type PageTrouble, pageTrouble, readingsByJob } from './flink-readings.ts'
import { type RestGauges, restOf, withRest } from './flink-rest-gauges.ts'
import { type RowRules, rowsOfJob } from './flink-rows.ts'
import { createTopicNames } from './flink-topics.ts'
import { traceOf } from './flink-trace.ts'
import type { PositionSource } from './position-source.ts'

export interface FlinkPagesOptions {
  /** The Kafka cluster whose topics this source tells positions of. */
  readonly kafkaCluster: string
  /** Last good page of each TaskManager, and why the last attempt at it failed, if it did. */
  readonly pages: () => Iterable<PageReading>
  readonly failures: () => Iterable<PageFailure>
  /** What JobManagers told of vertices whose processes have no reporter; when absent, nothing is asked of them. */
  readonly restGauges?: () => Iterable<RestGauges>
  /** Every job that is known. One that is not among them any more is gone. */
  readonly jobs: () => readonly FlinkJobView[]
  /** Where the topics of a Flink cluster are, or those with this `kafkaCluster` label; undefined when nobody said. */
  readonly kafkaClusterOf: (flinkCluster: string, label: string | undefined) => string | undefined
  /**
   * Whether one of these Kafka clusters may have a topic that is shown so, asked for jobs that read several: where one
   * may, and this one does, it is not known whose the position is. When absent, each may.
   */
  readonly mayBeElsewhere?: (kafkaClusters: readonly string[], shown: string) => boolean
  readonly keepConsumer: (name: string) => boolean
  readonly keepTopic: (name: string) => boolean
  readonly clock: Clock
  /** Older pages say nothing about now: three intervals of the poller. */
  readonly staleMs: number
  /** How long a row is held after its position could not be read, as in the collector. */
  readonly holdMs: number
}

export interface FlinkPages extends PositionSource {
  /** What the jobs of the last call said that they committed. */
  commits(): readonly JobCommits[]
  /** How the last position of a job on a partition came to be; undefined for what is no job of the last call. */
  trace(consumer: string, topic: string, partition: number): Promise<PositionTrace | undefined>
}

/** What one call made of its pages, kept for those who ask how. */
interface Look {
  readonly rules: RowRules
  readonly pages: readonly PageReading[]
  readonly jobs: ReadonlyMap<string, FlinkJobView>
  readonly memories: ReadonlyMap<string, JobMemory>
}

/**
 * Positions of Flink jobs by the gauges of their sources, as the reporters of their TaskManagers show them: of every job,
 * whether it commits or not, and up to the record that it was given last. Reads nothing itself: a poller does.
 */
export function createFlinkPages(options: FlinkPagesOptions): FlinkPages {
  const { clock, keepConsumer } = options
  const memories = new Map<string, JobMemory>()
  let commits: readonly JobCommits[] = []
  let last: Look | undefined

  function* look(catalog: Catalog): Generator<void, readonly PositionBatch[], void> {
    const now = clock.monotonic()
    const all = new Map<string, PageReading>()
    for (const page of options.pages()) all.set(page.id, page)
    const troubles = troublesOf(all, options.failures(), now - options.staleMs)
    const pages = [...all.values()].filter(({ id }) => !troubles.has(id))
    const jobs = jobsByName(options.jobs().filter(({ consumer }) => keepConsumer(consumer)))
    for (const name of memories.keys()) if (!jobs.has(name)) memories.delete(name)
    const rules = rulesOf(catalog, yield* createTopicNames(catalog, options.keepTopic), troubles, all, now)
    last = { rules, pages, jobs, memories }
    yield
    const readings = yield* readingsByJob(pages, [...jobs.values()])
    const batches: PositionBatch[] = []
    const told: JobCommits[] = []
    for (const [name, view] of jobs) {
      const memory = memories.get(name) ?? createJobMemory(view.jobId)
      memories.set(name, memory)
      beginRun(memory, view.jobId)
      const its = yield* readingsOf(view, readings.get(view), rules)
      const rows = yield* rowsOfJob(view, its, memory, rules)
      told.push(rows.commits)
      if (hasEnded(view) && !view.expectedRunning) continue
      if (rows.blocks.length > 0 || view.kafkaClusters?.includes(options.kafkaCluster) === true)
        batches.push(yield* flinkBatch(view, rows, its?.pages ?? [], now))
      yield
    }
    commits = told
    return batches
  }

  function* readingsOf(
    view: FlinkJobView,
    onPages: JobReadings | undefined,
    rules: RowRules,
  ): Generator<void, JobReadings | undefined, void> {
    if (options.restGauges === undefined || rules.hasTrouble(view)) return onPages
    return yield* withRest(view, onPages, restOf(view, options.restGauges(), rules.now - options.staleMs))
  }

  function rulesOf(
    catalog: Catalog,
    topicBehind: RowRules['topicBehind'],
    troubles: ReadonlyMap<string, Trouble>,
    pages: ReadonlyMap<string, PageReading>,
    now: number,
  ): RowRules {
    const clusters = new Set<string>()
    const applications = new Set<string>()
    for (const [id, { flinkCluster }] of troubles) {
      clusters.add(flinkCluster)
      applications.add(`${flinkCluster}/${applicationOf(id)}`)
    }
    return {
      catalog,
      topicBehind,
      isHere: (view, label, shown) => isHere(options, view, label, shown),
      troubleOf: (reporter) => troubles.get(reporter)?.kind ?? (pages.has(reporter) ? undefined : 'stale'),
      hasTrouble: ({ applicationId, flinkCluster }) =>
        applicationId === undefined ? clusters.has(flinkCluster) : applications.has(`${flinkCluster}/${applicationId}`),
      now,
      holdMs: options.holdMs,
      settleMs: options.staleMs,
    }
  }

  return {
    name: 'flink-pages',
    collect: async (catalog, signal) => {
      const batches = await runInTurns(look(catalog))
      signal.throwIfAborted()
      return { batches, problems: unreadPages(options) }
    },
    commits: () => commits,
    trace: async (consumer, topic, partition) => {
      const view = last?.jobs.get(consumer)
      if (last === undefined || view === undefined) return undefined
      const { rules, pages } = last
      const memory = last.memories.get(consumer)
      const readings = await runInTurns(readingsByJob(pages, [view]))
      const its = await runInTurns(readingsOf(view, readings.get(view), rules))
      return traceOf(view, its, memory, rules, topic, partition)
    },
  }
}

interface Trouble {
  readonly kind: PageTrouble
  readonly flinkCluster: string
}

/** By reporter, also of those that have no page at all. */
function troublesOf(
  pages: ReadonlyMap<string, PageReading>,
  failures: Iterable<PageFailure>,
  staleBefore: number,
): ReadonlyMap<string, Trouble> {
  const troubles = new Map<string, Trouble>()
  for (const failure of failures) {
    const kind = pageTrouble(pages.get(failure.id), failure, staleBefore)
    if (kind !== undefined) troubles.set(failure.id, { kind, flinkCluster: failure.flinkCluster })
  }
  for (const [id, page] of pages) {
    const kind = troubles.has(id) ? undefined : pageTrouble(page, undefined, staleBefore)
    if (kind !== undefined) troubles.set(id, { kind, flinkCluster: page.flinkCluster })
  }
  return troubles
}

function jobsByName(jobs: readonly FlinkJobView[]): ReadonlyMap<string, FlinkJobView> {
  const byName = new Map<string, FlinkJobView>()
  for (const view of jobs) if (!byName.has(view.consumer)) byName.set(view.consumer, view)
  return byName
}

function isHere(
  { kafkaCluster, kafkaClusterOf, mayBeElsewhere = () => true }: FlinkPagesOptions,
  { flinkCluster, kafkaClusters = [] }: FlinkJobView,
  label: string | undefined,
  shown: string,
): boolean | 'perhaps' {
  if (label !== undefined || kafkaClusters.length === 0) return kafkaClusterOf(flinkCluster, label) === kafkaCluster
  if (!kafkaClusters.includes(kafkaCluster)) return false
  const others = kafkaClusters.filter((name) => name !== kafkaCluster)
  return others.length > 0 && mayBeElsewhere(others, shown) ? 'perhaps' : true
}
