import { type TableName, tableNames } from '../exposition/render.ts'
import { acceptsGzip } from './accept-encoding.ts'
import { type Clusters, snapshotsOf } from './clusters.ts'
import type { GzipPieces } from './gzip.ts'
import { jobsAlone } from './job-text.ts'
import type { Page } from './page.ts'
import { badParameter } from './query.ts'
import type { Request, Response, Route } from './route.ts'

export interface MetricsDeps {
  readonly clusters: Clusters
  readonly page: Page
  readonly selfMetrics: () => Promise<string>
  /** The families of jobs; undefined, or absent, where no jobs are looked for. */
  readonly jobs?: () => GzipPieces | undefined
}

/** Without this very type Prometheus 3 drops the page, and 2 reads it by luck. */
const textFormat = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }

/**
 * `/metrics`: the lag families of the last complete snapshots, the families of jobs, and the daemon's own metrics behind
 * them; `?kafka_cluster=` leaves the lag families of one cluster and no jobs, `?names=` one set of names, which need not
 * be configured. `/metrics/jobs`: the families of jobs alone, for those who scrape cluster by cluster. `/metrics/self`:
 * the own metrics alone, which are there even when the page grows over a limit of Prometheus.
 */
export function metricsRoutes(deps: MetricsDeps): readonly Route[] {
  return [
    { method: 'GET', path: '/metrics', handle: (request) => metrics(deps, request) },
    {
      method: 'GET',
      path: '/metrics/jobs',
      handle: (request) => jobs(deps, request),
    },
    {
      method: 'GET',
      path: '/metrics/self',
      handle: async () => ({ status: 200, headers: textFormat, body: await deps.selfMetrics() }),
    },
  ]
}

function metrics({ clusters, page }: MetricsDeps, request: Request): Response {
  const kafkaCluster = request.query.get('kafka_cluster')
  const snapshots = snapshotsOf(clusters, kafkaCluster ?? undefined)
  const names = request.query.get('names')
  const tables = names === null ? undefined : [tableOf(names)]
  const headers = { ...textFormat, Vary: 'Accept-Encoding' }
  return acceptsGzip(request.headers['accept-encoding'])
    ? {
        status: 200,
        headers: { ...headers, 'Content-Encoding': 'gzip' },
        body: page.gzip(snapshots, tables, kafkaCluster === null),
      }
    : { status: 200, headers, body: page.identity(snapshots, tables, kafkaCluster === null) }
}

function jobs(deps: MetricsDeps, request: Request): Response {
  const asGzip = acceptsGzip(request.headers['accept-encoding'])
  return {
    status: 200,
    headers: { ...textFormat, Vary: 'Accept-Encoding', ...(asGzip ? { 'Content-Encoding': 'gzip' } : {}) },
    body: jobsAlone(deps.jobs?.(), asGzip),
  }
}

function tableOf(names: string): TableName {
  const found = tableNames.find((name) => name === names)
  if (found === undefined) throw badParameter('names', names, `one of ${tableNames.join(', ')}`)
  return found
}
