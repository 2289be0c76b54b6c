import { afterAll, beforeAll, expect, it } from 'vitest'
import { jsonRequest, openRegistrationWorld, type RegistrationWorld } from './registration-world.ts'

let world: RegistrationWorld

beforeAll(async () => {
  world = await openRegistrationWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

async function ask(method: string, path: string, body: unknown) {
  const response = await fetch(`${world.url}${path}`, jsonRequest(method, body))
  return { status: response.status, body: JSON.parse(await response.text()) }
}

function item(app: string, index: number, more: object = {}) {
  const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:9250`
  return { namespace: 'batch', app, role: 'tm', instance: `tm-${index}`, address, zone: app, incarnation: '2', ...more }
}

it('accepts what is good and says what is not, item by item', async () => {
  await ask('PUT', '/v1/registrations', [item('mixed', 0)])

  const { status, body } = await ask('PUT', '/v1/registrations', [
    item('mixed', 1, { lease_seconds: 60 }),
    item('mixed', 2, { labels: { job: 'x' } }),
    item('mixed', 0, { incarnation: '1' }),
    'nonsense',
    item('mixed', 3, { lease_seconds: 15 }),
    item('mixed', 4, { namespace: '' }),
  ])

  expect(status).toBe(422)
  expect(body).toMatchObject({
    accepted: 2,
    heartbeat_interval_seconds: 5,
    refused: [
      { index: 1, status: 422, problems: [{ path: 'labels.job' }] },
      { index: 2, status: 409, id: 'batch/mixed/tm/tm-0', error: expect.stringContaining('superseded') },
      { index: 3, status: 422, problems: [{ path: '', value: '"nonsense"' }] },
      { index: 5, status: 422, problems: [{ path: 'namespace' }] },
    ],
  })
  expect(world.registry.find('batch/mixed/tm/tm-3')).toBeDefined()
  expect(world.registry.find('batch/mixed/tm/tm-2')).toBeUndefined()
})

it('answers 200 only when all was accepted, 409 when conflicts were the worst', async () => {
  expect(await ask('PUT', '/v1/registrations', [])).toMatchObject({ status: 200, body: { accepted: 0, refused: [] } })
  expect((await ask('PUT', '/v1/registrations', [item('all', 0), item('all', 1)])).body).toEqual({
    accepted: 2,
    heartbeat_interval_seconds: 10,
    refused: [],
  })
  expect((await ask('PUT', '/v1/registrations', [item('all', 0, { incarnation: '1' })])).status).toBe(409)
})

it('takes thousands at once, and their heartbeats', async () => {
  const many = Array.from({ length: 20_000 }, (_, index) => item('many', index))

  const put = await ask('PUT', '/v1/registrations', many)
  const beats = await ask('POST', '/v1/heartbeats', [
    ...many.map(({ namespace, app, role, instance }) => `${namespace}/${app}/${role}/${instance}`),
    'batch/many/tm/nobody',
    { id: 'batch/many/tm/tm-1', incarnation: '1' },
    { id: 'batch/many/tm/tm-1', incarnation: '2' },
  ])

  expect(put).toMatchObject({ status: 200, body: { accepted: 20_000 } })
  expect(beats).toMatchObject({ status: 200, body: { unknown: ['batch/many/tm/nobody', 'batch/many/tm/tm-1'] } })
})

it.each([
  ['PUT', '/v1/registrations', {}],
  ['PUT', '/v1/registrations', null],
  ['PUT', '/v1/registrations', 'x'],
  ['POST', '/v1/heartbeats', { ids: [] }],
])('refuses %s %s of %j with 400', async (method, path, body) => {
  expect((await ask(method, path, body)).status).toBe(400)
})

it('refuses a list with a broken element as a whole', async () => {
  const response = await fetch(`${world.url}/v1/registrations`, {
    ...jsonRequest('PUT', undefined),
    body: `[${JSON.stringify(item('broken', 1))},{"address":]]`,
  })

  expect(response.status).toBe(400)
  expect(world.registry.find('batch/broken/tm/tm-1')).toBeUndefined()
})

it('names the heartbeats that are none', async () => {
  const { status, body } = await ask('POST', '/v1/heartbeats', [
    'batch/a/tm/b',
    7,
    { id: 'x' },
    { id: 'a/b/c/d', incarnation: 1 },
  ])

  expect(status).toBe(422)
  expect(body.problems.map(({ path }: { path: string }) => path)).toEqual(['[1]', '[2]', '[3]'])
})

it('refuses more than 8 MiB with 413', async () => {
  expect((await ask('PUT', '/v1/registrations', ['x'.repeat(9 << 20)])).status).toBe(413)
})
