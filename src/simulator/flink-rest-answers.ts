import type { FlinkCluster } from './flink-cluster.ts'
import type { FlinkJob } from './flink-job.ts'
import type { FlinkProcess } from './flink-process.ts'
import { checkpointConfig, checkpoints, exceptions, jobDetails, taskCounts } from './flink-rest-job.ts'
import { jobMetrics, vertexMaxima, vertexMetrics } from './flink-rest-metrics.ts'
import { type HttpAnswer, jsonText } from './http-answer.ts'

/** What a JobManager's REST needs to answer. */
export interface RestContext {
  readonly cluster: FlinkCluster
  readonly now: () => number
  /** Ports that reporters may take, as its configuration has them. */
  readonly reporterPorts: string
}

/**
 * Answers a GET as Flink 1.20 does, or 2.x when that is the cluster's version. Gauges of sources are as fresh as the
 * pages, where Flink's are up to ten seconds old.
 *
 * @returns undefined when Flink would let whoever asks wait: for the log of a TaskManager that is dead
 * @see https://nightlies.apache.org/flink/flink-docs-release-1.20/docs/ops/rest_api/
 */
export function flinkRestAnswer(context: RestContext, target: string): HttpAnswer | undefined {
  const { pathname, searchParams } = new URL(target, 'http://jobmanager')
  const parts = pathname.split('/').filter((part) => part !== '')
  const path = parts.map(decoded)
  const [root, id = ''] = path
  if (root === 'jobs' && id !== 'overview' && path.length >= 2) return jobAnswer(context, path, searchParams)
  if (root === 'taskmanagers' && path.length >= 3) return taskManagerLog(context, path)
  const { cluster, now, reporterPorts } = context
  switch (path.join('/')) {
    case 'overview':
      return json(overview(cluster))
    case 'config':
      return json(dashboard(cluster.version))
    case 'jobs/overview':
      return json({ jobs: cluster.jobs.map((job) => jobOverview(job, cluster.version, now())) })
    case 'jobs':
      return json({ jobs: cluster.jobs.map(({ id: jobId, state }) => ({ id: jobId, status: state })) })
    case 'taskmanagers':
      return json({ taskmanagers: taskManagers(cluster) })
    case 'jobmanager/config':
      return json(configuration(cluster, reporterPorts))
    case 'jobmanager/logs':
      return json(logs(cluster.jobManager))
    case 'jobmanager/log':
      return text(logOf(cluster.jobManager, cluster))
    default:
      return notFound(`Not found: ${pathname}`)
  }
}

function jobAnswer({ cluster, now }: RestContext, path: readonly string[], query: URLSearchParams): HttpAnswer {
  const [, id = '', ...rest] = path
  const job = cluster.jobs.find((one) => one.id === id)
  if (job === undefined) return notFound(`Job ${id} not found`)
  const names = (query.get('get') ?? '').split(',').filter((name) => name !== '')
  const [first, vertexId, ...more] = rest
  if (first === 'vertices' && vertexId !== undefined) {
    const vertex = job.vertices.find((one) => one.id === vertexId)
    if (vertex === undefined) return notFound(`Vertex ${vertexId} not found`)
    if (more.join('/') === 'metrics') return json(vertexMetrics(job, vertex, names))
    if (more.join('/') === 'subtasks/metrics') return json(vertexMaxima(job, vertex, names))
    return notFound(`Not found: /${path.join('/')}`)
  }
  switch (rest.join('/')) {
    case '':
      return json(jobDetails(job, cluster.version, now()))
    case 'checkpoints':
      return json(checkpoints(job))
    case 'checkpoints/config':
      return json(checkpointConfig(job))
    case 'exceptions':
      return json(exceptions(job, cluster.version, Number(query.get('maxExceptions') ?? 20)))
    case 'metrics':
      return json(jobMetrics(job, cluster.version, now(), names))
    default:
      return notFound(`Not found: /${path.join('/')}`)
  }
}

function overview({ version, taskManagers, jobs, freeSlots }: FlinkCluster) {
  const count = (...states: readonly FlinkJob['state'][]) => jobs.filter(({ state }) => states.includes(state)).length
  return {
    taskmanagers: taskManagers.filter(({ state }) => state !== 'starting').length,
    'slots-total': taskManagers.reduce((sum, { slots, state }) => sum + (state === 'starting' ? 0 : slots), 0),
    'slots-available': taskManagers.reduce((sum, one) => sum + freeSlots(one), 0),
    // Restarting is running, to it.
    'jobs-running': count('RUNNING', 'RESTARTING'),
    'jobs-finished': count('FINISHED'),
    'jobs-cancelled': count('CANCELED'),
    'jobs-failed': count('FAILED'),
    'flink-version': version,
    'flink-commit': '0980485',
  }
}

