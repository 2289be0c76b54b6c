import type { Heartbeat, Registration } from '../model/registration.ts'
import { breather } from '../runtime/breathe.ts'
import { type FieldProblem, membersOf, preview } from '../targets/field-problem.ts'
import { splitId } from '../targets/identity.ts'
import { parseBatchItem } from '../targets/registration-document.ts'
import { heartbeatSeconds, invalid, type RegistrationRoutesDeps, retryLater } from './registrations.ts'
import { readJsonList, readJsonText } from './request-body.ts'
import { type Request, type Response, type Route, securityHeaders } from './route.ts'

const mostBatchBytes = 8 * 1024 * 1024

/** Thousands at once, for agents that speak for many registrants and come back after a restart. */
export function registrationBatchRoutes(deps: RegistrationRoutesDeps): readonly Route[] {
  const { store, guardWrites } = deps
  return [
    {
      method: 'PUT',
      path: '/v1/registrations',
      handle: (request) =>
        retryLater(async () => {
          guardWrites(request)
          return putBatch(request, deps)
        }),
    },
    {
      method: 'POST',
      path: '/v1/heartbeats',
      handle: (request) =>
        retryLater(async () => {
          guardWrites(request)
          const heartbeats: Heartbeat[] = []
          const problems: FieldProblem[] = []
          for await (const item of readJsonList(await readJsonText(request, mostBatchBytes)))
            heartbeats.push(...readHeartbeat(item, heartbeats.length + problems.length, problems))
          if (problems.length > 0) throw invalid(problems.slice(0, 100), 'Heartbeats')
          const unknown = await store.renew(heartbeats, request.signal)
          return listAnswer(200, {}, 'unknown', unknown)
        }),
    },
  ]
}

/** One item of a batch that was not accepted. */
interface Refused {
  readonly index: number
  readonly id?: string
  readonly status: 409 | 422 | 503
  readonly error?: string
  readonly problems?: readonly FieldProblem[]
}

/** What is good is kept whatever the rest is; the status is 200 only when all was accepted. */
async function putBatch(request: Request, deps: RegistrationRoutesDeps): Promise<Response> {
  const refused: Refused[] = []
  const good: { readonly index: number; readonly registration: Registration }[] = []
  let index = -1
  for await (const item of readJsonList(await readJsonText(request, mostBatchBytes))) {
    index++
    const read = await readItem(item, request, deps)
    if ('status' in read) refused.push({ index, ...read })
    else good.push({ index, registration: read })
  }
  const receipts = await deps.store.put(
    good.map(({ registration }) => registration),
    request.signal,
  )
  for (const [at, { id, outcome, why }] of receipts.entries())
    if (outcome === 'conflict')
      refused.push({ index: good[at]!.index, id, status: 409, ...(why === undefined ? {} : { error: why }) })
  refused.sort((a, b) => a.index - b.index)
  const intervals = good.map(({ registration }) => heartbeatSeconds(registration))
  const head = {
    accepted: index + 1 - refused.length,
    ...(intervals.length === 0 ? {} : { heartbeat_interval_seconds: intervals.reduce((a, b) => Math.min(a, b)) }),
  }
  const worst = [503, 422, 409].find((status) => refused.some((one) => one.status === status)) ?? 200
  return listAnswer(worst, head, 'refused', refused)
}

async function readItem(
  item: unknown,
  request: Request,
  { admit, leaseSeconds }: RegistrationRoutesDeps,
): Promise<Registration | Omit<Refused, 'index'>> {
  const admitted = await admit((problems) => parseBatchItem(item, problems, leaseSeconds), request)
  if ('unavailable' in admitted) return { status: 503, error: admitted.unavailable.message }
  return 'problems' in admitted ? { status: 422, problems: admitted.problems } : admitted.registration
}

/** An id, or an object of id and incarnation. */
function readHeartbeat(item: unknown, index: number, problems: FieldProblem[]): readonly Heartbeat[] {
  const { id, incarnation } = typeof item === 'string' ? { id: item, incarnation: undefined } : (membersOf(item) ?? {})
  const isRight = typeof id === 'string' && splitId(id) !== undefined
  if (isRight && incarnation === undefined) return [{ id }]
  if (isRight && typeof incarnation === 'string') return [{ id, incarnation }]
  problems.push({
    path: `[${index}]`,
    value: preview(item),
    expected: 'an id (namespace/app/role/instance), or an object with the texts id and incarnation',
  })
  return []
}

/** A JSON answer with one long list in it, written piece by piece. */
function listAnswer(
  status: number,
  head: Readonly<Record<string, unknown>>,
  name: string,
  list: readonly unknown[],
): Response {
  const retry = status === 503 ? { 'Retry-After': '2' } : {}
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...securityHeaders, ...retry },
    body: listBody(head, name, list),
  }
}

const itemsPerPiece = 200

async function* listBody(
  head: Readonly<Record<string, unknown>>,
  name: string,
  list: readonly unknown[],
): AsyncGenerator<Uint8Array> {
  const breathe = breather()
  const members = Object.entries(head).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)},`)
  yield Buffer.from(`{${members.join('')}${JSON.stringify(name)}:[`)
  for (let from = 0; from < list.length; from += itemsPerPiece) {
    const piece = list.slice(from, from + itemsPerPiece).map((item) => JSON.stringify(item))
    yield Buffer.from(`${from === 0 ? '' : ','}${piece.join(',')}`)
    await breathe()
  }
  yield Buffer.from(']}\n')
}
