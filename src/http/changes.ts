import { randomUUID } from 'node:crypto'
import { describeError } from '../runtime/errors.ts'
import { refusalOf } from './answer.ts'
import type { Audit, AuditEntry } from './audit.ts'
import type { Authority, Caller, Verb, Wish } from './authorize.ts'
import type { Request, Response } from './route.ts'

/** What is to be written down about a change, as it becomes known. */
export type Note = (
  about: Partial<
    Pick<AuditEntry, 'namespace' | 'id' | 'incarnation' | 'count' | 'accepted' | 'ids' | 'outcome' | 'reason'>
  >,
) => void

/** Runs what changes something: asks whether the caller may, and writes down what came of it, once. */
export interface Changes {
  /**
   * Runs `work` when the caller may do what it wishes. What the wish does not say (the namespaces of a batch) `work` asks
   * with `objection`. A refusal, thrown or not, is the answer; it carries `X-Request-Id` as every answer does.
   */
  run(
    request: Request,
    wish: Wish,
    work: (caller: Caller, note: Note) => Promise<Response> | Response,
  ): Promise<Response>
  readonly objection: Authority['objection']
}

const longestReason = 300
const idsPerLine = 200

export function createChanges({
  authority,
  audit,
}: {
  readonly authority: Authority
  readonly audit: Pick<Audit, 'record'>
}): Changes {
  async function run(...[request, wish, work]: Parameters<Changes['run']>): Promise<Response> {
    const { verb, namespace } = wish
    const requestId = randomUUID()
    const caller = authority.identify(request)
    let known: Parameters<Note>[0] = namespace === undefined ? {} : { namespace: namespace.slice(0, 64) }

    function record(status: number, why: string | undefined): void {
      if (!isWorthALine(verb, status)) return
      const { ids = [], reason = why, ...about } = known
      const entry = {
        request_id: requestId,
        caller: caller.name,
        remote_address: request.remoteAddress,
        verb,
        ...about,
        status,
        ...(reason === undefined ? {} : { reason: reason.slice(0, longestReason) }),
      }
      audit.record({ ...entry, ...(ids.length === 0 ? {} : { ids: ids.slice(0, idsPerLine) }) })
      for (let from = idsPerLine; from < ids.length; from += idsPerLine)
        audit.record({ ...entry, ids: ids.slice(from, from + idsPerLine) })
    }

    let response: Response
    try {
      const objection = authority.objection(caller, wish)
      if (objection !== undefined) throw objection
      authority.admit(caller)
      response = await work(caller, (about) => {
        known = { ...known, ...about }
      })
      record(response.status, response.status < 400 ? undefined : reasonIn(response))
    } catch (error) {
      const refusal = refusalOf(error)
      record(refusal?.status ?? 500, describeError(error))
      if (refusal === undefined) throw error
      response = refusal
    }
    return { ...response, headers: { ...response.headers, 'X-Request-Id': requestId } }
  }

  return { run, objection: authority.objection }
}

/** A sign of life changes nothing, and "register again" is its usual answer after a restart. */
function isWorthALine(verb: Verb, status: number): boolean {
  return verb !== 'heartbeat' || (status >= 400 && status !== 404)
}

/** The text behind `error` in an answer that says no. */
function reasonIn({ body }: Response): string | undefined {
  if (typeof body !== 'string' || body === '') return undefined
  const { error }: { error?: unknown } = JSON.parse(body)
  return typeof error === 'string' ? error : undefined
}
