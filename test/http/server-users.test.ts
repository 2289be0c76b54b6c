import { describe, expect, it } from 'vitest'
import { createDoor } from '../../src/http/door.ts'
import { healthRoutes } from '../../src/http/health.ts'
import { createPasswords, type Passwords } from '../../src/http/passwords.ts'
import type { Protection } from '../../src/http/protection.ts'
import { json, type Route } from '../../src/http/route.ts'
import { fakeClock } from '../fakes/clock.ts'
import { startBehind } from './secure-server.ts'

/** bcrypt of `secret`, at cost 4. */
const secret = '$2y$04$LwoBNFu2hoV2boqZx8WPleOCAWnzXSHIPZftaCi8KAgO0r1vfCwc2'

const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

/** A door with users `ann` (password `secret`) and `bob` (`hash of bob`), and what was compared. */
function world(more: Partial<Protection> = {}) {
  const compared: string[] = []
  const passwords: Passwords = {
    matches: async (password, hash) => {
      compared.push(`${password} ${hash}`)
      return hash === `hash of ${password}`
    },
    close: async () => undefined,
  }
  const clock = fakeClock()
  let protection: Protection = {
    headers: {},
    users: new Map([
      ['ann', 'hash of secret'],
      ['bob', 'hash of bob'],
    ]),
    ...more,
  }
  const door = createDoor(() => protection, {
    clock,
    passwords,
    isToken: (authorization) => authorization === 'Bearer good',
  })
  const enter = async (authorization?: string, remoteAddress = '10.0.0.9') => {
    const entered = await door.enter({ headers: authorization === undefined ? {} : { authorization }, remoteAddress })
    return 'status' in entered ? entered.status : (entered.user ?? 'in')
  }
  return {
    compared,
    clock,
    door,
    enter,
    change: (users: ReadonlyMap<string, string>) => {
      protection = { ...protection, users }
    },
  }
}

describe('a door with users', () => {
  it.each([
    ['nothing', undefined, 401],
    ['the right password', basic('ann', 'secret'), 'ann'],
    ['a wrong one', basic('ann', 'bob'), 401],
    ['no user', basic('eve', 'secret'), 401],
    ['no user, no password', basic('', ''), 401],
    ['the names of what objects have', basic('__proto__', 'secret'), 401],
    ['a good token', 'Bearer good', 'in'],
    ['a bad token', 'Bearer bad', 401],
    ['no base64', 'Basic !!!', 401],
    ['no colon', `Basic ${Buffer.from('annsecret').toString('base64')}`, 401],
    ['another scheme', 'Digest x', 401],
  ])('to %s says what it should', async (_, authorization, expected) => {
    expect(await world().enter(authorization)).toBe(expected)
  })

  it('lets everybody in without users', async () => {
    expect(await world({ users: new Map() }).enter()).toBe('in')
  })

  it('compares each password once, right or wrong, and again when the hash has changed', async () => {
    const { enter, compared, change } = world()

    for (let round = 0; round < 3; round++) {
      expect(await enter(basic('ann', 'secret'))).toBe('ann')
      expect(await enter(basic('ann', 'wrong'))).toBe(401)
    }
    expect(compared).toEqual(['secret hash of secret', 'wrong hash of secret'])
    change(new Map([['ann', 'hash of wrong']]))
    expect(await enter(basic('ann', 'secret'))).toBe(401)
    expect(await enter(basic('ann', 'wrong'))).toBe('ann')
  })

  it('does not take one name and password for another that reads the same joined', async () => {
    const { enter } = world({ users: new Map([['a', 'hash of b:c']]) })

    expect(await enter(basic('a', 'b:c'))).toBe('a')
    expect(await enter(`Basic ${Buffer.from('a:b:c').toString('base64')}`)).toBe('a')
    expect(await enter(basic('a', 'b'))).toBe(401)
    expect(await enter(basic('', 'a:b:c'))).toBe(401)
  })

  it('works as long for somebody unknown as for the dearest user there is', async () => {
    const { enter, compared } = world({
      users: new Map([
        ['ann', '$2y$11$x'],
        ['bob', '$2y$06$x'],
      ]),
    })

    await enter(basic('eve', 'secret'))

    expect(compared).toEqual([`secret $2b$11$${'.'.repeat(53)}`])
  })

  it('lets an address try so many new passwords, and tells it when to come back', async () => {
    const { enter, clock, compared } = world()
    const statuses = []
    for (let guess = 0; guess < 30; guess++) statuses.push(await enter(basic('ann', `guess ${guess}`)))

    expect(statuses.filter((status) => status === 401)).toHaveLength(20)
    expect(statuses.at(-1)).toBe(429)
    expect(compared).toHaveLength(20)
    expect(await enter(basic('ann', 'secret'), '10.0.0.8')).toBe('ann')
    expect(await enter(basic('ann', 'secret'))).toBe('ann')
    await clock.advance(1000)
    expect(await enter(basic('ann', 'guess 30'))).toBe(401)
  })

  it('refuses what is above the limit of all requests together, health too', async () => {
    const { enter, clock } = world({ users: new Map(), rateLimit: { perSecond: 10, burst: 2 } })

    expect([await enter(), await enter(), await enter()]).toEqual(['in', 'in', 429])
    await clock.advance(100)
    expect(await enter()).toBe('in')
  })
})