function dashboard(version: string) {
  return {
    'refresh-interval': 3_000,
    'timezone-name': 'Coordinated Universal Time',
    'timezone-offset': 0,
    'flink-version': version,
    'flink-revision': '0980485 @ 2026-06-08T09:21:06+02:00',
    features: { 'web-submit': true, 'web-cancel': true, 'web-rescale': false, 'web-history': false },
  }
}

function jobOverview(job: FlinkJob, version: string, now: number) {
  const counts = Object.entries(taskCounts(job)).map(([name, count]) => [name.toLowerCase(), count])
  return {
    jid: job.id,
    name: job.plan.name,
    'start-time': job.startedAt,
    'end-time': job.endedAt ?? -1,
    duration: (job.endedAt ?? now) - job.startedAt,
    state: job.state,
    'last-modification': job.modifiedAt,
    tasks: {
      ...Object.fromEntries(counts),
      total: job.vertices.reduce((sum, { subtasks }) => sum + subtasks.length, 0),
    },
    ...(version.startsWith('2.') ? { 'pending-operators': 0 } : {}),
  }
}

function taskManagers({ taskManagers: all, freeSlots }: FlinkCluster) {
  return all
    .filter(({ state }) => state !== 'starting')
    .map((one, index) => ({
      id: one.process.id,
      path: `pekko.tcp://flink@${one.process.host}:${35_000 + index}/user/rpc/taskmanager_0`,
      dataPort: 36_000 + index,
      jmxPort: -1,
      // Named after a duration; it is a time.
      timeSinceLastHeartbeat: one.heardAt,
      slotsNumber: one.slots,
      freeSlots: freeSlots(one),
    }))
}

function configuration({ jobManager, reporter }: FlinkCluster, reporterPorts: string) {
  const factory = 'org.apache.flink.metrics.prometheus.PrometheusReporterFactory'
  const named = {
    factory: { 'metrics.reporter.prom.factory.class': factory },
    class: { 'metrics.reporter.prom.class': factory.replace(/Factory$/, '') },
    none: {},
  }[reporter]
  const settings = {
    'execution.checkpointing.interval': '10s',
    'heartbeat.timeout': '50000',
    'rest.address': '127.0.0.1',
    'rest.port': String(jobManager.restPort ?? 0),
    ...named,
    ...(reporter === 'none' ? {} : { 'metrics.reporter.prom.port': reporterPorts }),
  }
  return Object.entries(settings).map(([key, value]) => ({ key, value }))
}

function taskManagerLog({ cluster }: RestContext, path: readonly string[]): HttpAnswer | undefined {
  const [, id = '', what] = path
  const found = cluster.taskManagers.find(({ process }) => process.id === id)
  if (found?.state === 'lost') return undefined
  if (found === undefined || found.state === 'starting') return notFound(`TaskExecutor with id ${id} not found`)
  if (path.length === 3 && what === 'logs') return json(logs(found.process))
  if (path.length === 3 && what === 'log') return text(logOf(found.process, cluster))
  return notFound(`Not found: /${path.join('/')}`)
}

function logs({ kind, startedAt }: FlinkProcess) {
  return { logs: [{ name: `${kind}.log`, size: 97_948, mtime: startedAt }] }
}

function logOf({ kind, id, startedAt, reporterPort }: FlinkProcess, { version, reporter }: FlinkCluster): string {
  const main = kind === 'taskmanager' ? 'TaskManager (' : 'YarnJobClusterEntrypoint ('
  const lines = [
    `INFO  org.apache.flink.runtime.taskexecutor.${kind} [] -  Starting ${main}Version: ${version}, Scala: 2.12)`,
  ]
  if (reporterPort !== undefined)
    lines.push(
      `INFO  org.apache.flink.metrics.prometheus.PrometheusReporter       [] - Started PrometheusReporter HTTP server on port ${reporterPort}.`,
    )
  else if (reporter === 'class')
    lines.push(
      'WARN  org.apache.flink.runtime.metrics.ReporterSetup               [] - No reporter factory set for reporter prom. Metrics might not be exposed/reported.',
    )
  if (kind === 'taskmanager')
    lines.push(
      `INFO  org.apache.flink.yarn.YarnTaskExecutorRunner               [] - Starting TaskManager with ResourceID: ${id}(127.0.0.1:8041)`,
    )
  const at = new Date(startedAt).toISOString().replace('T', ' ').replace('.', ',').replace('Z', '')
  return lines.map((line) => `${at} ${line}\n`).join('')
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function json(value: unknown, status = 200): HttpAnswer {
  return { status, contentType: 'application/json; charset=UTF-8', body: jsonText(value) }
}

function text(body: string): HttpAnswer {
  return { status: 200, contentType: 'text/plain', body }
}

function notFound(message: string): HttpAnswer {
  return json({ errors: [message] }, 404)
}
