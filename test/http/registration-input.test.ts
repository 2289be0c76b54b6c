import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawConnection, readToClose } from '../fakes/http-server.ts'
import { jsonRequest, openRegistrationWorld, type RegistrationWorld } from './registration-world.ts'

const least = { address: '10.0.0.7:9250', incarnation: '7' }
let world: RegistrationWorld
let number = 0

beforeAll(async () => {
  world = await openRegistrationWorld({ limits: { bodyMs: 300 } })
})
afterAll(() => world[Symbol.asyncDispose]())

const newPath = (namespace = 'input'): string => `/v1/registrations/${namespace}/app/role/r-${++number}`

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${world.url}${path}`, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

/** A PUT of a text as it is. */
const put = (text: string | Buffer<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  method: 'PUT',
  headers: { 'content-type': 'application/json', ...headers },
  body: text,
})

const withMembers = (members: string): string => `{"address":"10.0.0.7:9250","incarnation":"7",${members}}`

function pathsOf({ body }: { body: { problems: readonly { path: string }[] } }): readonly string[] {
  return body.problems.map(({ path }) => path)
}

describe('a body that was made to do harm', () => {
  it.each([
    ['lists', '['.repeat(65_000)],
    ['objects', '{"a":'.repeat(13_000)],
    ['closed lists', `${'['.repeat(32_000)}${']'.repeat(32_000)}`],
    ['lists in a field', withMembers(`"labels":${'['.repeat(30_000)}${']'.repeat(30_000)}`)],
    ['objects in a field', withMembers(`"params":${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`)],
  ])('may nest as deep as it fits: %s', async (_, text) => {
    const { status } = await ask(newPath(), put(text))

    expect([400, 422]).toContain(status)
    expect((await ask('/v1/registrations', put(`[${text}]`))).status).toBe(400)
  })

  it('may have as many fields as fit, and few of them are named', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `"f${index}":1`).join(',')

    const answer = await ask(newPath(), put(withMembers(many)))

    expect(answer.status).toBe(422)
    expect(pathsOf(answer)).toHaveLength(21)
    expect(answer.body.problems.at(-1)).toMatchObject({ path: '', value: '5000 unknown fields' })
  })

  it('may have keys that fall into one place of a table', async () => {
    // Array indexes that collide in V8 before 20.20.2: multiples of a large power of two.
    const keys = Array.from({ length: 3_000 }, (_, index) => `"${(index * 2 ** 20) % 2 ** 32}":1`).join(',')
    const start = performance.now()

    expect((await ask(newPath(), put(withMembers(`"labels":{${keys}}`)))).status).toBe(422)
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  it.each([
    ['__proto__', '"__proto__":{"address":"10.0.0.9:1"}', '__proto__'],
    ['constructor', '"constructor":{"prototype":{"polluted":1}}', 'constructor'],
    ['__proto__ as a label', '"labels":{"__proto__":"x"}', 'labels.__proto__'],
    ['__proto__ as a parameter', '"params":{"__proto__":"x"}', 'params.__proto__'],
    ['toString as a label', '"labels":{"toString":"x"}', undefined],
  ])('may name what objects have: %s', async (_, members, path) => {
    const answer = await ask(newPath(), put(withMembers(members)))

    expect(answer.status).toBe(path === undefined ? 200 : 422)
    if (path !== undefined) expect(pathsOf(answer)).toEqual([path])
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('may say a thing twice: the last one counts, in a batch too', async () => {
    const twice = '{"address":"10.0.0.7:9250","address":"10.0.0.8:9250","incarnation":"7"}'
    const identity = '"namespace":"twice","app":"a","role":"r","instance":"i",'

    expect((await ask(newPath('twice'), put(twice))).body.registration.address).toBe('10.0.0.8:9250')
    expect((await ask('/v1/registrations', put(`[${twice.replace('{', `{${identity}`)}]`))).status).toBe(200)
    expect((await ask('/v1/registrations/twice/a/r/i')).body.registration.address).toBe('10.0.0.8:9250')
  })

  it.each([
    ['gzip', 'gzip'],
    ['gzip twice', 'gzip, gzip'],
    ['a thousand layers', Array.from({ length: 1_000 }, () => 'gzip').join(',')],
    ['brotli', 'br'],
    ['something unknown', 'x'],
  ])('is not unpacked: %s is refused before it is read', async (_, encoding) => {
    const bomb = gzipSync(Buffer.alloc(1 << 20))

    const answer = await ask(newPath(), put(bomb, { 'content-encoding': encoding }))

    expect(answer.status).toBe(415)
    expect(answer.headers.get('accept-encoding')).toBe('identity')
  })

  it.each([
    ['64 KiB and a byte, for one', newPath(), 64 * 1024 + 1, 413],
    ['64 KiB, for one', newPath(), 64 * 1024, 400],
    ['8 MiB and a byte, for a batch', '/v1/registrations', 8 * 1024 * 1024 + 1, 413],
  ])('has a length: %s', async (_, path, length, status) => {
    expect((await ask(path, put('x'.repeat(length)))).status).toBe(status)
  })

  it('has elements no longer than one registration', async () => {
    const { status, body } = await ask('/v1/registrations', put(`["${'x'.repeat(70_000)}"]`))

    expect([status, body.error]).toEqual([413, expect.stringContaining('element 0')])
  })
})

describe('fields that Prometheus or a terminal would trip over', () => {
  it.each([
    ['a label of Prometheus itself', { labels: { __address__: 'x' } }, ['labels.__address__']],
    [
      'job, instance and owner',
      { labels: { job: 'a', instance: 'b', owner: 'c' } },
      ['labels.job', 'labels.instance', 'labels.owner'],
    ],
    ['a label name with a newline', { labels: { 'a\nb': 'x' } }, ['labels.a\nb']],
    ['a label name of another script', { labels: { größe: 'x' } }, ['labels.größe']],
    ['a newline in a value', { labels: { a: 'x\ny' } }, ['labels.a']],
    ['NUL', { labels: { a: '\u0000' } }, ['labels.a']],
    ['DEL', { labels: { a: '\u007f' } }, ['labels.a']],
    ['a mark of text direction', { labels: { a: 'x\u202ey' } }, ['labels.a']],
    ['a line separator', { labels: { a: 'x\u2028y' } }, ['labels.a']],
    ['an empty value', { labels: { a: '' } }, ['labels.a']],
    ['a number for a text', { labels: { a: 1 } }, ['labels.a']],
    ['a lease that is none', { lease_seconds: 0 }, ['lease_seconds']],
    ['a path with a query', { metrics_path: '/metrics?a=b' }, ['metrics_path']],
    ['an unknown scheme', { scheme: 'file' }, ['scheme']],
    ['an incarnation with a slash', { incarnation: 'a/b' }, ['incarnation']],
  ])('are refused by name: %s', async (_, more, paths) => {
    const answer = await ask(newPath(), jsonRequest('PUT', { ...least, ...more }))

    expect(answer.status).toBe(422)
    expect(pathsOf(answer)).toEqual(paths)
    for (const { value, expected } of answer.body.problems)
      expect([typeof value, typeof expected]).toEqual(['string', 'string'])
  })

  it('are refused when they are half a character', async () => {
    const answer = await ask(newPath(), put(withMembers('"labels":{"a":"\\ud800"}')))

    expect([answer.status, pathsOf(answer)]).toEqual([422, ['labels.a']])
  })

  it.each([
    ['invalid UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ['half a character at the end', Buffer.from([0x22, 0xe2, 0x82])],
    ['a zero byte', Buffer.from([0x7b, 0, 0x7d])],
    ['a byte order mark and nothing', Buffer.from([0xef, 0xbb, 0xbf])],
  ])('are refused with 400 when they are no text: %s', async (_, bytes) => {
    expect((await ask(newPath(), put(bytes))).status).toBe(400)
  })
})

describe('who comes twice', () => {
  it('gets the same answer, however many come at once', async () => {
    const path = newPath('again')

    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(path, jsonRequest('PUT', { ...least, address: '10.9.0.1:9250' }))),
    )

    expect(answers.map(({ body }) => body.outcome).toSorted()).toEqual([
      'created',
      ...Array.from({ length: 19 }, () => 'renewed'),
    ])
    expect(new Set(answers.map(({ body }) => JSON.stringify(body.registration))).size).toBe(1)
  })

  it('does not get the address of somebody who lives in another namespace', async () => {
    const body = { ...least, address: '10.9.0.2:9250' }
    const first = await ask(newPath('first'), jsonRequest('PUT', body))
    const second = await ask(newPath('second'), jsonRequest('PUT', body))

    expect([first.status, second.status]).toEqual([200, 409])
    expect(second.body.error).toContain('10.9.0.2:9250')
  })
})

describe('a body that does not come', () => {
  it.each([
    ['never', ''],
    ['byte by byte', '{"a'],
  ])('is waited for so long, then answered 408: %s', async (_, begin) => {
    const head = `PUT ${newPath()} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n`
    const socket = await rawConnection(world.server.port, `${head}${begin}`)
    const timer = setInterval(() => begin !== '' && socket.write(' '), 50)

    const answer = await readToClose(socket)
    clearInterval(timer)

    expect(answer).toContain('HTTP/1.1 408 ')
    expect(answer).toContain('Body: not complete after')
  })

  it('is not kept half when its sender goes', async () => {
    const path = newPath()
    const text = JSON.stringify(least)
    const socket = await rawConnection(
      world.server.port,
      `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${text.length + 1}\r\n\r\n${text}`,
    )
    socket.end()
    await readToClose(socket)

    expect((await ask(path)).status).toBe(404)
  })
})

describe('methods', () => {
  it.each([
    ['POST', newPath(), 'PUT, DELETE, GET, HEAD'],
    ['PATCH', newPath(), 'PUT, DELETE, GET, HEAD'],
    ['GET', `${newPath()}/heartbeat`, 'POST'],
    ['GET', '/v1/registrations', 'PUT'],
    ['HEAD', '/v1/heartbeats', 'POST'],
    ['DELETE', '/sd/v1/targets', 'GET, HEAD'],
    ['PROPFIND', '/sd/v1/targets', 'GET, HEAD'],
  ])('%s %s is answered 405 with those that there are', async (method, path, allow) => {
    const answer = await ask(path, { method })

    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
  })

  it('HEAD says what GET would', async () => {
    const path = newPath()
    await ask(path, jsonRequest('PUT', { ...least, address: '10.9.0.3:9250' }))
    const get = await fetch(`${world.url}${path}`)
    const head = await fetch(`${world.url}${path}`, { method: 'HEAD' })

    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      String((await get.arrayBuffer()).byteLength),
      '',
    ])
  })
})