describe('the server behind it', () => {
  const who: Route = {
    method: 'PUT',
    path: '/who',
    handle: async ({ user, body }) => json(200, [user, (await body(9)).length]),
  }
  const users = new Map([['ann', secret]])

  it('tells the route who asks, and asks before anything is read or found', async () => {
    const door = createDoor(() => ({ headers: {}, users }), { clock: fakeClock(), isToken: () => false })
    await using server = await startBehind(door, [who, ...healthRoutes(() => ({ ready: true, waitingFor: [] }))])
    const url = `http://127.0.0.1:${server.port}`
    const ask = (path: string, init: RequestInit = {}) => fetch(`${url}${path}`, init)

    for (const path of ['/who', '/-/healthy', '/nowhere', '/%E0%A4%A']) {
      const refused = await ask(path)
      expect([path, refused.status]).toEqual([path, 401])
      expect(refused.headers.get('www-authenticate')).toBe('Basic realm="lagkeeper"')
    }
    const headers = { authorization: basic('ann', 'secret') }
    expect(await (await ask('/who', { method: 'PUT', headers, body: 'abc' })).json()).toEqual(['ann', 3])
    expect(
      (await ask('/who', { method: 'PUT', headers: { authorization: basic('ann', 'Secret') }, body: 'x' })).status,
    ).toBe(401)
  })
})

describe('createPasswords()', () => {
  it('compares bcrypt hashes of each kind, away from the event loop', async () => {
    const passwords = createPasswords()
    let turns = 0
    const timer = setInterval(() => turns++, 1)

    expect(await passwords.matches('secret', secret)).toBe(true)
    expect(await passwords.matches('secret', secret.replace('$2y', '$2b'))).toBe(true)
    expect(await passwords.matches('Secret', secret)).toBe(false)
    turns = 0
    expect(await passwords.matches('secret', `$2b$10$${'.'.repeat(53)}`)).toBe(false)
    expect(turns).toBeGreaterThan(5)
    clearInterval(timer)
    await passwords.close()
    expect(await passwords.matches('secret', secret)).toBe(true)
    await passwords.close()
  })

  it('refuses more than so many at once, and those that wait when it is closed', async () => {
    const passwords = createPasswords()
    const waiting = Array.from({ length: 70 }, () => passwords.matches('x', `$2b$10$${'.'.repeat(53)}`))
    const settled = Promise.allSettled(waiting)

    await passwords.close()

    const reasons = (await settled).map((one) => (one.status === 'rejected' ? String(one.reason) : 'compared'))
    expect(reasons.filter((reason) => reason.includes('are waiting'))).toHaveLength(6)
    expect(reasons.filter((reason) => reason.includes('has ended')).length).toBeGreaterThan(50)
  })
})
