import type {
  FlinkPage,
  OperatorLabels,
  PageFailure,
  PageReading,
  PartitionReading,
} from '../../src/flink/flink-page.ts'
import { join } from '../../src/lag/join.ts'
import { indexPrevious } from '../../src/lag/previous.ts'
import { consumerTotals } from '../../src/lag/totals.ts'
import type { Catalog } from '../../src/model/catalog.ts'
import type { NoPositionPolicy } from '../../src/model/no-position-policy.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import type { FlinkJobView } from '../../src/positions/flink-job-view.ts'
import { createFlinkPages, type FlinkPages, type FlinkPagesOptions } from '../../src/positions/flink-pages.ts'
import { type FakeTopic, fakeLogs, fakeSnapshot } from '../fakes/columns.ts'
import { shown } from '../fakes/shown.ts'

/** A gauge line as a test writes it; what it leaves out is the first subtask of the first source, never restarted. */
export interface FakeGauge {
  readonly job?: string
  readonly topic?: string
  readonly partition?: number
  readonly current?: number
  readonly committed?: number
  readonly operator?: string
  readonly vertex?: string
  readonly subtask?: number
  readonly attempt?: number
  readonly generation?: 'source' | 'legacy'
  readonly kafkaCluster?: string
}

function labelsOf({
  job = 'job1',
  operator = 'op1',
  vertex = 'v1',
  subtask = 0,
  attempt = 0,
}: FakeGauge): OperatorLabels {
  return {
    jobId: job,
    jobName: 'name',
    taskId: vertex,
    operatorId: operator,
    operatorName: 'Source:_x',
    subtask,
    attempt,
  }
}

function readingOf(gauge: FakeGauge): PartitionReading {
  const { topic = 'orders', partition = 0, generation = 'source', current, committed, kafkaCluster } = gauge
  return {
    operator: labelsOf(gauge),
    generation,
    topic,
    partition,
    ...(current === undefined ? {} : { current }),
    ...(committed === undefined ? {} : { committed }),
    ...(kafkaCluster === undefined ? {} : { kafkaCluster }),
  }
}

export interface FakePage {
  readonly gauges?: readonly FakeGauge[]
  /** Subtasks without a partition. */
  readonly idle?: readonly FakeGauge[]
  readonly help?: Readonly<Record<string, readonly string[]>>
  readonly hasTrueLabels?: true
}

function pageOf({ gauges = [], idle = [], help = {}, hasTrueLabels }: FakePage): FlinkPage {
  return {
    tmId: 'tm',
    partitions: gauges.map(readingOf),
    operators: [...gauges, ...idle].map((gauge) => ({ operator: labelsOf(gauge) })),
    topicNames: new Map(Object.entries(help).map(([name, names]) => [name, new Set(names)])),
    ...(hasTrueLabels === undefined ? {} : { hasTrueLabels }),
    bytes: 1,
    badLines: 0,
  }
}

export function jobView(more: Partial<FlinkJobView> = {}): FlinkJobView {
  return {
    consumer: 'prod/etl',
    flinkCluster: 'prod',
    jobId: 'job1',
    state: 'RUNNING',
    rest: 'http://jm:8081',
    expectedRunning: true,
    parallelism: new Map([['v1', 1]]),
    ...more,
  }
}

const HOLD_MS = 90_000

/** A source with pages, jobs and a clock that a test sets, and the join behind it. */
export function flinkWorld(
  topics: readonly FakeTopic[],
  more: Partial<FlinkPagesOptions> & { noPosition?: NoPositionPolicy; leftOut?: readonly string[] } = {},
) {
  const pages = new Map<string, PageReading>()
  const failures = new Map<string, PageFailure>()
  let jobs: readonly FlinkJobView[] = [jobView()]
  let now = 1_000_000
  let snapshot: Snapshot | undefined
  let logs = fakeLogs(topics)
  const leftOut = new Set(more.leftOut)
  const source: FlinkPages = createFlinkPages({
    kafkaCluster: 'main',
    pages: () => pages.values(),
    failures: () => failures.values(),
    jobs: () => jobs,
    kafkaClusterOf: (_, label) => label ?? 'main',
    keepConsumer: () => true,
    keepTopic: (name) => !leftOut.has(name),
    clock: { monotonic: () => now, wall: () => now, sleep: async () => {} },
    staleMs: 90_000,
    holdMs: HOLD_MS,
    ...more,
  })
  const urlOf = (tm: string): string => `http://${tm}:9250/metrics`
  const idOf = (tm: string, app: string): string => `prod/${app}/taskmanager/${tm}`

  return {
    source,
    catalog: (): Catalog => ({ ...logs.catalog, ...(more.leftOut === undefined ? {} : { leftOut: more.leftOut }) }),
    now: () => now,
    pass: (ms: number): void => {
      now += ms
    },
    jobs: (...views: readonly FlinkJobView[]): void => {
      jobs = views
    },
    topics: (changed: readonly FakeTopic[]): void => {
      logs = fakeLogs(changed)
    },
    /** The page of a TaskManager, read now. */
    page: (tm: string, page: FakePage | FlinkPage, app = 'session'): void => {
      const id = idOf(tm, app)
      failures.delete(id)
      pages.set(id, {
        id,
        flinkCluster: 'prod',
        url: urlOf(tm),
        page: 'partitions' in page ? page : pageOf(page),
        sentAt: now - 5,
        takenAt: now,
      })
    },
    fail: (tm: string, kind: PageFailure['kind'] = 'refused', app = 'session'): void => {
      const id = idOf(tm, app)
      failures.set(id, { id, flinkCluster: 'prod', url: urlOf(tm), kind, why: 'x', at: now })
    },
    forget: (tm: string, app = 'session'): void => {
      pages.delete(idOf(tm, app))
      failures.delete(idOf(tm, app))
    },
    /** A cycle: rows as `topic/partition` to lag and reason, of the only consumer unless there are several. */
    cycle: async (): Promise<{
      readonly rows: Record<string, string>
      readonly totals: Record<string, number | undefined>
    }> => {
      const catalog = { ...logs.catalog, ...(more.leftOut === undefined ? {} : { leftOut: more.leftOut }) }
      const { batches } = await source.collect(catalog, new AbortController().signal)
      const askedAt = now + 1
      const ends = { ...logs.ends, evidence: logs.ends.evidence.map((one) => ({ ...one, sentAt: askedAt })) }
      const parts = batches.map((batch) =>
        join(batch, {
          catalog,
          starts: logs.starts,
          ends,
          recreated: new Uint8Array(catalog.topics.length),
          previous: snapshot === undefined ? undefined : indexPrevious(snapshot),
          holdSince: now - HOLD_MS,
          noPosition: () => more.noPosition ?? 'ignore',
        }),
      )
      snapshot = fakeSnapshot({ catalog, starts: logs.starts, ends }, parts, now)
      const consumers = consumerTotals(parts, [], [])
      const rows = Object.entries(shown(snapshot)).map(([key, value]) => [key.replace('prod/etl ', ''), value])
      return {
        rows: Object.fromEntries(rows),
        totals: Object.fromEntries(consumers.map(({ consumer, lag }) => [consumer.name, lag])),
      }
    },
  }
}

/** A topic with logs of these lengths. */
export function topic(name: string, ...ends: readonly number[]): FakeTopic {
  return { name, start: ends.map(() => 0n), end: ends.map(BigInt) }
}
