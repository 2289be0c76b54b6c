import { describe, expect, it } from 'vitest'
import { healthRoutes } from '../../src/http/health.ts'
import { json, type Route } from '../../src/http/route.ts'
import { rawConnection, readToClose, startServer } from '../fakes/http-server.ts'

const health = healthRoutes(() => ({ ready: true, waitingFor: [] }))
const echo: Route = {
  method: 'PUT',
  path: '/echo',
  handle: async ({ body }) => json(200, (await body(1000)).toString()),
}

/** Status lines of all that the server says to these bytes until it closes the connection. */
async function statuses(port: number, bytes: string): Promise<readonly string[]> {
  const answer = await readToClose(await rawConnection(port, bytes))
  return [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status = '']) => status)
}

const smuggled = 'GET /-/healthy HTTP/1.1\r\nHost: smuggled\r\nConnection: close\r\n\r\n'
const chunk = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`

describe('requests that two servers may read in two ways', () => {
  it.each([
    [
      'length and chunks',
      `PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['two lengths', `PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd${smuggled}`],
    ['a list of lengths', `PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4, 4\r\n\r\nabcd${smuggled}`],
    ['a signed length', `PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nabcd${smuggled}`],
    ['a length in hex', `PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0x4\r\n\r\nabcd${smuggled}`],
    ['a blank before the colon', `PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n${chunk}`],
    [
      'an unknown coding behind chunked',
      `PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, x\r\n\r\n${chunk}`,
    ],
    [
      'a folded header',
      `PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n${chunk}`,
    ],
    ['bare line feeds', `PUT /echo HTTP/1.1\nHost: x\nContent-Length: 0\n\n${smuggled}`],
    [
      'a bare line feed in a chunk',
      `PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n${smuggled}`,
    ],
    [
      'a chunk length that overflows',
      `PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n${smuggled}`,
    ],
    ['a NUL in a header', `GET /-/healthy HTTP/1.1\r\nHost: x\r\nX-A: a\u0000b\r\n\r\n${smuggled}`],
    ['no host', `GET /-/healthy HTTP/1.1\r\n\r\n${smuggled}`],
    ['a version that there is not', `GET /-/healthy HTTP/9.9\r\nHost: x\r\n\r\n${smuggled}`],
  ])('are refused, and what stands behind them is not served: %s', async (_, bytes) => {
    await using server = await startServer([...health, echo])

    expect(await statuses(server.port, bytes)).toEqual(['400'])
  })
})

describe('heads', () => {
  it.each([
    ['a long path', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['a long header', `GET /-/healthy HTTP/1.1\r\nHost: x\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['many headers', `GET /-/healthy HTTP/1.1\r\nHost: x\r\n${'X-A: x\r\n'.repeat(8_000)}\r\n`],
  ])('are refused with 431 when they are too long: %s', async (_, bytes) => {
    await using server = await startServer(health)

    expect(await statuses(server.port, bytes)).toEqual(['431'])
  })

  it('may expect a go-ahead, but for nothing else', async () => {
    await using server = await startServer([...health, echo])
    const ask = (expect: string, length: number, body: string): string =>
      `PUT /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: ${expect}\r\nContent-Length: ${length}\r\n\r\n${body}`

    expect(await statuses(server.port, ask('100-continue', 3, 'abc'))).toEqual(['100', '200'])
    expect(await statuses(server.port, ask('100-continue', 5_000, ''))).toEqual(['100', '413'])
    expect(await statuses(server.port, ask('a miracle', 3, 'abc'))).toEqual(['417'])
  })

  it.each([
    ['TRACE', ['405']],
    ['OPTIONS', ['405']],
    ['CONNECT', []],
    ['BREW', ['400']],
  ])('with the method %s get %j', async (method, expected) => {
    await using server = await startServer(health)

    expect(
      await statuses(server.port, `${method} /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
    ).toEqual(expected)
  })

  it('may ask for ranges and upgrades, and get the whole thing as it is', async () => {
    await using server = await startServer(health)
    const response = await fetch(`${server.url}/-/healthy`, { headers: { range: 'bytes=0-0', 'if-match': '"x"' } })

    expect([response.status, await response.text()]).toEqual([200, 'ok\n'])
    expect(
      await statuses(
        server.port,
        'GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n',
      ),
    ).toEqual(['200'])
  })

  it.each([
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//-/healthy',
    '/-%2fhealthy',
    '/-/healthy%00',
    '/-/healthy;x=1',
    '/\\..\\-\\healthy',
    '/-/Healthy',
  ])('find nothing at %s', async (path) => {
    await using server = await startServer(health)

    expect(await statuses(server.port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toEqual(['404'])
  })
})
