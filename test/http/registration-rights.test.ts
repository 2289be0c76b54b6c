import { beforeEach, describe, expect, it } from 'vitest'
import { registrationBatchRoutes } from '../../src/http/registration-batches.ts'
import { registrationRoutes } from '../../src/http/registrations.ts'
import { reloadRoute } from '../../src/http/reload.ts'
import type { Heartbeat, Receipt, Registration } from '../../src/model/registration.ts'
import type { Target } from '../../src/model/target.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeRequest, textOf } from '../fakes/http.ts'
import { grant, routeDeps } from './registration-world.ts'

/** A store that keeps what it is given, in a list that the quota looks at. */
function memory() {
  const kept = new Map<string, Target>()
  return {
    kept,
    put: async (many: readonly Registration[]): Promise<readonly Receipt[]> =>
      many.map((registration) => {
        const { id } = registration
        if (kept.get(id)?.registration.incarnation === '9')
          return { id, outcome: 'conflict', registration, why: 'newer' }
        const outcome = kept.has(id) ? 'renewed' : 'created'
        kept.set(id, { registration, state: 'listed', order: kept.size })
        return { id, outcome, registration }
      }),
    renew: async (many: readonly Heartbeat[]) => many.map(({ id }) => id).filter((id) => !kept.has(id)),
    withdraw: async (id: string): Promise<'ended' | 'unknown'> => (kept.delete(id) ? 'ended' : 'unknown'),
    find: (id: string) => kept.get(id),
  }
}

const clock = fakeClock()
const teamLimits = {
  name: 'team',
  scopes: new Set(['register', 'reload'] as const),
  namespaces: { covers: (name: string) => name.startsWith('pay'), text: 'pay.*' },
  target: (ip: string, port: number) =>
    ip.startsWith('10.20.') && port === 9250 ? undefined : `${ip} port ${port} is not of the team`,
  quota: 2,
}
let store = memory()
let deps = routeDeps(store)

beforeEach(() => {
  store = memory()
  deps = routeDeps(store, {
    clock,
    targets: () => [...store.kept.values()],
    grants: [
      grant('team-token', teamLimits),
      grant('operator-token', { name: 'operator', scopes: new Set(['admin'] as const) }),
      grant('slow-token', { name: 'slow', rate: { perSecond: 1, burst: 1 } }),
    ],
  })
})

