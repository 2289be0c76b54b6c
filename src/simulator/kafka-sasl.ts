import { errorCodes } from '../kafka-wire/error-codes.ts'
import { decodeSaslAuthenticateRequest, encodeSaslAuthenticateResponse } from '../kafka-wire/sasl-authenticate.ts'
import { decodeSaslHandshakeRequest, encodeSaslHandshakeResponse } from '../kafka-wire/sasl-handshake.ts'
import { scramStep } from './kafka-sasl-scram.ts'
import { bearerStep, plainStep, type SaslStep } from './kafka-sasl-steps.ts'

/** Whom the brokers of a cluster let in. */
export interface SaslRules {
  /** Passwords by name, for PLAIN and SCRAM. */
  readonly users?: Readonly<Record<string, string>>
  /** Whose a bearer token is; undefined refuses it. Asked at every authentication. */
  readonly bearer?: (token: string) => string | undefined
  /** A connection must authenticate again within this time, in milliseconds (KIP-368). Default 0: never. */
  readonly sessionLifetimeMs?: number
}

/** The broker's side of SASL on one connection. */
export interface SaslSession {
  /** True when the client may ask anything. */
  isOpen(): boolean
  /** True when the connection must end after the answer just given. */
  hasFailed(): boolean
  /** True after handshake v0: the next frame is the mechanism's token, bare. */
  awaitsToken(): boolean
  handshake(version: number, body: Buffer): Buffer
  authenticate(version: number, body: Buffer): Buffer
  /** The bare answer to a bare token; undefined when it is refused, which old brokers say by closing. */
  token(bytes: Buffer): Buffer | undefined
}

/** A broker takes no second authentication within a second, as the real one. */
const REST_MS = 1_000

/** Without rules everybody is let in and a handshake is out of place. */
export function createSaslSession(rules: SaslRules | undefined, now = () => performance.now()): SaslSession {
  const lifetimeMs = rules?.sessionLifetimeMs ?? 0
  const offered = mechanismsOf(rules)
  let state: 'open' | 'new' | 'chosen' | 'token' | 'failed' = rules === undefined ? 'open' : 'new'
  let step: SaslStep = () => 'refused'
  let grant: { readonly user: string; readonly at: number; readonly mechanism: string } | undefined
  let mechanism = ''

  /** The first time, or again when the time is limited and not too soon, by the same mechanism. */
  function mayBegin(wanted: string): boolean {
    if (state === 'new') return true
    return state === 'open' && grant?.mechanism === wanted && lifetimeMs > 0 && now() - grant.at >= REST_MS
  }

  /** The answer to a token; undefined when it is refused. A connection never changes its user. */
  function take(bytes: Uint8Array): Buffer | undefined {
    const outcome = step(bytes)
    if (outcome === 'refused' || ('user' in outcome && grant !== undefined && grant.user !== outcome.user)) {
      state = 'failed'
      return undefined
    }
    if ('challenge' in outcome) return outcome.challenge
    grant = { user: outcome.user, at: now(), mechanism }
    state = 'open'
    return outcome.last
  }

  return {
    isOpen: () => state === 'open' && (grant === undefined || lifetimeMs === 0 || now() - grant.at < lifetimeMs),
    hasFailed: () => state === 'failed',
    awaitsToken: () => state === 'token',
    handshake(version, body) {
      const wanted = decodeSaslHandshakeRequest(version, body).mechanism
      const begin = offered.get(wanted)
      const error = !mayBegin(wanted)
        ? errorCodes.ILLEGAL_SASL_STATE
        : begin === undefined
          ? errorCodes.UNSUPPORTED_SASL_MECHANISM
          : errorCodes.NONE
      if (error === errorCodes.NONE && begin !== undefined) {
        step = begin()
        mechanism = wanted
        state = version === 0 ? 'token' : 'chosen'
      } else if (state !== 'open') state = 'failed'
      return encodeSaslHandshakeResponse(version, { error, mechanisms: [...offered.keys()] })
    },
    authenticate(version, body) {
      const isOutOfPlace = state !== 'chosen'
      if (isOutOfPlace) state = 'failed'
      const answer = isOutOfPlace ? undefined : take(decodeSaslAuthenticateRequest(version, body).bytes)
      const error = isOutOfPlace
        ? errorCodes.ILLEGAL_SASL_STATE
        : answer === undefined
          ? errorCodes.SASL_AUTHENTICATION_FAILED
          : errorCodes.NONE
      const why = error === errorCodes.NONE ? {} : { errorMessage: 'Authentication failed: invalid user or password' }
      const sessionLifetimeMs = state === 'open' ? lifetimeMs : 0
      return encodeSaslAuthenticateResponse(version, {
        error,
        ...why,
        bytes: answer ?? Buffer.alloc(0),
        sessionLifetimeMs,
      })
    },
    token: take,
  }
}

function mechanismsOf({ users, bearer }: SaslRules = {}): ReadonlyMap<string, () => SaslStep> {
  const mechanisms = new Map<string, () => SaslStep>()
  if (users !== undefined) {
    mechanisms.set('PLAIN', () => plainStep(users))
    mechanisms.set('SCRAM-SHA-256', () => scramStep('sha256', users))
    mechanisms.set('SCRAM-SHA-512', () => scramStep('sha512', users))
  }
  if (bearer !== undefined) mechanisms.set('OAUTHBEARER', () => bearerStep(bearer))
  return mechanisms
}
