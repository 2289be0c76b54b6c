import type { FoundScope } from '../discovery/discoverer.ts'
import type { PageReading } from '../flink/flink-page.ts'
import type { PagePoller } from '../flink/page-poller.ts'
import type { JobFacts } from '../jobs/facts.ts'
import { gaugesByJob } from '../jobs/gauges.ts'
import { type Inventory, inventoryDefaults, type JobEntry, takeInventory } from '../jobs/inventory.ts'
import { consumerOfJob } from '../jobs/label.ts'
import { type FindingMemory, jobViews } from '../jobs/views.ts'
import type { JobView } from '../model/job-view.ts'
import { worseOff } from '../model/judgement.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { FlinkJobView } from '../positions/flink-job-view.ts'
import { createBell } from '../runtime/bell.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { together } from '../runtime/together.ts'
import { idOf } from '../targets/identity.ts'
import { scopeKey } from './found-registration.ts'
import type { JobBoard } from './job-board.ts'
import { createJobLags, type JobLags } from './job-lags.ts'
import type { JobRules } from './job-rules.ts'

/** One Kafka cluster, as far as jobs need it. */
interface JobKafka {
  readonly kafkaCluster: string
  current(): Snapshot | undefined
  /** Groups that were found to be of a job, by its consumer. */
  groupsOfJobs(): ReadonlyMap<string, readonly string[]>
}

export interface JobServiceDeps {
  readonly board: JobBoard
  readonly poller: Pick<PagePoller, 'pages' | 'failures'>
  /** What the configuration says now. */
  readonly rules: () => JobRules
  readonly kafka: () => readonly JobKafka[]
  readonly kafkaClusterOf: (flinkCluster: string, label: string | undefined) => string | undefined
  /** The Flink cluster has been looked at completely. */
  readonly isRead: (flinkCluster: string) => boolean
  /** Somebody has looked completely. */
  readonly hasLooked: () => boolean
  /** Older pages say nothing about now. */
  readonly staleMs: number
  readonly clock: Clock
}

/** All Flink jobs, made out again whenever discovery has found something, and every few seconds. */
export interface JobService extends Service {
  /** Replaced whole; undefined before the first time. */
  views(): readonly JobView[] | undefined
  /** The same jobs for the source of their positions. */
  flinkJobs(): readonly FlinkJobView[]
  /** Whether one of these Kafka clusters may have a topic that is shown so; one that is not read here may. */
  mayBeElsewhere(kafkaClusters: readonly string[], shown: string): boolean
}

const intervalMs = 5_000
const gapMs = 500

