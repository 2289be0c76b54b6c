import type { Clock } from '../runtime/clock.ts'
import { isLoopback } from '../targets/address-guard.ts'
import { createRateLimit, type Rate } from './rate-limit.ts'
import { Refusal, type Request } from './route.ts'
import type { Scope, TokenGrant, Tokens } from './tokens.ts'

/** What somebody wants to do beyond looking, which everybody may. */
export type Verb = 'register' | 'heartbeat' | 'withdraw' | 'release' | 'reload'

/** What it would be done to: without a namespace, something that belongs to none, or to several that are asked for later. */
export interface Wish {
  readonly verb: Verb
  readonly namespace?: string
}

/** Who asks. */
export interface Caller {
  /** The name of a token, `user:<name>`, `cert:<name>`, `loopback`, or `anonymous`. */
  readonly name: string
  readonly isLoopback: boolean
  readonly token?: TokenGrant
  /** Why the credential that came counts for nothing. */
  readonly invalid?: string
}

type Asker = Pick<Request, 'headers' | 'remoteAddress' | 'user' | 'certificate'>

/** Says who asks and what they may do. */
export interface Authority {
  identify(asker: Asker): Caller
  /** Why the caller may not do that: 401 when it is not known who asks, 403 when it is; undefined when it may. */
  objection(caller: Caller, wish: Wish): Refusal | undefined
  /** Takes one request off what the caller may ask for. @throws Refusal 429 when there is none left */
  admit(caller: Caller): void
}

/** So many that no registrant of a cluster that comes back at once is held up, and few enough for one core. */
const usualRate: Rate = { perSecond: 1_000, burst: 2_000 }

/**
 * Rights come from a token, or else from being on this host: a caller from loopback may do everything, all others may
 * only look. A user's password and a client's certificate say who somebody is and open the door; they give no rights. A
 * reverse proxy on this host makes every caller look like loopback: let it require the token itself.
 */
export function createAuthority(tokens: Tokens, clock: Pick<Clock, 'monotonic' | 'wall'>): Authority {
  const limit = createRateLimit(clock)

  function identify({ headers, remoteAddress, user, certificate }: Asker): Caller {
    const isHere = isLoopback(remoteAddress)
    const authorization = headers['authorization']
    const token = tokens.find(authorization)
    if (token !== undefined) {
      const over = expiredSince(token, clock.wall())
      return { name: token.name, isLoopback: isHere, token, ...(over === undefined ? {} : { invalid: over }) }
    }
    const name = nameOf(user, certificate, isHere)
    if (authorization === undefined || user !== undefined || tokens.isEmpty) return { name, isLoopback: isHere }
    const invalid = 'Registrations: the token in the Authorization header is not valid'
    return { name: 'anonymous', isLoopback: isHere, invalid }
  }

  function objection({ name, token, invalid, isLoopback: isHere }: Caller, wish: Wish): Refusal | undefined {
    if (invalid !== undefined) return unknownCaller(invalid)
    if (token !== undefined) return tokenObjection(token, wish)
    if (isHere) return undefined
    if (tokens.isEmpty)
      return new Refusal(
        403,
        'Registrations may be changed from loopback only: set registration.tokens to allow others',
      )
    const who = name === 'anonymous' ? '' : ` (you are "${name}", who may look)`
    return unknownCaller(
      `Registrations may be changed from elsewhere only with the header "Authorization: Bearer <token>"${who}`,
    )
  }

  return {
    identify,
    objection,
    admit: ({ name, token }) => {
      const { perSecond, burst } = token?.rate ?? usualRate
      const seconds = limit.take(name, { perSecond, burst })
      if (seconds === undefined) return
      throw new Refusal(
        429,
        `Requests of "${name}": more than ${perSecond} a second (${burst} at once)`,
        {},
        { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) },
      )
    },
  }
}

/** Why a token is over, as a sentence; undefined while it is good. */
export function expiredSince({ name, expiresAt }: TokenGrant, now: number): string | undefined {
  if (expiresAt === undefined || now < expiresAt) return undefined
  return `Token "${name}": expired on ${new Date(expiresAt).toISOString()}`
}

function unknownCaller(message: string): Refusal {
  return new Refusal(401, message, {}, { 'WWW-Authenticate': 'Bearer realm="lagkeeper"' })
}

function nameOf(user: string | undefined, certificate: string | undefined, isHere: boolean): string {
  if (user !== undefined) return `user:${user}`
  if (certificate !== undefined) return `cert:${certificate}`
  return isHere ? 'loopback' : 'anonymous'
}

/** Scopes of which one is enough. */
const needed: Readonly<Record<Verb, readonly Scope[]>> = {
  register: ['register'],
  heartbeat: ['register'],
  withdraw: ['register', 'admin'],
  release: ['admin'],
  reload: ['reload'],
}

function tokenObjection({ name, scopes, namespaces }: TokenGrant, { verb, namespace }: Wish): Refusal | undefined {
  const enough = needed[verb].filter((scope) => scopes.has(scope))
  if (enough.length === 0)
    return new Refusal(
      403,
      `Token "${name}" may not ${verb}: its scopes are ${[...scopes].join(', ')}, expected ${needed[verb].join(' or ')}`,
    )
  // An administrator withdraws wherever it is needed; registering is for the token's own namespaces.
  if (namespace === undefined || !enough.every((scope) => scope === 'register') || namespaces.covers(namespace))
    return undefined
  return new Refusal(
    403,
    `Token "${name}" may not ${verb} in namespace "${namespace.slice(0, 64)}": it is for ${namespaces.text}`,
  )
}
