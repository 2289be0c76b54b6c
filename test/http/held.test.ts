import { expect, it } from 'vitest'
import { heldRoute } from '../../src/http/held.ts'
import type { RegistrationStore } from '../../src/http/registrations.ts'
import { ask, textOf } from '../fakes/http.ts'
import { registrations } from '../targets/samples.ts'
import { grant, routeDeps } from './registration-world.ts'

const store: RegistrationStore = {
  put: async () => [],
  renew: async () => [],
  withdraw: async () => 'unknown',
  find: () => undefined,
}
const [first, second] = registrations(2).map(({ id }) => id)

async function release(body: unknown, more: { readonly remoteAddress?: string; readonly token?: string } = {}) {
  const asked: (readonly string[] | undefined)[] = []
  const admin = grant('admin-token', { scopes: new Set(['admin']) })
  const team = grant('team-token', { scopes: new Set(['register']) })
  const { changes, audited } = routeDeps(store, { grants: [admin, team] })
  const route = heldRoute({
    changes,
    release: (ids) => {
      asked.push(ids)
      return ids === undefined ? [first!, second!] : ids.filter((id) => id === first)
    },
  })
  const { remoteAddress = '127.0.0.1', token } = more
  const response = await ask(route, '/v1/held/release', {
    method: 'POST',
    remoteAddress,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: async () => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  })
  return { status: response.status, body: JSON.parse(await textOf(response)), asked, audited }
}

it('lets all go', async () => {
  const { status, body, asked } = await release({ all: true })

  expect([status, body, asked]).toEqual([200, { released: 2, ids: [first, second] }, [undefined]])
})

it('lets those go who are named, and says which of them were held', async () => {
  const { body, asked, audited } = await release({ ids: [first, second] })

  expect(body).toEqual({ released: 1, ids: [first] })
  expect(asked).toEqual([[first, second]])
  expect(audited).toMatchObject([{ verb: 'release', status: 200, count: 1, ids: [first] }])
})

it.each([
  [{}],
  [{ all: false }],
  [{ all: true, ids: [] }],
  [{ ids: 'all' }],
  [{ ids: ['not an id'] }],
  [{ ids: [1] }],
  [{ all: true, force: true }],
  [[]],
  ['null'],
])('does nothing for %j', async (body) => {
  const { status, asked } = await release(body)

  expect([status, asked]).toEqual([422, []])
})

it('does nothing for what is no JSON', async () => {
  expect((await release('{')).status).toBe(400)
})

it('is for administrators', async () => {
  const elsewhere = { remoteAddress: '10.0.0.9' }

  expect(await release({ all: true }, elsewhere)).toMatchObject({ status: 401, asked: [] })
  expect(await release({ all: true }, { ...elsewhere, token: 'team-token' })).toMatchObject({ status: 403, asked: [] })
  expect((await release({ all: true }, { ...elsewhere, token: 'admin-token' })).status).toBe(200)
})

it('names a thousand at most, and counts all', async () => {
  const many = registrations(1_500).map(({ id }) => id)
  const { changes } = routeDeps(store)
  const route = heldRoute({ changes, release: () => many })

  const response = await ask(route, '/v1/held/release', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: async () => Buffer.from('{"all":true}'),
  })

  const { released, ids } = JSON.parse(await textOf(response))
  expect([released, ids.length]).toEqual([1_500, 1_000])
})
