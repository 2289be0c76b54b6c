import { describe, expect, it } from 'vitest'
import { createAuthority, type Verb } from '../../src/http/authorize.ts'
import { createTokens, type Scope } from '../../src/http/tokens.ts'
import { fakeClock } from '../fakes/clock.ts'
import { grant } from './registration-world.ts'

const day = 86_400_000
const scopesOf = (...scopes: Scope[]) => ({ scopes: new Set(scopes) })
const payments = { namespaces: { covers: (name: string) => name === 'payments', text: 'payments' } }

const clock = fakeClock()
const grants = [
  grant('register', { name: 'register', ...scopesOf('register'), ...payments }),
  grant('admin', { name: 'admin', ...scopesOf('admin'), ...payments }),
  grant('reload', { name: 'reload', ...scopesOf('reload'), ...payments }),
  grant('all', { name: 'all', ...payments }),
  grant('old', { name: 'rotated', expiresAt: clock.wall() - 1 }),
  grant('new', { name: 'rotated', expiresAt: clock.wall() + day }),
]
const authority = createAuthority(createTokens(grants), clock)
const open = createAuthority(createTokens([]), clock)

const verbs: readonly Verb[] = ['register', 'heartbeat', 'withdraw', 'release', 'reload']

/** Who asks: the credential, and from where. */
const callers = {
  'nobody, from here': { remoteAddress: '127.0.0.1', headers: {} },
  'nobody, from elsewhere': { remoteAddress: '10.0.0.9', headers: {} },
  'a stranger, from here': { remoteAddress: '::1', headers: { authorization: 'Bearer guess' } },
  'a stranger, from elsewhere': { remoteAddress: '10.0.0.9', headers: { authorization: 'Bearer guess' } },
  'an expired token': { remoteAddress: '10.0.0.9', headers: { authorization: 'Bearer old' } },
  'an expired token, from here': { remoteAddress: '127.0.0.1', headers: { authorization: 'Bearer old' } },
  'its successor': { remoteAddress: '10.0.0.9', headers: { authorization: 'Bearer new' } },
  'a registrant': { remoteAddress: '10.0.0.9', headers: { authorization: 'bearer  register' } },
  'a registrant, from here': { remoteAddress: '127.0.0.1', headers: { authorization: 'Bearer register' } },
  'an administrator': { remoteAddress: '10.0.0.9', headers: { authorization: 'Bearer admin' } },
  'a reloader': { remoteAddress: '10.0.0.9', headers: { authorization: 'Bearer reload' } },
  'a team with all scopes': { remoteAddress: '10.0.0.9', headers: { authorization: 'Bearer all' } },
  'a user with a password': { remoteAddress: '10.0.0.9', headers: { authorization: 'Basic eDp5' }, user: 'ann' },
  'a user, from here': { remoteAddress: '127.0.0.1', headers: { authorization: 'Basic eDp5' }, user: 'ann' },
  'a certificate': { remoteAddress: '10.0.0.9', headers: {}, certificate: 'client' },
} as const

/** One column a verb, for a namespace of the token and for another one. */
const matrix: Readonly<Record<keyof typeof callers, string>> = {
  //                            register   heartbeat  withdraw   release    reload
  'nobody, from here': /*     */ 'yes/yes   yes/yes   yes/yes   yes/yes   yes/yes',
  'nobody, from elsewhere': /**/ '401/401   401/401   401/401   401/401   401/401',
  'a stranger, from here': /* */ '401/401   401/401   401/401   401/401   401/401',
  'a stranger, from elsewhere': '401/401   401/401   401/401   401/401   401/401',
  'an expired token': /*      */ '401/401   401/401   401/401   401/401   401/401',
  'an expired token, from here': '401/401   401/401   401/401   401/401   401/401',
  'its successor': /*         */ 'yes/yes   yes/yes   yes/yes   yes/yes   yes/yes',
  'a registrant': /*          */ 'yes/403   yes/403   yes/403   403/403   403/403',
  'a registrant, from here': /**/ 'yes/403   yes/403   yes/403   403/403   403/403',
  'an administrator': /*      */ '403/403   403/403   yes/yes   yes/yes   403/403',
  'a reloader': /*            */ '403/403   403/403   403/403   403/403   yes/yes',
  'a team with all scopes': /**/ 'yes/403   yes/403   yes/yes   yes/yes   yes/yes',
  'a user with a password': /**/ '401/401   401/401   401/401   401/401   401/401',
  'a user, from here': /*     */ 'yes/yes   yes/yes   yes/yes   yes/yes   yes/yes',
  'a certificate': /*         */ '401/401   401/401   401/401   401/401   401/401',
}

