import type { Heartbeat, Incarnation, Receipt, Registration } from '../model/registration.ts'
import type { Target } from '../model/target.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { type FieldProblem, problemText } from '../targets/field-problem.ts'
import { idOf, parseIdentity } from '../targets/identity.ts'
import { parseRegistration } from '../targets/parse-registration.ts'
import { registrationDocument } from '../targets/registration-document.ts'
import type { Admission } from './admission.ts'
import type { Caller, Verb } from './authorize.ts'
import type { Changes, Note } from './changes.ts'
import type { Quota } from './quota.ts'
import { parseJson, readJsonText } from './request-body.ts'
import { json, Refusal, type Request, type Response, type Route, refuse } from './route.ts'
import { targetProblem } from './tokens.ts'

/** What these routes need of a registry. */
export interface RegistrationStore {
  put(many: readonly Registration[], signal: AbortSignal): Promise<readonly Receipt[]>
  renew(many: readonly Heartbeat[], signal: AbortSignal): Promise<readonly string[]>
  withdraw(
    id: string,
    incarnation: Incarnation | undefined,
    signal: AbortSignal,
  ): Promise<'ended' | 'unknown' | 'superseded'>
  find(id: string): Target | undefined
}

export interface RegistrationRoutesDeps {
  readonly store: RegistrationStore
  readonly admit: Admission
  readonly changes: Changes
  readonly quota: Quota
  /** The lease of a registration that does not ask for one. */
  readonly leaseSeconds: number
}

const mostRegistrationBytes = 64 * 1024

/** A registrant that calls three times in its lease survives two lost calls. */
export function heartbeatSeconds({ leaseSeconds }: Pick<Registration, 'leaseSeconds'>): number {
  return Math.max(1, Math.floor(leaseSeconds / 3))
}

const path = '/v1/registrations/:namespace/:app/:role/:instance'

/** One registration at a time: put, heartbeat, withdraw, look. */
export function registrationRoutes(deps: RegistrationRoutesDeps): readonly Route[] {
  const { store, changes } = deps
  const change =
    (verb: Verb, work: (request: Request, caller: Caller, note: Note) => Promise<Response>): Route['handle'] =>
    (request) =>
      changes.run(request, { verb, namespace: request.params['namespace'] ?? '' }, (caller, note) =>
        retryLater(() => work(request, caller, note)),
      )
  return [
    {
      method: 'PUT',
      path,
      handle: change('register', (request, caller, note) => put(request, caller, note, deps)),
    },
    {
      method: 'POST',
      path: `${path}/heartbeat`,
      handle: change('heartbeat', async (request, _caller, note) => {
        const [id, life] = [readId(request), readIncarnation(request)]
        note({ id })
        const unknown = await store.renew([life === undefined ? { id } : { id, incarnation: life }], request.signal)
        return unknown.length === 0 ? nothing : notFound(id)
      }),
    },
    {
      method: 'DELETE',
      path,
      handle: change('withdraw', async (request, _caller, note) => {
        const [id, life] = [readId(request), readIncarnation(request)]
        note({ id, ...(life === undefined ? {} : { incarnation: life }) })
        const outcome = await store.withdraw(id, life, request.signal)
        note({ outcome })
        return outcome === 'superseded'
          ? refuse(409, `Withdraw "${id}": a newer incarnation is registered, nothing was ended`)
          : nothing
      }),
    },
    {
      method: 'GET',
      path,
      handle: (request) => {
        const id = readId(request)
        const target = store.find(id)
        return target === undefined
          ? notFound(id)
          : json(200, { state: target.state, ...answerOf(target.registration) })
      },
    },
  ]
}

async function put(request: Request, caller: Caller, note: Note, deps: RegistrationRoutesDeps): Promise<Response> {
  const registration = await readRegistration(request, caller, deps)
  const { id, incarnation } = registration
  note({ id, incarnation })
  const settle = takeRoom(registration, caller, deps)
  if (settle instanceof Refusal) throw settle
  let outcome: Receipt['outcome'] | undefined
  try {
    const [receipt] = await deps.store.put([registration], request.signal)
    outcome = receipt?.outcome
    note({ outcome: outcome ?? 'unknown' })
    if (receipt?.outcome === 'conflict')
      return refuse(
        409,
        receipt.why ?? 'A newer incarnation is registered',
        {},
        receipt.mayPass ? { 'Retry-After': '30' } : {},
      )
    return json(200, { outcome, ...answerOf(receipt?.registration ?? registration) })
  } finally {
    settle(outcome === 'created')
  }
}

/**
 * Room for a registration under the quota of the caller's token: to be called with what became of it. What is registered
 * already needs none.
 */
export function takeRoom(
  { id, namespace }: Registration,
  { token }: Caller,
  { store, quota }: Pick<RegistrationRoutesDeps, 'store' | 'quota'>,
): ((isKept: boolean) => void) | Refusal {
  if (token === undefined || store.find(id) !== undefined) return () => undefined
  const full = `Quota of token "${token.name}": ${token.quota} registrations are listed in its namespaces, no more may be added`
  return quota.reserve(token, namespace) ?? new Refusal(429, full, { quota: token.quota }, { 'Retry-After': '30' })
}

const nothing: Response = { status: 204, headers: {}, body: '' }

function notFound(id: string): Response {
  return refuse(404, `"${id}" is not registered (in this incarnation): register again`)
}

function answerOf(registration: Registration): Readonly<Record<string, unknown>> {
  return {
    id: registration.id,
    lease_seconds: registration.leaseSeconds,
    heartbeat_interval_seconds: heartbeatSeconds(registration),
    registration: registrationDocument(registration),
  }
}

/** @throws Refusal with all that is wrong */
async function readRegistration(
  request: Request,
  { token }: Caller,
  { admit, leaseSeconds }: RegistrationRoutesDeps,
): Promise<Registration> {
  const body = parseJson(await readJsonText(request, mostRegistrationBytes))
  const admitted = await admit((problems) => {
    const identity = parseIdentity(request.params, problems)
    const parsed = parseRegistration(body, identity ?? nobody, problems, { leaseSeconds })
    return identity === undefined ? undefined : parsed
  }, request)
  if ('unavailable' in admitted) throw admitted.unavailable
  if ('problems' in admitted) throw invalid(admitted.problems)
  const problem = targetProblem(token, admitted.registration.address)
  if (problem !== undefined) throw invalid([problem])
  return admitted.registration
}

const nobody = { namespace: '', app: '', role: '', instance: '' }

function readId({ params }: Request): string {
  const problems: FieldProblem[] = []
  const identity = parseIdentity(params, problems)
  if (identity === undefined) throw invalid(problems)
  return idOf(identity)
}

function readIncarnation({ query }: Request): Incarnation | undefined {
  const given = query.get('incarnation')
  return given === null || given === '' ? undefined : given
}

export function invalid(problems: readonly FieldProblem[], what = 'Registration'): Refusal {
  return new Refusal(422, `${what} is not valid: ${problems.map(problemText).slice(0, 3).join('; ')}`, { problems })
}

/** What is uncertain or cannot be written now is answered 503 with a hint when to come back; never 2xx. */
export async function retryLater(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof UnavailableError) return refuse(503, error.message, {}, { 'Retry-After': '2' })
    throw error
  }
}
