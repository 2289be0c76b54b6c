import type { Job, JobApplication } from '../model/job.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { createOperations } from '../runtime/operations.ts'
import {
  isOver,
  type JobContext,
  jobAtRest,
  type KnownJob,
  lateJob,
  type ReadJob,
  readJob,
  unknownJob,
} from './read-job.ts'
import { type ClusterLists, isOtherLife, readLists, type TaskManager } from './read-lists.ts'
import { type KnownSettings, readSettings } from './read-settings.ts'
import { readReporterPort } from './reporter-log.ts'
import type { ReporterSettings } from './reporter-settings.ts'
import { createRestHttp, type RestHttpOptions } from './rest-http.ts'
import { readVertexMetrics } from './rest-metrics.ts'
import type { JobOverview } from './rest-shapes.ts'

export type { TaskManager } from './read-lists.ts'
export type { ReporterSettings } from './reporter-settings.ts'

/** One look at everything a JobManager knows. */
export interface FlinkLook {
  readonly version?: string
  readonly jobs: readonly Job[]
  readonly taskManagers: readonly TaskManager[]
  /** Prometheus reporters in its configuration; undefined when that could not be read. */
  readonly reporters?: readonly ReporterSettings[]
  /** `high-availability.cluster-id` of its configuration: on YARN the application, unless somebody gave it another name. */
  readonly clusterId?: string
  /** What could not be read, as sentences. */
  readonly unread: readonly string[]
  readonly takenAt: number
}

