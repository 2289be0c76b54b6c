import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { listenOnLoopback } from '../fakes/listen.ts'

const captureShape = z.object({
  version: z.string(),
  moment: z.string(),
  answers: z.record(z.string(), z.object({ status: z.number(), type: z.string(), body: z.unknown() })),
  metrics: z.record(z.string(), z.record(z.string(), z.string())),
  backPressure: z.record(z.string(), z.number()),
})
export type Capture = z.output<typeof captureShape>

/** Every recorded moment of every version; see test/fixtures/flink-rest/README.md. */
export function captures(): readonly Capture[] {
  const root = fileURLToPath(new URL('../fixtures/flink-rest/', import.meta.url))
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => captureShape.parse(JSON.parse(readFileSync(`${root}${name}`, 'utf8'))))
}

/** What a fake JobManager answers: a value becomes JSON with status 200; undefined becomes Flink's 404. */
export type Answering = (
  path: string,
  query: URLSearchParams,
  response: ServerResponse,
  request: IncomingMessage,
) => unknown

/** To be returned when the response has been taken care of. */
export const handled = Symbol('handled')

export interface FakeRest extends AsyncDisposable {
  readonly url: string
  /** Paths with queries, in the order in which they came. */
  readonly asked: string[]
}

export async function startRest(answer: Answering): Promise<FakeRest> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://flink')
    asked.push(request.url ?? '')
    const value = answer(url.pathname, url.searchParams, response, request)
    if (value === handled) return
    if (value === undefined) sendJson(response, { errors: [`Not found: ${url.pathname}`] }, 404)
    else sendJson(response, value)
  })
  const { url, close } = await listenOnLoopback(server)
  return { url, asked, [Symbol.asyncDispose]: close }
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): typeof handled {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=UTF-8' }).end(JSON.stringify(value))
  return handled
}

/** Answers as the capture has it; metrics are answered by id, as Flink does. */
export function replay(capture: Capture): Answering {
  return (path, query, response) => {
    const ids = query.get('get')?.split(',')
    const pressure = capture.backPressure[path]
    if (ids !== undefined && path.endsWith('/subtasks/metrics'))
      return ids.flatMap((id) =>
        id === 'backPressuredTimeMsPerSecond' && pressure !== undefined ? [{ id, max: pressure }] : [],
      )
    if (ids !== undefined) {
      const values = capture.metrics[path] ?? {}
      return ids.flatMap((id) => (values[id] === undefined ? [] : [{ id, value: values[id] }]))
    }
    const answer = capture.answers[path] ?? capture.answers[encodedAgain(path)]
    if (answer === undefined) return undefined
    const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    response.writeHead(answer.status, { 'Content-Type': answer.type }).end(body)
    return handled
  }
}

/** Paths were recorded with what is escaped in them. */
function encodedAgain(path: string): string {
  return path.split('/').map(decodeURIComponent).map(encodeURIComponent).join('/')
}

/** A small cluster: so many jobs that run, one vertex each, and one TaskManager. */
export function smallCluster(jobs: number, more: Answering = () => undefined): Answering {
  const overview = {
    jobs: Array.from({ length: jobs }, (_, index) => ({
      jid: jobId(index),
      name: `job-${index}`,
      state: 'RUNNING',
      'start-time': 1_700_000_000_000,
      'end-time': -1,
      'last-modification': 1_700_000_001_000,
    })),
  }
  return (path, query, response, request) => {
    const own = more(path, query, response, request)
    if (own !== undefined) return own
    if (path === '/jobs/overview') return overview
    if (path === '/taskmanagers')
      return { taskmanagers: [{ id: 'tm-1', path: 'pekko.tcp://flink@node1:6122/user/rpc/taskmanager_0' }] }
    if (path === '/config') return { 'flink-version': '1.20.5' }
    if (path === '/jobmanager/config')
      return [{ key: 'metrics.reporter.prom.factory.class', value: 'x.PrometheusReporterFactory' }]
    if (path.endsWith('/checkpoints/config')) return { interval: 10_000 }
    if (path.endsWith('/checkpoints')) return checkpoints
    if (path.endsWith('/exceptions')) return { exceptionHistory: { entries: [] } }
    if (path.endsWith('/subtasks/metrics')) return [{ id: 'backPressuredTimeMsPerSecond', max: 0 }]
    if (path.endsWith('/metrics')) return [{ id: 'numRestarts', value: '0' }]
    return /^\/jobs\/[0-9a-f]{32}$/.test(path) ? jobDetail : undefined
  }
}

export function jobId(index: number): string {
  return index.toString(16).padStart(32, '0')
}

export const vertexId = 'cbc357ccb763df2852fee8c4fc7d55f2'

export const jobDetail = {
  vertices: [
    {
      id: vertexId,
      name: 'Source: orders[1]',
      parallelism: 2,
      status: 'RUNNING',
      metrics: { 'accumulated-backpressured-time': 0 },
    },
  ],
  plan: {
    nodes: [{ id: vertexId, parallelism: 2, description: '[1]:TableSourceScan(table=[[a, b, orders]])&lt;x&gt;<br/>' }],
  },
}

const checkpoints = {
  counts: { restored: 0, total: 1, in_progress: 0, completed: 1, failed: 0 },
  latest: { completed: { latest_ack_timestamp: 1_700_000_002_000 }, savepoint: null, failed: null, restored: null },
}
