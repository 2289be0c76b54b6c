import type { FieldProblem } from '../targets/field-problem.ts'
import { problemText } from '../targets/field-problem.ts'
import { parseSlice } from '../targets/slice.ts'
import { acceptsGzip } from './accept-encoding.ts'
import { type Response, type Route, refuse, securityHeaders } from './route.ts'
import type { TargetList } from './target-list.ts'
import type { TargetPage } from './target-page.ts'

/**
 * Prometheus' http_sd: the whole list, or a slice of it, from memory. Only 200 with a list, 503 before the first one (so
 * that Prometheus keeps what it has), 304, or 400 for a slice that cannot be understood; never a redirect.
 *
 * @see https://prometheus.io/docs/prometheus/latest/http_sd/
 */
export function serviceDiscoveryRoutes(list: Pick<TargetList, 'page' | 'gate'>): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/sd/v1/targets',
      handle: async ({ query, headers }) => {
        const problems: FieldProblem[] = []
        const slice = parseSlice(query, problems)
        if (problems.length > 0)
          return refuse(400, `Slice is not valid: ${problems.map(problemText).slice(0, 3).join('; ')}`, { problems })
        const page = await list.page(slice)
        if (page === undefined) return notYet(list)
        const common = {
          'Content-Type': 'application/json; charset=utf-8',
          'Cache-Control': 'no-cache',
          Vary: 'Accept-Encoding',
          ETag: page.etag,
          ...securityHeaders,
        }
        if (isKnown(headers['if-none-match'], page.etag)) return { status: 304, headers: common, body: '' }
        // Prometheus does not ask, and cannot read what it did not ask for.
        if (!acceptsGzip(headers['accept-encoding'])) return plainAnswer(page, common)
        return { status: 200, headers: { ...common, 'Content-Encoding': 'gzip' }, body: await page.gzipped() }
      },
    },
  ]
}

/** With its length, so that an answer that was cut off cannot be taken for a whole one. */
function plainAnswer({ chunks, bytes }: TargetPage, headers: Readonly<Record<string, string>>): Response {
  const [only, ...more] = chunks
  if (only !== undefined && more.length === 0) return { status: 200, headers, body: only }
  return { status: 200, headers: { ...headers, 'Content-Length': String(bytes) }, body: inOrder(chunks) }
}

async function* inOrder(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

function notYet(list: Pick<TargetList, 'gate'>): Response {
  const gate = list.gate()
  const [waitingFor, seconds] = gate.isOpen ? ['the list to be built', 1] : [gate.waitingFor, gate.retryAfterSeconds]
  return refuse(
    503,
    `Target list is not complete yet: waiting for ${waitingFor}`,
    {},
    { 'Retry-After': String(seconds) },
  )
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((one) => [etag, `W/${etag}`, '*'].includes(one.trim()))
}
