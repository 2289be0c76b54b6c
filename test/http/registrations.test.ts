import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registrationRoutes } from '../../src/http/registrations.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { fakeRequest, textOf } from '../fakes/http.ts'
import { registration, target } from '../targets/samples.ts'
import { jsonRequest, openRegistrationWorld, type RegistrationWorld, routeDeps } from './registration-world.ts'

const least = { address: '10.0.0.7:9250', incarnation: '7' }
let world: RegistrationWorld
let number = 0

beforeAll(async () => {
  world = await openRegistrationWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

/** A new identity for each test. */
function newPath(): string {
  return `/v1/registrations/payments/orders/taskmanager/tm-${++number}`
}

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${world.url}${path}`, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) }
}

describe('PUT', () => {
  it('answers with the effective document, the lease and the heartbeat interval', async () => {
    const path = newPath()

    const { status, body } = await ask(path, jsonRequest('PUT', { ...least, zone: path.replaceAll('/', '-').slice(1) }))

    expect(status).toBe(200)
    expect(body).toEqual({
      outcome: 'created',
      id: path.slice('/v1/registrations/'.length),
      lease_seconds: 30,
      heartbeat_interval_seconds: 10,
      registration: {
        namespace: 'payments',
        app: 'orders',
        role: 'taskmanager',
        instance: `tm-${number}`,
        address: '10.0.0.7:9250',
        incarnation: '7',
        scheme: 'http',
        metrics_path: '/metrics',
        params: {},
        labels: {},
        zone: path.replaceAll('/', '-').slice(1),
        lease_seconds: 30,
      },
    })
  })

  it('is idempotent, and refuses an older incarnation', async () => {
    const path = newPath()
    await ask(path, jsonRequest('PUT', least))

    expect((await ask(path, jsonRequest('PUT', least))).body.outcome).toBe('renewed')
    expect((await ask(path, jsonRequest('PUT', { ...least, incarnation: '8' }))).body.outcome).toBe('replaced')
    expect(await ask(path, jsonRequest('PUT', least))).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining('superseded by "8"') },
    })
  })

  it('takes names of any script in the path', async () => {
    const id = 'payments/Aufträge → Konto/task.manager/Zelle 7'
    const path = `/v1/registrations/${id.split('/').map(encodeURIComponent).join('/')}`

    expect((await ask(path, jsonRequest('PUT', least))).body.id).toBe(id)
    expect((await ask(path)).body.registration.app).toBe('Aufträge → Konto')
  })

  it('reports all problems at once, those of the path too', async () => {
    const { status, body } = await ask(
      '/v1/registrations/pay%20ments/orders/taskmanager/a%2Fb',
      jsonRequest('PUT', { address: 'x', labels: { job: 'y' }, nope: 1 }),
    )

    expect(status).toBe(422)
    expect(body.problems.map(({ path }: { path: string }) => path)).toEqual([
      'namespace',
      'instance',
      'address',
      'incarnation',
      'labels.job',
      'nope',
    ])
    expect(body.problems[2]).toEqual({ path: 'address', value: '"x"', expected: expect.any(String) })
    expect(body.error).toContain('namespace: "pay ments", expected')
  })

  it.each([
    ['no type', { 'content-type': '' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['plain text', { 'content-type': 'text/plain' }],
    ['another charset', { 'content-type': 'application/json; charset=latin1' }],
  ])('refuses %s with 415', async (_, headers) => {
    expect((await ask(newPath(), { method: 'PUT', headers, body: JSON.stringify(least) })).status).toBe(415)
  })

  it('takes a charset', async () => {
    const headers = { 'content-type': 'Application/JSON;charset=UTF-8' }
    expect((await ask(newPath(), { method: 'PUT', headers, body: JSON.stringify(least) })).status).toBe(200)
  })

  it.each([
    ['no JSON', '{"address":'],
    ['nothing', ''],
    ['bytes that are not UTF-8', Buffer.from('7b2261223a22ff227d', 'hex')],
  ])('refuses %s with 400', async (_, body) => {
    expect(
      (await ask(newPath(), { method: 'PUT', headers: { 'content-type': 'application/json' }, body })).status,
    ).toBe(400)
  })

  it('refuses a long body with 413, and a deep one without harm', async () => {
    const long = { ...least, labels: { a: 'x'.repeat(70_000) } }
    const deep = `{"address":"10.0.0.7:9250","incarnation":"1","labels":${'['.repeat(30_000)}${']'.repeat(30_000)}}`

    expect((await ask(newPath(), jsonRequest('PUT', long))).status).toBe(413)
    expect(
      await ask(newPath(), { method: 'PUT', headers: { 'content-type': 'application/json' }, body: deep }),
    ).toMatchObject({ status: 422, body: { problems: [{ path: 'labels', value: 'a list of 1' }] } })
  })

  it('refuses what would not fit into a znode', async () => {
    const labels = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`label${index}`, 'x'.repeat(500)]))

    const { status, body } = await ask(newPath(), jsonRequest('PUT', { ...least, labels }))

    expect(status).toBe(422)
    expect(body.problems[0].expected).toContain('4096 bytes')
  })

  it('shows what it accepted in the list for Prometheus within a moment', async () => {
    const path = newPath()
    await ask(path, jsonRequest('PUT', { ...least, address: '10.77.0.1:9250' }))

    await expect
      .poll(async () => (await ask('/sd/v1/targets')).text, { timeout: 5_000 })
      .toContain('"targets":["10.77.0.1:9250"]')
  })
})

describe('heartbeat, DELETE and GET', () => {
  it('keeps who is registered, and tells others to register again', async () => {
    const path = newPath()
    await ask(path, jsonRequest('PUT', least))

    expect((await ask(`${path}/heartbeat`, { method: 'POST' })).status).toBe(204)
    expect((await ask(`${path}/heartbeat?incarnation=7`, { method: 'POST' })).status).toBe(204)
    expect((await ask(`${path}/heartbeat?incarnation=6`, { method: 'POST' })).status).toBe(404)
    expect(await ask(`${newPath()}/heartbeat`, { method: 'POST' })).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining('register again') },
    })
  })

  it('ends a registration once, whoever asks how often', async () => {
    const path = newPath()
    await ask(path, jsonRequest('PUT', least))

    expect((await ask(`${path}?incarnation=6`, { method: 'DELETE' })).status).toBe(409)
    expect((await ask(path)).status).toBe(200)
    expect((await ask(`${path}?incarnation=7`, { method: 'DELETE' })).status).toBe(204)
    expect((await ask(`${path}?incarnation=7`, { method: 'DELETE' })).status).toBe(204)
    expect((await ask(path)).status).toBe(404)
  })

  it('shows one registration', async () => {
    const path = newPath()
    await ask(path, jsonRequest('PUT', { ...least, kind: 'flink-tm' }))

    expect((await ask(path)).body).toMatchObject({
      state: 'listed',
      id: path.slice('/v1/registrations/'.length),
      registration: { kind: 'flink-tm' },
    })
  })
})

describe('trouble behind the door', () => {
  const params = { namespace: 'payments', app: 'orders', role: 'taskmanager', instance: 'tm-1' }
  const failing = {
    put: () => Promise.reject(new UnavailableError('Write the registry: no space left')),
    renew: () => Promise.reject(new UnavailableError('not running')),
    withdraw: () => Promise.reject(new UnavailableError('not running')),
    find: () => undefined,
  }

  function asked(body: unknown, more: Parameters<typeof fakeRequest>[1] = {}) {
    return fakeRequest('/v1/registrations/payments/orders/taskmanager/tm-1', {
      method: 'PUT',
      params,
      headers: { 'content-type': 'application/json' },
      body: async () => Buffer.from(JSON.stringify(body)),
      ...more,
    })
  }

  it('answers 503 with Retry-After when nothing is certain', async () => {
    for (const route of registrationRoutes(routeDeps(failing)).filter(({ method }) => method !== 'GET')) {
      const response = await route.handle(asked(least))

      expect(response.status).toBe(503)
      expect(response.headers['Retry-After']).toBe('2')
    }
  })

  const keeping = {
    ...failing,
    put: async () => [{ id: 'x', outcome: 'created' as const, registration: registration() }],
    find: () => target(),
  }

  async function putFrom(remoteAddress: string, options: Parameters<typeof routeDeps>[1], authorization?: string) {
    const deps = routeDeps(keeping, options)
    const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) }
    return (await registrationRoutes(deps)[0]!.handle(asked(least, { remoteAddress, headers }))).status
  }

  it('lets only loopback write without a token, and everybody who has it', async () => {
    const secured = { token: 's3cret' }

    expect(await putFrom('127.0.0.1', {})).toBe(200)
    expect(await putFrom('::1', {})).toBe(200)
    expect(await putFrom('10.0.0.9', {})).toBe(403)
    expect(await putFrom('10.0.0.9', {}, 'Bearer s3cret')).toBe(403)
    expect(await putFrom('10.0.0.9', secured)).toBe(401)
    expect(await putFrom('10.0.0.9', secured, 'Bearer s3cret')).toBe(200)
    expect(await putFrom('10.0.0.9', secured, 'bearer s3cret')).toBe(200)
    expect(await putFrom('10.0.0.9', secured, 'Bearer other')).toBe(401)
    expect(await putFrom('10.0.0.9', secured, 'Basic s3cret')).toBe(401)
    expect(await putFrom('127.0.0.1', secured)).toBe(200)
    expect(await putFrom('127.0.0.1', secured, 'Bearer other')).toBe(401)
  })

  it('asks for the token before it reads anything, and lets everybody look', async () => {
    const [put, , , get] = registrationRoutes(routeDeps(keeping))
    const unread = asked(least, {
      remoteAddress: '10.0.0.9',
      body: () => Promise.reject(new Error('the body was read')),
    })

    const refused = await put!.handle(unread)

    expect([refused.status, await textOf(refused)]).toEqual([403, expect.stringContaining('token')])
    expect((await get!.handle(asked(undefined, { method: 'GET', remoteAddress: '10.0.0.9' }))).status).toBe(200)
  })

  async function admitted(
    address: string,
    names: Readonly<Record<string, readonly string[]>>,
    remoteAddress = '127.0.0.1',
  ) {
    const deps = routeDeps(keeping, { names, token: 't' })
    const kept: string[] = []
    const store = {
      ...keeping,
      put: async (many: readonly { address: string; host?: string }[]) => {
        kept.push(...many.map((one) => `${one.address} ${one.host ?? ''}`))
        return keeping.put()
      },
    }
    const headers = { 'content-type': 'application/json', authorization: 'Bearer t' }
    const [route] = registrationRoutes({ ...deps, store })
    const response = await route!.handle(asked({ ...least, address }, { remoteAddress, headers }))
    return kept[0] ?? `${response.status} ${await textOf(response)}`
  }

  it('keeps the literal address behind a name, and only when all of them may be targets', async () => {
    const names = {
      'worker-7': ['fd00::7', '10.0.0.7'],
      'evil.example': ['10.0.0.8', '169.254.169.254'],
      localhost: ['127.0.0.1'],
    }

    expect(await admitted('Worker-7:9250', names)).toBe('10.0.0.7:9250 worker-7')
    expect(await admitted('evil.example:80', names)).toContain('422')
    expect(await admitted('nobody.example:80', names)).toContain('does not exist')
    expect(await admitted('localhost:80', names)).toBe('127.0.0.1:80 localhost')
    expect(await admitted('localhost:80', names, '10.0.0.9')).toContain('loopback')
    expect(await admitted('127.0.0.1:80', {}, '10.0.0.9')).toContain('loopback')
    expect(await admitted('8.8.8.8:80', {})).toContain('none of the allowed networks')
  })

  it('counts what it refuses by field, with words of its own', async () => {
    const deps = routeDeps(keeping)
    const [put] = registrationRoutes(deps)

    for (const body of [
      { address: 'x', incarnation: '1', labels: { job: 'y' }, 'made up': 1 },
      7,
      { ...least, address: '8.8.8.8:1' },
    ])
      expect((await put!.handle(asked(body))).status).toBe(422)
    expect(deps.rejected).toEqual(['address', 'labels', 'unknown', 'document', 'address'])
  })

  it('says 404 as JSON', async () => {
    const [, , , get] = registrationRoutes(routeDeps(failing))
    const response = await get!.handle(asked(undefined, { method: 'GET' }))

    expect(response.status).toBe(404)
    expect(JSON.parse(await textOf(response)).error).toContain('not registered')
  })
})
