import { describe, expect, it } from 'vitest'
import { healthRoutes } from '../../src/http/health.ts'
import { json, Refusal, type Route, text } from '../../src/http/route.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { ConflictError, DecodeError, InvariantError, UnavailableError } from '../../src/runtime/errors.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { rawConnection, readToClose, startServer } from '../fakes/http-server.ts'

const health = healthRoutes(() => ({ ready: true, waitingFor: [] }))

function get(path: string, handle: Route['handle']): Route {
  return { method: 'GET', path, handle }
}

function throwing(error: Error): Route['handle'] {
  return () => {
    throw error
  }
}

describe('createHttpServer()', () => {
  it('hands path, parameters, query, headers and body to the route', async () => {
    const put: Route = {
      method: 'PUT',
      path: '/v1/things/:name',
      handle: async ({ method, path, params, query, headers, remoteAddress, body }) =>
        json(200, [method, path, params, query.get('q'), headers['x-a'], remoteAddress, (await body(10)).toString()]),
    }
    await using server = await startServer([put])

    const response = await fetch(`${server.url}/v1/things/a%2Fb?q=1%202&q=3`, {
      method: 'PUT',
      headers: { 'X-A': 'yes' },
      body: 'hello',
    })

    expect(await response.json()).toEqual([
      'PUT',
      '/v1/things/a%2Fb',
      { name: 'a/b' },
      '1 2',
      'yes',
      '127.0.0.1',
      'hello',
    ])
    expect(response.headers.get('x-powered-by')).toBeNull()
    expect(response.headers.get('etag')).toBeNull()
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it('answers HEAD as GET without a body, and never asks a streamed body for anything', async () => {
    const streamed = get('/stream', () => ({
      status: 200,
      headers: { 'X-Kind': 'stream' },
      body: (async function* () {
        yield* []
        throw new Error('read')
      })(),
    }))
    await using server = await startServer([...health, streamed])

    const plain = await fetch(`${server.url}/healthz`, { method: 'HEAD' })
    const stream = await fetch(`${server.url}/stream`, { method: 'HEAD' })

    expect([plain.status, plain.headers.get('content-length'), await plain.text()]).toEqual([200, '3', ''])
    expect([stream.status, stream.headers.get('x-kind'), await stream.text()]).toEqual([200, 'stream', ''])
  })

  it.each([
    [
      'GET',
      '/nowhere',
      404,
      { error: 'No such path "/nowhere"', hint: 'There are: /-/healthy /healthz /-/ready /readyz' },
    ],
    ['POST', '/healthz', 405, { error: 'Method: expected GET, HEAD' }],
    ['OPTIONS', '/healthz', 405, { error: 'Method: expected GET, HEAD' }],
    ['GET', '/HEALTHZ', 404, expect.anything()],
    ['GET', '/%2e%2e/%2e%2e/etc/passwd', 404, expect.anything()],
    ['GET', '/%E0%A4%A', 404, expect.anything()],
  ])('says no to %s %s with %d', async (method, path, status, body) => {
    await using server = await startServer(health)

    const response = await fetch(`${server.url}${path}`, { method })

    expect([response.status, await response.json()]).toEqual([status, body])
    expect(response.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD' : null)
  })

  it('says 400 to a parameter that cannot be decoded', async () => {
    await using server = await startServer([get('/things/:name', () => text(200, 'x'))])

    const response = await fetch(`${server.url}/things/%E0%A4%A`)

    expect([response.status, await response.json()]).toEqual([400, { error: 'Path: not a valid URL encoding' }])
  })

  it.each([
    [new Refusal(422, 'Address: wrong', { field: 'address' }), 422, { error: 'Address: wrong', field: 'address' }],
    [new ConflictError('a newer one is here'), 409, { error: 'a newer one is here' }],
    [new UnavailableError('no ZooKeeper'), 503, { error: 'no ZooKeeper' }],
    [new DecodeError('not JSON'), 400, { error: 'not JSON' }],
    [new Error('secret'), 500, { error: 'Internal error' }],
  ])('answers a route that throws %s with %d', async (error, status, body) => {
    await using server = await startServer([get('/x', throwing(error))])

    const response = await fetch(`${server.url}/x`)

    expect([response.status, await response.json()]).toEqual([status, body])
  })

  it('ends with an InvariantError that a route throws', async () => {
    await using server = await startServer([get('/x', throwing(new InvariantError('our bug')))])

    const response = await fetch(`${server.url}/x`)

    expect(response.status).toBe(500)
    await expect(server.done).rejects.toThrow('our bug')
  })

  it('refuses a body that is too long, told or not, without reading it', async () => {
    const put: Route = {
      method: 'PUT',
      path: '/x',
      handle: async ({ body }) => text(200, String((await body(10)).length)),
    }
    await using server = await startServer([put])
    const head = 'PUT /x HTTP/1.1\r\nHost: x\r\n'

    const told = readToClose(await rawConnection(server.port, `${head}Content-Length: 1000000000\r\n\r\nabc`))
    const chunk = `20000\r\n${'x'.repeat(0x20000)}\r\n`
    const untold = readToClose(await rawConnection(server.port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`))

    expect(await told).toContain('HTTP/1.1 413 ')
    expect(await untold).toContain('HTTP/1.1 413 ')
  })

  it('cuts the connection instead of ending a page whose body fails half-way', async () => {
    const half = get('/x', () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from('half')
        throw new Error('no more')
      })(),
    }))
    await using server = await startServer([half])

    await expect(fetch(`${server.url}/x`).then((response) => response.text())).rejects.toThrow()
  })

  it('says what is wrong when the port is taken', async () => {
    await using server = await startServer(health)

    const second = createHttpServer({ host: '127.0.0.1', port: server.port }, () => health, { logger: silentLogger })

    await expect(second.run(new AbortController().signal)).rejects.toMatchObject({
      name: 'ConfigError',
      message: `Listen on "127.0.0.1:${server.port}": the port is in use by another process, expected a free one (is Lagkeeper already running?)`,
    })
  })

  it('refuses a head that is too long', async () => {
    await using server = await startServer(health)

    const answer = readToClose(
      await rawConnection(server.port, `GET /${'x'.repeat(64 * 1024)} HTTP/1.1\r\nHost: x\r\n\r\n`),
    )

    expect(await answer).toContain('HTTP/1.1 431 ')
  })

  it('tells a route that its reader is gone', async () => {
    let gone = (): void => undefined
    const noticed = new Promise<void>((resolve) => {
      gone = resolve
    })
    let asked = (): void => undefined
    const started = new Promise<void>((resolve) => {
      asked = resolve
    })
    const slow = get('/slow', async ({ signal }) => {
      signal.addEventListener('abort', gone)
      asked()
      await noticed
      return text(200, 'late')
    })
    await using server = await startServer([slow])

    const socket = await rawConnection(server.port, 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
    await started
    socket.destroy()

    await noticed
  })
})
