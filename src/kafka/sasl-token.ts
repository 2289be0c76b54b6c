import type { Clock } from '../runtime/clock.ts'
import { UnavailableError } from '../runtime/errors.ts'

/** Where bearer tokens come from; one source serves all connections of a cluster. */
export interface TokenSource {
  /**
   * A token that is good for a while.
   *
   * @throws UnavailableError when there is none; no message holds a token
   */
  token(signal: AbortSignal): Promise<string>
  /** The broker did not take the token: the next call gets a new one. */
  forget(): void
}

/** A token as it was fetched. */
export interface FetchedToken {
  readonly text: string
  /** For how long it is good from now on; absent: nobody says, and it is used once. */
  readonly lifetimeMs?: number
}

/** A token is used for this share of its life, and then the next is fetched while it is still good. */
const FRESH_SHARE = 0.8

/** RFC 6750, section 2.1. Anything else could forge another part of the message. */
const bearerForm = /^[A-Za-z0-9._~+/-]+=*$/

/**
 * Keeps the fetched token as long as it is fresh; callers at the same time share one fetch. When a fetch fails, a token
 * that is still good is used on.
 *
 * @param what names the source in errors, such as `token file "/run/token"`
 */
export function createTokenSource(
  what: string,
  fetch: (signal: AbortSignal) => Promise<FetchedToken>,
  clock: Clock,
): TokenSource {
  let kept: { readonly text: string; readonly freshUntil: number; readonly goodUntil: number } | undefined
  let fetching: Promise<string> | undefined

  async function renew(signal: AbortSignal): Promise<string> {
    const askedAt = clock.monotonic()
    try {
      // One that has expired by our clock is sent all the same: whose clock is right, the broker decides.
      const { text, lifetimeMs = lifetimeOf(text, clock) } = await fetch(signal)
      if (!bearerForm.test(text))
        throw new UnavailableError(`Read ${what}: no bearer token, expected letters of RFC 6750`)
      if (lifetimeMs !== undefined)
        kept = { text, freshUntil: askedAt + lifetimeMs * FRESH_SHARE, goodUntil: askedAt + lifetimeMs }
      return text
    } catch (error) {
      if (kept === undefined || clock.monotonic() >= kept.goodUntil) throw error
      return kept.text
    }
  }

  return {
    token: (signal) => {
      if (kept !== undefined && clock.monotonic() < kept.freshUntil) return Promise.resolve(kept.text)
      fetching ??= renew(signal).finally(() => {
        fetching = undefined
      })
      return fetching
    },
    forget: () => {
      kept = undefined
    },
  }
}

/**
 * What is left of the life of a JWT by its claim `exp` (RFC 7519, seconds since the epoch), in milliseconds; undefined
 * when the token is no JWT or has no such claim. Nothing is verified: that is for the broker.
 */
export function lifetimeOf(token: string, clock: Clock): number | undefined {
  const [, payload] = token.split('.')
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined
    return typeof claims.exp === 'number' ? claims.exp * 1000 - clock.wall() : undefined
  } catch {
    return undefined
  }
}
