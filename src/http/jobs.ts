import { isoTime, jsonText, thousandths } from '../exposition/json-row.ts'
import { type FindingKind, findingKinds } from '../model/finding.ts'
import type { Job } from '../model/job.ts'
import { type JobView, jobState } from '../model/job-view.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { badParameter, readQuery } from './query.ts'
import { Refusal, type Request, type Route, securityHeaders } from './route.ts'

export interface JobsDeps {
  /** The jobs as last made out; undefined before the first time. */
  readonly jobs: () => readonly JobView[] | undefined
  /** Names of all configured Flink clusters. */
  readonly flinkClusters: () => readonly string[]
  readonly clock: Clock
}

/**
 * `/api/v1/jobs`: every known job with its findings and what shows them, in the order Flink cluster, label, as
 * `{"jobs":[]}`. `flink_cluster` and `flink_job` are exact names, `finding` leaves jobs that have it.
 */
export function jobsRoute(deps: JobsDeps): Route {
  return {
    method: 'GET',
    path: '/api/v1/jobs',
    handle: (request) => ({
      status: 200,
      headers: { 'Content-Type': 'application/json; charset=utf-8', ...securityHeaders },
      body: listing(wantedJobs(deps, request), deps.clock),
    }),
  }
}

/**
 * The jobs that a query asks for.
 *
 * @throws Refusal 404 for a Flink cluster that is not configured, 400 for a finding that there is not, 503 before the
 *   first look at the jobs
 */
export function wantedJobs({ jobs, flinkClusters }: Omit<JobsDeps, 'clock'>, request: Request): readonly JobView[] {
  const query = readQuery(request.query, ['flink_cluster', 'flink_job', 'finding'])
  const finding = query.finding === undefined ? undefined : findingOf(query.finding)
  const known = flinkClusters()
  if (query.flink_cluster !== undefined && !known.includes(query.flink_cluster))
    throw new Refusal(404, `No Flink cluster "${query.flink_cluster}", known are: ${known.join(', ') || 'none'}`, {
      flink_clusters: known,
    })
  const all = jobs()
  if (all === undefined && known.length > 0) throw new Refusal(503, 'List jobs: no complete look at Flink yet')
  return (all ?? []).filter(
    (job) =>
      (query.flink_cluster === undefined || job.flinkCluster === query.flink_cluster) &&
      (query.flink_job === undefined || job.label === query.flink_job) &&
      (finding === undefined || job.findings.some(({ kind }) => kind === finding)),
  )
}

function findingOf(text: string): FindingKind {
  const found = findingKinds.find((kind) => kind === text)
  if (found === undefined) throw badParameter('finding', text, `one of ${findingKinds.join(', ')}`)
  return found
}

/** Job by job, so that a thousand of them are never one long text. */
async function* listing(jobs: readonly JobView[], clock: Clock): AsyncGenerator<Uint8Array, void> {
  const breathe = breather(5)
  let text = '{"jobs":['
  for (const [index, job] of jobs.entries()) {
    text += `${index === 0 ? '' : ','}${jsonText(jobWords(job, clock))}`
    if (text.length > CHUNK) {
      yield Buffer.from(text)
      text = ''
    }
    await breathe()
  }
  yield Buffer.from(`${text}]}\n`)
}

const CHUNK = 64 * 1024

/** The members of a job in JSON's words; what is undefined is unknown. */
function jobWords(view: JobView, clock: Clock): Readonly<Record<string, unknown>> {
  return {
    flink_cluster: view.flinkCluster,
    flink_job: view.label,
    name: view.name,
    state: jobState(view),
    present: view.present,
    expected_running: view.expectedRunning,
    restarts: view.restarts,
    groups: view.groups,
    status: view.judged?.status,
    why: view.judged?.why,
    time_lag_seconds: view.judged?.timeLagMs === undefined ? undefined : thousandths(view.judged.timeLagMs / 1_000),
    backpressure_ratio: view.backPressure,
    watermark_lag_seconds: view.watermarkLagMs === undefined ? undefined : view.watermarkLagMs / 1000,
    ...(view.job === undefined ? {} : runWords(view.job, clock)),
    sources: view.sources.map((source) => ({
      vertex: source.vertex,
      vertex_id: source.vertexId,
      topics: source.topics,
      partitions: source.partitions,
      records_lag: source.recordsLag,
      flink_pending_records: source.pendingRecords,
      backpressure_ratio: source.backPressure,
    })),
    findings: view.findings.map(({ kind, message, evidence, since }) => ({
      finding: kind,
      message,
      evidence,
      since: timeOf(since),
    })),
  }
}

/** What is known of the run that the job has now. */
function runWords(job: Job, clock: Clock): Readonly<Record<string, unknown>> {
  const { application, checkpoints, lastException } = job
  return {
    job_id: job.id,
    rest: job.rest,
    version: job.version,
    application: application && {
      id: application.id,
      attempt: application.attempt,
      name: application.name,
      queue: application.queue,
      user: application.user,
      tags: application.tags,
    },
    started_at: timeOf(job.startedAt),
    ended_at: timeOf(job.endedAt),
    read_at: timeOf(clock.wall() - (clock.monotonic() - job.takenAt)),
    vertices: job.vertices.map(({ id, name, parallelism, state, backPressure }) => ({
      id,
      name,
      parallelism,
      state,
      backpressure_ratio: backPressure,
    })),
    checkpoints: checkpoints && {
      interval_seconds: checkpoints.intervalMs === undefined ? undefined : checkpoints.intervalMs / 1000,
      completed: checkpoints.completed,
      failed: checkpoints.failed,
      in_progress: checkpoints.inProgress,
      restored: checkpoints.restored,
      last_completed_at: timeOf(checkpoints.lastCompletedAt),
      last_restored_at: timeOf(checkpoints.lastRestoredAt),
      last_failure: eventWords(checkpoints.lastFailure),
    },
    last_exception: eventWords(lastException),
    unread: job.unread,
  }
}

function eventWords(event: { readonly at: number; readonly text: string } | undefined): unknown {
  return event && { at: timeOf(event.at), text: event.text }
}

/** A moment that a peer told need not be one. */
function timeOf(wallMs: number | undefined): string | undefined {
  return wallMs === undefined || !(Math.abs(wallMs) <= 8.64e15) ? undefined : isoTime(wallMs)
}
