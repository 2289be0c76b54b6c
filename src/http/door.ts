import { createHmac, randomBytes } from 'node:crypto'
import type { Clock } from '../runtime/clock.ts'
import { latest } from './latest.ts'
import { createPasswords, type Passwords } from './passwords.ts'
import { type Protection, unprotected } from './protection.ts'
import { createRateLimit } from './rate-limit.ts'
import { type Request, type Response, refuse } from './route.ts'

/** Who may ask anything at all. */
export interface Door {
  /** How the server is protected now. */
  protection(): Protection
  /** What is known of the one who asks, or the answer that says no. */
  enter(asker: Pick<Request, 'headers' | 'remoteAddress'>): Promise<{ readonly user?: string } | Response>
  /** Ends what it has started; it may be used again. */
  close(): Promise<void>
}

export interface DoorDeps {
  readonly clock: Pick<Clock, 'monotonic'>
  /** True for an `Authorization` header with a token that is good: whoever has one needs no password. */
  readonly isToken: (authorization: string) => boolean
  readonly passwords?: Passwords
}

/** The door of a server that everybody may ask. */
export const openDoor: Door = {
  protection: () => unprotected,
  enter: async () => ({}),
  close: async () => undefined,
}

const mostRemembered = 1_000
/** Passwords not seen before, from one address: enough for people, too few for guessing. */
const guesses = { perSecond: 2, burst: 20 }
const mark = randomBytes(32)

/**
 * Asks for a password when there are users. Each comparison takes a fixed time, whether or not there is such a user, and
 * is remembered, right or wrong: a scraper costs one comparison, not one a scrape.
 */
export function createDoor(protection: () => Protection, deps: DoorDeps): Door {
  const { clock, isToken, passwords = createPasswords() } = deps
  const limit = createRateLimit(clock)
  const remembered = new Map<string, Promise<boolean>>()
  const decoyFor = latest(decoyOf)

  /** Whether the password is right; or, when it was not seen before, the seconds until another may be tried. */
  function compare(name: string, password: string, asker: string): Promise<boolean> | number {
    const { users } = protection()
    const hash = users.get(name)
    // With the hash in it a password that was changed is asked anew; as JSON no two triples are the same text.
    const key = createHmac('sha256', mark)
      .update(JSON.stringify([name, password, hash]))
      .digest('base64')
    const known = remembered.get(key)
    const seconds = known === undefined ? limit.take(asker, guesses) : undefined
    if (seconds !== undefined) return seconds
    const answer =
      known ?? passwords.matches(password, hash ?? decoyFor(users)).then((matches) => matches && hash !== undefined)
    answer.catch(() => remembered.delete(key))
    // At the end of the map: what has not been asked for longest stands first.
    remembered.delete(key)
    remembered.set(key, answer)
    if (remembered.size > mostRemembered) remembered.delete(remembered.keys().next().value ?? key)
    return answer
  }

  return {
    protection,
    enter: async ({ headers, remoteAddress }) => {
      const { users, rateLimit } = protection()
      const wait = rateLimit === undefined ? undefined : limit.take('all', rateLimit)
      if (wait !== undefined) return tooMany('Requests: more than web.config_file allows', wait)
      if (users.size === 0) return {}
      const { authorization = '' } = headers
      if (isToken(authorization)) return {}
      const given = credentials(authorization)
      if (given === undefined) return whoAreYou
      const answer = compare(given.name, given.password, remoteAddress)
      if (typeof answer === 'number') return tooMany('Passwords: too many new ones from your address', answer)
      return (await answer) ? { user: given.name } : whoAreYou
    },
    close: () => passwords.close(),
  }
}

const whoAreYou = refuse(
  401,
  'Unauthorized: expected the name and the password of a user, or a token',
  {},
  { 'WWW-Authenticate': 'Basic realm="lagkeeper"' },
)

function tooMany(message: string, seconds: number): Response {
  return refuse(429, message, {}, { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) })
}

/** Name and password of an `Authorization` header in base64 (RFC 7617). */
function credentials(authorization: string): { readonly name: string; readonly password: string } | undefined {
  const encoded = /^Basic +([\w+/-]+=*)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** A hash of nothing that costs as much as the dearest one there is. */
function decoyOf(users: ReadonlyMap<string, string>): string {
  const dearest = [...users.values()].reduce((cost, hash) => Math.max(cost, Number(hash.slice(4, 6))), 4)
  return `$2b$${String(dearest).padStart(2, '0')}$${'.'.repeat(53)}`
}