async function ask(method: string, path: string, body: unknown, token = 'team-token', remoteAddress = '10.0.0.9') {
  const routes = [
    ...registrationRoutes(deps),
    ...registrationBatchRoutes(deps),
    reloadRoute({ changes: deps.changes, reload: async () => ({ changed: ['kafka a'] }) }),
  ]
  const [, version, kind, namespace = '', app = '', role = '', instance = '', verb] = path.split('/')
  const pattern =
    namespace === ''
      ? `/${version}/${kind}`
      : `/v1/registrations/:namespace/:app/:role/:instance${verb === undefined ? '' : `/${verb}`}`
  const route = routes.find((one) => one.method === method && one.path === pattern)
  const response = await route!.handle(
    fakeRequest(path, {
      method,
      remoteAddress,
      params: { namespace, app, role, instance },
      headers: { 'content-type': 'application/json', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
      body: async () => Buffer.from(JSON.stringify(body)),
    }),
  )
  const text = await textOf(response)
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

const path = (name: string): string => `/v1/registrations/${name}`
const body = (index = 1, more: object = {}) => ({ address: `10.20.0.${index}:9250`, incarnation: '1', ...more })
const item = (namespace: string, index: number, more: object = {}) => ({
  namespace,
  app: 'a',
  role: 'r',
  instance: `i${index}`,
  ...body(index, more),
})

describe('a token with limits', () => {
  it('registers where it may, renews and withdraws there', async () => {
    expect((await ask('PUT', path('payments/a/r/1'), body())).status).toBe(200)
    expect((await ask('POST', path('payments/a/r/1/heartbeat'), undefined)).status).toBe(204)
    expect((await ask('DELETE', path('payments/a/r/1'), undefined)).status).toBe(204)
    expect(store.kept.size).toBe(0)
  })

  it('is refused in other namespaces, whatever it wants there, and nothing happens', async () => {
    await ask('PUT', path('orders/a/r/1'), body(1, { address: '10.0.0.1:1' }), '', '127.0.0.1')

    for (const [method, name] of [
      ['PUT', 'orders/a/r/1'],
      ['POST', 'orders/a/r/1/heartbeat'],
      ['DELETE', 'orders/a/r/1'],
    ] as const)
      expect(await ask(method, path(name), body())).toMatchObject({
        status: 403,
        body: { error: expect.stringContaining('in namespace "orders": it is for pay.*') },
      })
    expect([...store.kept.values()].map(({ registration }) => registration.address)).toEqual(['10.0.0.1:1'])
  })

  it('is told by the field when the address is not its own', async () => {
    for (const address of ['10.21.0.1:9250', '10.20.0.1:22'])
      expect(await ask('PUT', path('payments/a/r/1'), body(1, { address }))).toMatchObject({
        status: 422,
        body: {
          problems: [
            { path: 'address', value: JSON.stringify(address), expected: expect.stringContaining('token "team"') },
          ],
        },
      })
    expect(store.kept.size).toBe(0)
  })

  it('has room for its quota: what is there may be put again, what is new waits for room', async () => {
    await ask('PUT', path('payments/a/r/1'), body(1))
    await ask('PUT', path('payroll/a/r/2'), body(2))

    const third = await ask('PUT', path('payments/a/r/3'), body(3))
    expect(third).toMatchObject({
      status: 429,
      headers: { 'Retry-After': '30' },
      body: { quota: 2, error: expect.stringContaining('2 registrations are listed') },
    })
    expect((await ask('PUT', path('payments/a/r/1'), body(1))).status).toBe(200)
    await ask('DELETE', path('payments/a/r/1'), undefined)
    await clock.advance(1000)
    expect((await ask('PUT', path('payments/a/r/3'), body(3))).status).toBe(200)
  })

  it('may not ask more often than configured, and is told when to come back', async () => {
    expect((await ask('PUT', path('payments/a/r/1'), body(), 'slow-token')).status).toBe(200)
    expect(await ask('PUT', path('payments/a/r/1'), body(), 'slow-token')).toMatchObject({
      status: 429,
      headers: { 'Retry-After': '1' },
    })
    expect((await ask('PUT', path('payments/a/r/1'), body())).status).toBe(200)
  })

  it('does not reload', async () => {
    expect((await ask('POST', '/-/reload', undefined, 'operator-token')).status).toBe(403)
    expect((await ask('POST', '/-/reload', undefined)).status).toBe(200)
  })
})

describe('a batch', () => {
  it('is refused item by item where the token does not reach', async () => {
    const { status, body } = await ask('PUT', '/v1/registrations', [
      item('payments', 1),
      item('orders', 2),
      item('payments', 3, { address: '10.21.0.3:9250' }),
      item('payments', 4),
      item('payments', 5),
    ])

    expect(status).toBe(422)
    expect(body).toMatchObject({
      accepted: 2,
      refused: [
        { index: 1, id: 'orders/a/r/i2', status: 403, error: expect.stringContaining('"orders"') },
        { index: 2, status: 422, problems: [{ path: 'address' }] },
        { index: 4, id: 'payments/a/r/i5', status: 429, error: expect.stringContaining('Quota of token "team"') },
      ],
    })
    expect([...store.kept.keys()]).toEqual(['payments/a/r/i1', 'payments/a/r/i4'])
  })

  it.each([
    [403, [item('orders', 1)], undefined],
    [429, [item('payments', 1), item('payments', 2), item('payments', 3)], '30'],
  ])('is answered %d when that was the worst', async (status, items, retryAfter) => {
    expect(await ask('PUT', '/v1/registrations', items)).toMatchObject({ status, body: { refused: [{ status }] } })
    expect((await ask('PUT', '/v1/registrations', items)).headers['Retry-After']).toBe(retryAfter)
  })

  it('gives the room back that it did not use', async () => {
    store.put = () => Promise.reject(new Error('disk'))
    await expect(ask('PUT', '/v1/registrations', [item('payments', 1), item('payments', 2)])).rejects.toThrow('disk')
    store.put = memory().put

    expect((await ask('PUT', '/v1/registrations', [item('payments', 3), item('payments', 4)])).status).toBe(200)
  })

  it('of heartbeats keeps what the token may, and names the others', async () => {
    await ask('PUT', '/v1/registrations', [item('payments', 1)])

    expect(await ask('POST', '/v1/heartbeats', ['payments/a/r/i1', 'orders/a/r/i2', 'payments/a/r/i9'])).toMatchObject({
      status: 403,
      body: { unknown: ['payments/a/r/i9'], refused: [{ index: 1, id: 'orders/a/r/i2', status: 403 }] },
    })
  })
})

describe('the audit', () => {
  it('has one line for each change, with who, what, and what came of it', async () => {
    const { headers } = await ask('PUT', path('payments/a/r/1'), body())
    await ask('DELETE', path('payments/a/r/1?incarnation=1').replace('?incarnation=1', ''), undefined, '', '127.0.0.1')
    await ask('PUT', path('orders/a/r/1'), body())
    await ask('PUT', path('payments/a/r/1'), { address: 'x' })
    await ask('PUT', path('payments/a/r/1'), body(), '')
    await ask('POST', '/-/reload', undefined)

    const ids = deps.audited.map(({ request_id }) => request_id)
    expect(new Set(ids).size).toBe(6)
    expect(headers['X-Request-Id']).toBe(ids[0])
    expect(deps.audited.map(({ request_id: _, ...rest }) => rest)).toEqual([
      {
        caller: 'team',
        remote_address: '10.0.0.9',
        verb: 'register',
        namespace: 'payments',
        id: 'payments/a/r/1',
        incarnation: '1',
        outcome: 'created',
        status: 200,
      },
      {
        caller: 'loopback',
        remote_address: '127.0.0.1',
        verb: 'withdraw',
        namespace: 'payments',
        id: 'payments/a/r/1',
        outcome: 'ended',
        status: 204,
      },
      expect.objectContaining({ status: 403, namespace: 'orders', reason: expect.stringContaining('"orders"') }),
      expect.objectContaining({ status: 422, reason: expect.stringContaining('address: "x"') }),
      expect.objectContaining({ status: 401, caller: 'anonymous', reason: expect.stringContaining('Bearer') }),
      { caller: 'team', remote_address: '10.0.0.9', verb: 'reload', outcome: 'restarted kafka a', status: 200 },
    ])
  })

  it('has no line for a sign of life, but for one that was refused', async () => {
    await ask('PUT', path('payments/a/r/1'), body())
    await ask('POST', path('payments/a/r/1/heartbeat'), undefined)
    await ask('POST', path('payments/a/r/2/heartbeat'), undefined)
    await ask('POST', '/v1/heartbeats', ['payments/a/r/1'])
    await ask('POST', path('orders/a/r/1/heartbeat'), undefined)

    expect(deps.audited.map(({ verb, status }) => [verb, status])).toEqual([
      ['register', 200],
      ['heartbeat', 403],
    ])
  })

  it('names what a batch has changed, in as many lines as that takes', async () => {
    const many = Array.from({ length: 450 }, (_, index) => ({ ...item('x', 1), instance: `i${index}` }))

    await ask('PUT', '/v1/registrations', [...many, 'nonsense'], '', '127.0.0.1')
    await ask('PUT', '/v1/registrations', many.slice(0, 3), '', '127.0.0.1')

    expect(deps.audited.map(({ ids = [], status, count, accepted }) => [ids.length, status, count, accepted])).toEqual([
      [200, 422, 451, 450],
      [200, 422, 451, 450],
      [50, 422, 451, 450],
      [0, 200, 3, 3],
    ])
    expect(new Set(deps.audited.slice(0, 3).map(({ request_id }) => request_id)).size).toBe(1)
    expect(deps.audited[0]?.reason).toContain('[450] document: "nonsense"')
  })

  it('never has a token in it, nor has an answer', async () => {
    const answers: unknown[] = []
    for (const token of ['team-token', 'operator-token', 'slow-token', 'a-guess'])
      for (const remoteAddress of ['10.0.0.9', '127.0.0.1']) {
        answers.push(await ask('PUT', path('orders/a/r/1'), body(), token, remoteAddress))
        answers.push(await ask('PUT', '/v1/registrations', [item('orders', 1)], token, remoteAddress))
        answers.push(await ask('POST', '/-/reload', undefined, token, remoteAddress))
      }

    expect(JSON.stringify([answers, deps.audited])).not.toMatch(/team-token|operator-token|slow-token|a-guess/)
  })
})