describe('who may do what', () => {
  it.each(Object.entries(callers))('%s', (name, asker) => {
    const row = verbs.map((verb) =>
      ['payments', 'orders']
        .map((namespace) => authority.objection(authority.identify(asker), { verb, namespace })?.status ?? 'yes')
        .join('/'),
    )

    expect(row).toEqual(
      Object.entries(matrix)
        .find(([key]) => key === name)?.[1]
        .split(/ +/),
    )
  })

  it('is the business of this host alone when there are no tokens', () => {
    for (const verb of verbs) {
      expect(open.objection(open.identify(callers['nobody, from here']), { verb })).toBeUndefined()
      expect(open.objection(open.identify(callers['a stranger, from here']), { verb })).toBeUndefined()
      expect(open.objection(open.identify(callers['a stranger, from elsewhere']), { verb })).toMatchObject({
        status: 403,
        message: expect.stringContaining('set registration.tokens'),
      })
    }
  })

  it('is said in words that tell what to do, and never the token', () => {
    const said = (asker: Parameters<typeof authority.identify>[0], verb: Verb, namespace: string) =>
      authority.objection(authority.identify(asker), { verb, namespace })?.message

    expect(said(callers['a registrant'], 'register', 'orders')).toBe(
      'Token "register" may not register in namespace "orders": it is for payments',
    )
    expect(said(callers['a registrant'], 'reload', '')).toBe(
      'Token "register" may not reload: its scopes are register, expected reload',
    )
    expect(said(callers['an expired token'], 'register', 'payments')).toBe(
      'Token "rotated": expired on 2023-11-14T22:13:19.999Z',
    )
    expect(said(callers['a stranger, from elsewhere'], 'register', 'payments')).not.toContain('guess')
    expect(said(callers['a user with a password'], 'register', 'payments')).toContain('you are "user:ann"')
  })

  it('asks for a bearer token when it is not known who asks', () => {
    expect(
      authority.objection(authority.identify(callers['nobody, from elsewhere']), { verb: 'register' })?.headers,
    ).toEqual({ 'WWW-Authenticate': 'Bearer realm="lagkeeper"' })
  })

  it('ends at the very moment that is configured', async () => {
    const moving = fakeClock()
    const soon = createAuthority(createTokens([grant('soon', { expiresAt: moving.wall() + 1000 })]), moving)
    const ask = () =>
      soon.objection(soon.identify({ remoteAddress: '10.0.0.9', headers: { authorization: 'Bearer soon' } }), {
        verb: 'register',
      })?.status

    await moving.advance(999)
    expect(ask()).toBeUndefined()
    await moving.advance(1)
    expect(ask()).toBe(401)
  })
})

describe('how often', () => {
  it('is counted for each identity on its own, and says when to come back', async () => {
    const moving = fakeClock()
    const rate = { perSecond: 2, burst: 4 }
    const limited = createAuthority(
      createTokens([
        grant('a', { name: 'a', rate }),
        grant('b', { name: 'b', rate }),
        grant('a2', { name: 'a', rate }),
      ]),
      moving,
    )
    const ask = (token: string) => {
      try {
        limited.admit(limited.identify({ remoteAddress: '10.0.0.9', headers: { authorization: `Bearer ${token}` } }))
        return 'yes'
      } catch (error) {
        return error
      }
    }

    expect(['a', 'a', 'a2', 'a'].map(ask)).toEqual(['yes', 'yes', 'yes', 'yes'])
    expect(ask('a2')).toMatchObject({
      status: 429,
      message: 'Requests of "a": more than 2 a second (4 at once)',
      headers: { 'Retry-After': '1' },
    })
    expect(ask('b')).toBe('yes')
    await moving.advance(500)
    expect([ask('a'), ask('a')]).toEqual(['yes', expect.objectContaining({ status: 429 })])
  })
})
