import { createHash, timingSafeEqual } from 'node:crypto'
import { isLoopback } from '../targets/address-guard.ts'
import { Refusal, type Request } from './route.ts'

/** @throws Refusal 403 when the caller may not change registrations */
export type WriteGuard = (request: Pick<Request, 'headers' | 'remoteAddress'>) => void

/**
 * Callers from loopback may write; all others need the bearer token, and without a configured token nobody else may. A
 * reverse proxy on this host makes every caller look like loopback: let it require the token itself.
 */
export function createWriteGuard(token: string | undefined): WriteGuard {
  const expected = token === undefined ? undefined : digestOf(token)
  return ({ headers, remoteAddress }) => {
    const given = /^Bearer +(\S+)$/i.exec(headers['authorization'] ?? '')?.[1]
    const isRight = given !== undefined && expected !== undefined && timingSafeEqual(digestOf(given), expected)
    if (isRight) return
    if (headers['authorization'] !== undefined && expected !== undefined)
      throw new Refusal(403, 'Registrations: the token in the Authorization header is not valid')
    if (isLoopback(remoteAddress)) return
    throw new Refusal(
      403,
      expected === undefined
        ? 'Registrations may be changed from loopback only: set registration.token_file to allow others'
        : 'Registrations may be changed from elsewhere only with the header "Authorization: Bearer <token>"',
    )
  }
}

/** Digests have one length, so comparing them says nothing about the token. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