/** One JobManager over REST, 1.8 to 2.x. Reads only. Answers are capped, redirects are never followed. */
export interface FlinkRest {
  /** Without a slash at the end. */
  readonly url: string
  /**
   * Jobs, TaskManagers and settings. What changes rarely (configuration, version) is asked once for each life of a job or
   * JobManager and then remembered, and a job that did not move is read again only after `refreshMs`: a look at a cluster
   * at rest costs two requests, and two a running job when it is due. `takenAt` of a job says when it was read. A job that
   * there was no time for has what is remembered, says so, and comes first in the next look.
   *
   * @param application what every job of this look belongs to, on YARN
   * @throws UnavailableError when the lists of jobs or TaskManagers cannot be read (an empty one would mean that all are
   *   gone), or what answers is no Flink
   */
  look(
    of: { readonly flinkCluster: string; readonly application?: JobApplication },
    signal: AbortSignal,
  ): Promise<FlinkLook>
  /**
   * Port of the Prometheus reporter by the line that it wrote to the log: the dear way, for when probing found nothing.
   *
   * @param process TaskManager id, or `jobmanager`
   * @returns undefined when the log (and the rotated one before it) has no such line
   */
  reporterPort(process: string, signal: AbortSignal): Promise<number | undefined>
  /**
   * Offset gauges of the source vertices by way of the JobManager: at most ten seconds late, and for clusters without a
   * reporter only.
   *
   * @returns ids of metrics with the subtask in front, and their values
   */
  vertexMetrics(
    job: string,
    vertex: string,
    wanted: (id: string) => boolean,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, number>>
  close(): void
}

export interface FlinkRestOptions extends Pick<RestHttpOptions, 'url' | 'tls' | 'headers'> {
  /** For each answer; 5 s by default. */
  readonly timeoutMs?: number
  /** After so long no further job is begun, since TaskManagers wait for the end of the look; 10 s by default. */
  readonly lookMs?: number
  /** Age at which a job is read again of which nothing has moved in the list of jobs; 30 s by default. */
  readonly refreshMs?: number
  /** Jobs that are asked about at the same time; 8 by default. */
  readonly mostAtOnce?: number
}

export interface FlinkRestDeps {
  readonly clock: Clock
  readonly logger: Logger
}

export function createFlinkRest(options: FlinkRestOptions, { clock, logger }: FlinkRestDeps): FlinkRest {
  const { timeoutMs = 5_000, lookMs = 10_000, refreshMs = 30_000, mostAtOnce = 8 } = options
  const operations = createOperations()
  const http = createRestHttp({ ...options, timeoutMs })
  let settings: KnownSettings | undefined
  /** By id and start: with high availability an id outlives its JobManager. */
  let known: ReadonlyMap<string, KnownJob> = new Map()
  let before: ClusterLists | undefined

  const look = async (of: JobContext, signal: AbortSignal): Promise<FlinkLook> => {
    const endsAt = clock.monotonic() + lookMs
    const lists = await readLists(http, signal).catch((error: unknown) => {
      // Whoever answers next may be another JobManager.
      settings = undefined
      throw error
    })
    if (before !== undefined && isOtherLife(before, lists)) settings = undefined
    before = lists
    settings = await readSettings(http, clock, settings, signal)
    const { version, reporters, clusterId, problems } = settings
    const context = { ...of, ...(version === undefined ? {} : { version }) }
    const next = new Map<string, KnownJob>()
    const jobs = new Map<string, Job>()
    const order = inOrder(lists.overviews, (overview) => known.get(keyOf(overview))?.job?.takenAt)
    await eachOf(order, mostAtOnce, async (overview) => {
      const key = keyOf(overview)
      const old = known.get(key) ?? unknownJob
      const read = async (): Promise<ReadJob> => {
        const still = jobAtRest(overview, context, old, refreshMs, clock)
        if (still !== undefined) return { job: still, known: old }
        if (clock.monotonic() < endsAt) return readJob(overview, context, old, { http, clock }, signal)
        return { job: lateJob(overview, context, old, { http, clock }, lookMs), known: old }
      }
      const { job, known: now } = await read()
      next.set(key, now)
      jobs.set(overview.jid, job)
    })
    known = next
    const found = lists.overviews.flatMap(({ jid }) => jobs.get(jid) ?? [])
    const partly = found.filter(({ unread }) => unread.length > 0)
    if (partly.length > 0)
      logger.debug({ rest: http.url, jobs: partly.length, first: partly[0]?.unread[0] }, 'Jobs were not read whole')
    return {
      jobs: found,
      taskManagers: lists.taskManagers,
      unread: [...lists.problems, ...problems],
      takenAt: clock.monotonic(),
      ...(version === undefined ? {} : { version }),
      ...(reporters === undefined ? {} : { reporters }),
      ...(clusterId === undefined ? {} : { clusterId }),
    }
  }

  return {
    url: http.url,
    look: (of, signal) => operations.run(signal, (own) => look(of, own)),
    reporterPort: (process, signal) => operations.run(signal, (own) => readReporterPort(http, clock, process, own)),
    vertexMetrics: (job, vertex, wanted, signal) =>
      operations.run(signal, (own) => readVertexMetrics(http, job, vertex, wanted, own)),
    close: () => {
      operations.end(new UnavailableError(`Read ${http.url}: we stopped asking`))
      http.close()
    },
  }
}

function keyOf(overview: JobOverview): string {
  return `${overview.jid} ${overview['start-time']}`
}

/** Those that run first, and of them those first that were not read for longest, should the time not be enough for all. */
function inOrder(
  overviews: readonly JobOverview[],
  takenAt: (overview: JobOverview) => number | undefined,
): readonly JobOverview[] {
  const rank = (overview: JobOverview): number =>
    isOver(overview) ? Number.MAX_VALUE : (takenAt(overview) ?? -Number.MAX_VALUE)
  return overviews
    .map((overview) => ({ overview, rank: rank(overview) }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ overview }) => overview)
}

/** Works through a list, so many at the same time; the first error ends it when all that had begun are over. */
async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const breathe = breather()
  let isEnding = false
  const worker = async (): Promise<void> => {
    for (const item of rest) {
      if (isEnding) return
      try {
        await work(item)
        await breathe()
      } catch (error) {
        isEnding = true
        throw error
      }
    }
  }
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, worker)
  const failed = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}
