import { type TableName, tableNames } from '../exposition/render.ts'
import { acceptsGzip } from './accept-encoding.ts'
import { type Clusters, snapshotsOf } from './clusters.ts'
import type { Page } from './page.ts'
import { badParameter } from './query.ts'
import type { Request, Response, Route } from './route.ts'

export interface MetricsDeps {
  readonly clusters: Clusters
  readonly page: Page
  readonly selfMetrics: () => Promise<string>
}

/** Without this very type Prometheus 3 drops the page, and 2 reads it by luck. */
const textFormat = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }

/**
 * `/metrics`: the lag families of the last complete snapshots and the daemon's own metrics behind them;
 * `?kafka_cluster=` leaves the lag families of one cluster, `?names=` one set of names, which need not be configured.
 * `/metrics/self`: the own metrics alone, which are there even when the page grows over a limit of Prometheus.
 */
export function metricsRoutes(deps: MetricsDeps): readonly Route[] {
  return [
    { method: 'GET', path: '/metrics', handle: (request) => metrics(deps, request) },
    {
      method: 'GET',
      path: '/metrics/self',
      handle: async () => ({ status: 200, headers: textFormat, body: await deps.selfMetrics() }),
    },
  ]
}

function metrics({ clusters, page }: MetricsDeps, request: Request): Response {
  const snapshots = snapshotsOf(clusters, request.query.get('kafka_cluster') ?? undefined)
  const names = request.query.get('names')
  const tables = names === null ? undefined : [tableOf(names)]
  const headers = { ...textFormat, Vary: 'Accept-Encoding' }
  return acceptsGzip(request.headers['accept-encoding'])
    ? { status: 200, headers: { ...headers, 'Content-Encoding': 'gzip' }, body: page.gzip(snapshots, tables) }
    : { status: 200, headers, body: page.identity(snapshots, tables) }
}

function tableOf(names: string): TableName {
  const found = tableNames.find((name) => name === names)
  if (found === undefined) throw badParameter('names', names, `one of ${tableNames.join(', ')}`)
  return found
}
