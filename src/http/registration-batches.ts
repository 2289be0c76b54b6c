import type { Heartbeat, Receipt, Registration } from '../model/registration.ts'
import { breather } from '../runtime/breathe.ts'
import { type FieldProblem, membersOf, preview, problemText } from '../targets/field-problem.ts'
import { splitId } from '../targets/identity.ts'
import { parseBatchItem } from '../targets/registration-document.ts'
import type { Caller } from './authorize.ts'
import type { Note } from './changes.ts'
import { heartbeatSeconds, invalid, type RegistrationRoutesDeps, retryLater, takeRoom } from './registrations.ts'
import { readJsonList, readJsonText } from './request-body.ts'
import { Refusal, type Request, type Response, type Route, securityHeaders } from './route.ts'
import { targetProblem } from './tokens.ts'

const mostBatchBytes = 8 * 1024 * 1024

/** Thousands at once, for agents that speak for many registrants and come back after a restart. */
export function registrationBatchRoutes(deps: RegistrationRoutesDeps): readonly Route[] {
  const { changes } = deps
  return [
    {
      method: 'PUT',
      path: '/v1/registrations',
      handle: (request) =>
        changes.run(request, { verb: 'register' }, (caller, note) =>
          retryLater(() => putBatch(request, caller, note, deps)),
        ),
    },
    {
      method: 'POST',
      path: '/v1/heartbeats',
      handle: (request) =>
        changes.run(request, { verb: 'heartbeat' }, (caller, note) =>
          retryLater(() => renewBatch(request, caller, note, deps)),
        ),
    },
  ]
}

/** One item of a batch that was not accepted. */
interface Refused {
  readonly index: number
  readonly id?: string
  readonly status: 403 | 409 | 422 | 429 | 503
  readonly error?: string
  readonly problems?: readonly FieldProblem[]
}

/** The status of a batch is that of its worst item: what may be cured by itself first, then what somebody must cure. */
const worstFirst = [503, 422, 403, 429, 409] as const

/** What is good is kept whatever the rest is; the status is 200 only when all was accepted. */
async function putBatch(request: Request, caller: Caller, note: Note, deps: RegistrationRoutesDeps): Promise<Response> {
  const refused: Refused[] = []
  const good: {
    readonly index: number
    readonly registration: Registration
    readonly settle: (isKept: boolean) => void
  }[] = []
  let index = -1
  try {
    for await (const item of readJsonList(await readJsonText(request, mostBatchBytes))) {
      index++
      const read = await readItem(item, request, caller, deps)
      if ('status' in read) {
        refused.push({ index, ...read })
        continue
      }
      const settle = takeRoom(read, caller, deps)
      if (settle instanceof Refusal) refused.push({ index, id: read.id, status: 429, error: settle.message })
      else good.push({ index, registration: read, settle })
    }
    const receipts = await deps.store.put(
      good.map(({ registration }) => registration),
      request.signal,
    )
    for (const [at, { id, outcome, why }] of receipts.entries()) {
      const { index, settle } = good[at]!
      settle(outcome === 'created')
      if (outcome === 'conflict') refused.push({ index, id, status: 409, ...(why === undefined ? {} : { error: why }) })
    }
    note({ ids: receipts.filter(({ outcome }) => isChange(outcome)).map(({ id }) => id) })
  } catch (error) {
    for (const { settle } of good) settle(false)
    throw error
  }
  refused.sort((a, b) => a.index - b.index)
  const intervals = good.map(({ registration }) => heartbeatSeconds(registration))
  const accepted = index + 1 - refused.length
  note({ count: index + 1, accepted, ...reasonOf(refused) })
  const head = {
    accepted,
    ...(intervals.length === 0 ? {} : { heartbeat_interval_seconds: intervals.reduce((a, b) => Math.min(a, b)) }),
  }
  return listAnswer(worstOf(refused), head, { refused })
}

function isChange(outcome: Receipt['outcome']): boolean {
  return outcome === 'created' || outcome === 'replaced'
}

function worstOf(refused: readonly Refused[]): number {
  return worstFirst.find((status) => refused.some((one) => one.status === status)) ?? 200
}

/** The first refusal, for the audit log. */
function reasonOf([first]: readonly Refused[]): { readonly reason?: string } {
  if (first === undefined) return {}
  const { index, error, problems = [] } = first
  return { reason: `[${index}] ${error ?? problems.map(problemText).slice(0, 3).join('; ')}` }
}

async function readItem(
  item: unknown,
  request: Request,
  caller: Caller,
  { admit, changes, leaseSeconds }: RegistrationRoutesDeps,
): Promise<Registration | Omit<Refused, 'index'>> {
  const admitted = await admit((problems) => parseBatchItem(item, problems, leaseSeconds), request)
  if ('unavailable' in admitted) return { status: 503, error: admitted.unavailable.message }
  if ('problems' in admitted) return { status: 422, problems: admitted.problems }
  const { id, namespace, address } = admitted.registration
  const objection = changes.objection(caller, { verb: 'register', namespace })
  if (objection !== undefined) return { id, status: 403, error: objection.message }
  const problem = targetProblem(caller.token, address)
  return problem === undefined ? admitted.registration : { id, status: 422, problems: [problem] }
}

async function renewBatch(
  request: Request,
  caller: Caller,
  note: Note,
  { store, changes }: RegistrationRoutesDeps,
): Promise<Response> {
  const heartbeats: Heartbeat[] = []
  const problems: FieldProblem[] = []
  const refused: Refused[] = []
  let index = -1
  for await (const item of readJsonList(await readJsonText(request, mostBatchBytes))) {
    index++
    for (const heartbeat of readHeartbeat(item, index, problems)) {
      const { id } = heartbeat
      const objection = changes.objection(caller, { verb: 'heartbeat', namespace: id.slice(0, id.indexOf('/')) })
      if (objection === undefined) heartbeats.push(heartbeat)
      else refused.push({ index, id, status: 403, error: objection.message })
    }
  }
  if (problems.length > 0) throw invalid(problems.slice(0, 100), 'Heartbeats')
  const unknown = await store.renew(heartbeats, request.signal)
  note({ count: index + 1, accepted: heartbeats.length, ...reasonOf(refused) })
  return listAnswer(worstOf(refused), {}, refused.length === 0 ? { unknown } : { unknown, refused })
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

/** A JSON answer with long lists in it, written piece by piece. */
function listAnswer(
  status: number,
  head: Readonly<Record<string, unknown>>,
  lists: Readonly<Record<string, readonly unknown[]>>,
): Response {
  const retry = status === 503 ? { 'Retry-After': '2' } : status === 429 ? { 'Retry-After': '30' } : {}
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...securityHeaders, ...retry },
    body: listBody(head, lists),
  }
}

const itemsPerPiece = 200

async function* listBody(
  head: Readonly<Record<string, unknown>>,
  lists: Readonly<Record<string, readonly unknown[]>>,
): AsyncGenerator<Uint8Array> {
  const breathe = breather()
  const members = Object.entries(head).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)},`)
  yield Buffer.from(`{${members.join('')}`)
  for (const [index, [name, list]] of Object.entries(lists).entries()) {
    yield Buffer.from(`${index === 0 ? '' : ','}${JSON.stringify(name)}:[`)
    for (let from = 0; from < list.length; from += itemsPerPiece) {
      const piece = list.slice(from, from + itemsPerPiece).map((item) => JSON.stringify(item))
      yield Buffer.from(`${from === 0 ? '' : ','}${piece.join(',')}`)
      await breathe()
    }
    yield Buffer.from(']')
  }
  yield Buffer.from('}\n')
}