export function createJobService(deps: JobServiceDeps): JobService {
  const { board, poller, clock } = deps
  const bell = createBell()
  const lagsOf = new Map<string, ReturnType<typeof createJobLags>>()
  let inventory: Inventory = new Map()
  let memory: FindingMemory = new Map()
  let views: readonly JobView[] | undefined
  let flinkJobs: readonly FlinkJobView[] = []
  let kafkaRead: KafkaRead = new Map()
  let madeAt = Number.NEGATIVE_INFINITY

  async function make(): Promise<void> {
    const { rules, isRead } = deps
    const { expects, named, isConfigured } = rules()
    const options = { ...inventoryDefaults, expects, named, isConfigured, isRead }
    const before = inventory
    inventory = await runInTurns(takeInventory(board.jobs(), before, clock.monotonic(), options))
    // First, because positions of a new job are asked for at once.
    flinkJobs = [...inventory.values()].flatMap((entry) => flinkJob(entry, rules()))
    // Thousands of applications are read one after the other: most are what they were, and all their pages are many.
    const isDue = clock.monotonic() - madeAt >= intervalMs - gapMs
    if (!isDue && views !== undefined && haveSameRuns(before, inventory)) return
    madeAt = clock.monotonic()
    const factsOf = await gatherFacts()
    const made = await runInTurns(jobViews(inventory, factsOf, memory, clock.wall()))
    memory = made.memory
    // Before the first look nothing is known, which is not the same as that there are none.
    if (views !== undefined || deps.hasLooked()) views = made.views
  }

  async function gatherFacts(): Promise<(entry: JobEntry) => JobFacts | undefined> {
    const scopes = await readScopes()
    const kafka = await readKafka()
    kafkaRead = kafka
    const labels = groupLabels(kafka)
    return ({ flinkCluster, label, job, namesakes }) => {
      if (job === undefined) return undefined
      const scope = scopes.get(scopeKey({ flinkCluster, scope: job.application?.id ?? wholeCluster }))
      const consumer = consumerOfJob({ flinkCluster, label })
      const lagsFor = (kafkaLabel: string | undefined): JobLags | undefined =>
        kafka.get(deps.kafkaClusterOf(flinkCluster, kafkaLabel) ?? '')?.lags
      const groups = groupsOf(flinkCluster, job.name, consumer, kafka)
      const gauges = scope?.gauges.get(job.id)
      const judged = [...kafka.values()].flatMap(({ lags }) => lags?.judged(consumer) ?? [])
      return {
        job,
        now: clock.wall(),
        namesakes,
        ...(gauges === undefined
          ? (scope?.pages ?? 0) > 0
            ? { gauges: { partitions: [], operators: [] } }
            : {}
          : { gauges }),
        hasAllPages: scope?.hasAllPages === true,
        // A dead process lacks no reporter.
        silent: scope?.silent.filter(({ hasEnded }) => hasEnded !== true) ?? [],
        partitionsOf: (topic, kafkaLabel) => lagsFor(kafkaLabel)?.partitionsOf(topic),
        lagOf: (topic, partition, kafkaLabel) => lagsFor(kafkaLabel)?.lagOf(consumer, topic, partition),
        ...(judged.length === 0 ? {} : { judged: judged.reduce((one, other) => worseOff(other, one)) }),
        groups,
        groupSharedWith: groups.flatMap((group) =>
          (labels.get(`${flinkCluster}\0${group}`) ?? [])
            .filter((other) => other !== label)
            .map((other) => ({ group, label: other })),
        ),
      }
    }
  }

  /** The last pages of each scope, and whether they are all there. */
  async function readScopes() {
    const now = clock.monotonic()
    const [pages, failures] = [poller.pages(), poller.failures()]
    const scopes = new Map<string, Scope>()
    const breathe = breather()
    for (const { flinkCluster, scope, reporters, silent } of board.scopes()) {
      // Each is little, and thousands are not.
      await breathe()
      const fresh: PageReading[] = []
      let expected = 0
      for (const reporter of reporters) {
        if (reporter.tmId === undefined) continue
        expected++
        const id = idOf(reporter)
        const page = pages.get(id)
        if (page !== undefined && !failures.has(id) && now - page.takenAt <= deps.staleMs) fresh.push(page)
      }
      scopes.set(scopeKey({ flinkCluster, scope }), {
        pages: fresh.length,
        gauges: await runInTurns(gaugesByJob(fresh)),
        hasAllPages: expected > 0 && fresh.length === expected && silent.length === 0,
        silent,
      })
    }
    return scopes
  }

  async function readKafka(): Promise<KafkaRead> {
    const kafka = new Map<string, { readonly lags: JobLags | undefined; readonly groups: Groups }>()
    for (const cluster of deps.kafka()) {
      const name = cluster.kafkaCluster
      const of = lagsOf.get(name) ?? createJobLags()
      lagsOf.set(name, of)
      const snapshot = cluster.current()
      kafka.set(name, {
        lags: snapshot === undefined ? undefined : await of(snapshot),
        groups: cluster.groupsOfJobs(),
      })
    }
    return kafka
  }

  function groupsOf(flinkCluster: string, name: string, consumer: string, kafka: KafkaRead): readonly string[] {
    const configured = deps.rules().ruleFor(flinkCluster, name)?.group
    if (configured !== undefined) return [configured]
    return [...new Set([...kafka.values()].flatMap(({ groups }) => groups.get(consumer) ?? []))].sort()
  }

  /** Labels of the jobs of each group that is configured or was found out. */
  function groupLabels(kafka: KafkaRead): ReadonlyMap<string, readonly string[]> {
    const labels = new Map<string, string[]>()
    for (const { flinkCluster, label, name, present } of inventory.values()) {
      if (present !== true) continue
      for (const group of groupsOf(flinkCluster, name, consumerOfJob({ flinkCluster, label }), kafka)) {
        const key = `${flinkCluster}\0${group}`
        labels.set(key, [...(labels.get(key) ?? []), label])
      }
    }
    return labels
  }

  return {
    name: 'jobs',
    views: () => views,
    flinkJobs: () => flinkJobs,
    mayBeElsewhere: (kafkaClusters, shown) =>
      kafkaClusters.some((name) => kafkaRead.get(name)?.lags?.mayHave(shown) ?? true),
    run: (signal) =>
      together(signal, [
        (both) => poll({ intervalMs, sooner: { bell, gapMs }, clock }, both, make),
        async (both) => {
          for await (const _ of board.changes(both)) bell.ring()
        },
      ]),
  }
}

function haveSameRuns(before: Inventory, now: Inventory): boolean {
  if (before.size !== now.size) return false
  for (const [key, { job, present, expectedRunning }] of now) {
    const was = before.get(key)
    if (was?.job?.id !== job?.id || was?.job?.state !== job?.state) return false
    if (was?.present !== present || was?.expectedRunning !== expectedRunning) return false
  }
  return true
}

type Groups = ReturnType<JobKafka['groupsOfJobs']>

/** By Kafka cluster; no lags before its first snapshot. */
type KafkaRead = ReadonlyMap<string, { readonly lags: JobLags | undefined; readonly groups: Groups }>

interface Scope {
  readonly pages: number
  readonly gauges: ReadonlyMap<string, NonNullable<JobFacts['gauges']>>
  readonly hasAllPages: boolean
  readonly silent: FoundScope['silent']
}

function flinkJob(
  { flinkCluster, label, job, name, expectedRunning, present }: JobEntry,
  { ruleFor }: JobRules,
): readonly FlinkJobView[] {
  if (job === undefined || (present === false && !expectedRunning)) return []
  const rule = ruleFor(flinkCluster, name)
  return [
    {
      consumer: consumerOfJob({ flinkCluster, label }),
      flinkCluster,
      jobId: job.id,
      ...(job.version === undefined ? {} : { version: job.version }),
      ...(job.application === undefined ? {} : { applicationId: job.application.id }),
      state: job.state,
      rest: job.rest,
      expectedRunning,
      ...(rule?.group === undefined ? {} : { group: rule.group }),
      ...(rule?.kafka_clusters === undefined ? {} : { kafkaClusters: rule.kafka_clusters }),
      parallelism: new Map(
        job.vertices.map(({ id, state, parallelism }) => [id, state === 'FINISHED' ? 0 : parallelism]),
      ),
    },
  ]
}

/** An application is a scope of its own; a Flink cluster with a known address is one whole. */
const wholeCluster = 'session'
