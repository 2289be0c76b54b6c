import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createTokenSource, lifetimeOf } from '../../src/kafka/sasl-token.ts'
import { tokenFromCommand } from '../../src/kafka/sasl-token-command.ts'
import { tokenFromEndpoint } from '../../src/kafka/sasl-token-endpoint.ts'
import { tokenFromFile } from '../../src/kafka/sasl-token-file.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { fakeClock } from '../fakes/clock.ts'
import { listenOnLoopback } from '../fakes/listen.ts'

const { signal } = new AbortController()
const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-token-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function jwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part(claims)}.`
}

describe('a token source', () => {
  it('keeps a token for four fifths of its life', async () => {
    const clock = fakeClock()
    let count = 0
    const source = createTokenSource('t', () => Promise.resolve({ text: `t${++count}`, lifetimeMs: 100_000 }), clock)

    expect(await source.token(signal)).toBe('t1')
    await clock.advance(79_000)
    expect(await source.token(signal)).toBe('t1')
    await clock.advance(2_000)
    expect(await source.token(signal)).toBe('t2')
  })

  it('asks once for callers at the same time, and again after a refusal', async () => {
    let count = 0
    const source = createTokenSource(
      't',
      () => Promise.resolve({ text: `t${++count}`, lifetimeMs: 100_000 }),
      fakeClock(),
    )

    expect(await Promise.all([source.token(signal), source.token(signal)])).toEqual(['t1', 't1'])
    source.forget()
    expect(await source.token(signal)).toBe('t2')
  })

  it('uses a token that is still good while no other is to be had, and no longer', async () => {
    const clock = fakeClock()
    let isUp = true
    const fetch = () =>
      isUp ? Promise.resolve({ text: 'old', lifetimeMs: 100_000 }) : Promise.reject(new Error('down'))
    const source = createTokenSource('t', fetch, clock)
    await source.token(signal)
    isUp = false

    await clock.advance(90_000)
    expect(await source.token(signal)).toBe('old')
    await clock.advance(10_000)
    await expect(source.token(signal)).rejects.toThrow('down')
  })

  it('takes the life of a JWT from the token, and uses what says nothing once', async () => {
    const clock = fakeClock()
    const exp = clock.wall() / 1000 + 60
    expect(lifetimeOf(jwt({ exp }), clock)).toBe(60_000)
    expect([jwt({}), jwt({ exp: 'soon' }), 'opaque', 'a.%%%.b'].map((one) => lifetimeOf(one, clock))).toEqual([
      ...[undefined, undefined, undefined, undefined],
    ])
    let count = 0
    const source = createTokenSource('t', () => Promise.resolve({ text: `opaque${++count}` }), clock)

    expect([await source.token(signal), await source.token(signal)]).toEqual(['opaque1', 'opaque2'])
  })

  it.each(['', 'two words', 'a\x01auth=Bearer b', 'a\nb'])('refuses %j, and does not repeat it', async (text) => {
    const source = createTokenSource('token file "x"', () => Promise.resolve({ text }), fakeClock())

    await expect(source.token(signal)).rejects.toThrow(
      'Read token file "x": no bearer token, expected letters of RFC 6750',
    )
  })
})

describe('a token file', () => {
  it('is read anew every time, without its line end', async () => {
    const path = join(folder, 'token')
    const source = tokenFromFile(path, systemClock)
    writeFileSync(path, `${jwt({ exp: 9_999_999_999 })}\n`)
    expect(await source.token(signal)).toBe(jwt({ exp: 9_999_999_999 }))

    writeFileSync(path, 'second')

    expect(await source.token(signal)).toBe('second')
  })

  it('says what is wrong with it', async () => {
    const missing = tokenFromFile(join(folder, 'nowhere'), systemClock)
    const long = join(folder, 'long')
    writeFileSync(long, 'x'.repeat(70_000))

    await expect(missing.token(signal)).rejects.toThrow(/Read token file ".*nowhere": ENOENT.*expected a token/)
    await expect(tokenFromFile(long, systemClock).token(signal)).rejects.toThrow('longer than 65536 bytes')
  })
})

describe('a token command', () => {
  const script = (name: string, content: string): string => {
    const path = join(folder, name)
    writeFileSync(path, `#!/bin/sh\n${content}\n`)
    chmodSync(path, 0o755)
    return path
  }

  it('prints the token, and gets its arguments as they are', async () => {
    const path = script('print', 'printf "%s" "$1"')

    expect(await tokenFromCommand([path, 'a.b-c'], systemClock).token(signal)).toBe('a.b-c')
  })

  it('is run again only when its token is no longer fresh', async () => {
    const counter = join(folder, 'count')
    const token = jwt({ exp: Math.floor(Date.now() / 1000) + 600 })
    const path = script('count-runs', `echo run >> ${counter}; echo ${token}`)
    const source = tokenFromCommand([path], systemClock)
    await source.token(signal)
    await source.token(signal)

    const runs = tokenFromFile(counter, systemClock).token(signal)
    await expect(runs).resolves.toBe('run')
  })

  it.each([
    ['fails', 'echo secret-canary; echo secret-canary >&2; exit 3', 'exit code 3'],
    ['is killed', 'kill -9 $$', 'ended by SIGKILL'],
    ['is too slow, with what it has started', 'sleep 60 & sleep 60', 'no output within 300 ms'],
    ['never ends its output', 'while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done', 'more than 65536 bytes'],
  ])('that %s is no token, and its output is not repeated', async (name, content, message) => {
    const source = tokenFromCommand([script(name.replaceAll(/\W/g, '-'), content), 'secret-canary'], systemClock, 300)

    await expect(source.token(signal)).rejects.toThrow(message)
    await expect(source.token(signal)).rejects.not.toThrow('secret-canary')
  })

  it('that is not there is no token, and neither is one that was stopped', async () => {
    await expect(tokenFromCommand(['/nowhere/x'], systemClock).token(signal)).rejects.toThrow(
      /"\/nowhere\/x": .*ENOENT/,
    )

    const stop = new AbortController()
    const waiting = tokenFromCommand(['sleep', '60'], systemClock).token(stop.signal)
    stop.abort(new Error('stopped by us'))
    await expect(waiting).rejects.toThrow('stopped by us')
  })
})

describe('a token endpoint', () => {
  async function endpointThat(answer: (request: { auth: string; body: string }) => readonly [number, unknown]) {
    const asked: { auth: string; body: string }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        const one = { auth: request.headers.authorization ?? '', body }
        asked.push(one)
        const [status, content] = answer(one)
        response.writeHead(status, { 'Content-Type': 'application/json' })
        response.end(typeof content === 'string' ? content : JSON.stringify(content))
      })
    })
    const { url, close } = await listenOnLoopback(server)
    return { url: `${url}/token`, asked, [Symbol.asyncDispose]: close }
  }
  const client = { clientId: 'lag keeper', clientSecret: { reveal: () => 's3cret-canary' } }
  const good = { access_token: 'from-endpoint', token_type: 'Bearer', expires_in: 300 }

  it('gets the credentials in the header, and what else is asked for in the form', async () => {
    await using server = await endpointThat(() => [200, good])
    const endpoint = {
      ...client,
      url: server.url,
      clientAuth: 'basic',
      scope: 'kafka read',
      audience: 'brokers',
    } as const
    const source = tokenFromEndpoint(endpoint, systemClock)

    expect([await source.token(signal), await source.token(signal)]).toEqual(['from-endpoint', 'from-endpoint'])
    expect(server.asked).toHaveLength(1)
    const [{ auth, body } = { auth: '', body: '' }] = server.asked
    expect(Buffer.from(auth.replace('Basic ', ''), 'base64').toString()).toBe('lag+keeper:s3cret%2Dcanary')
    expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
      grant_type: 'client_credentials',
      scope: 'kafka read',
      audience: 'brokers',
    })
  })

  it('gets them in the form when told so', async () => {
    await using server = await endpointThat(() => [200, good])
    await tokenFromEndpoint({ ...client, url: server.url, clientAuth: 'post' }, systemClock).token(signal)

    expect(server.asked[0]?.auth).toBe('')
    expect(new URLSearchParams(server.asked[0]?.body).get('client_secret')).toBe('s3cret-canary')
  })

  it.each([
    ['a refusal', 401, { error: 'invalid_client', error_description: 's3cret-canary' }, /HTTP 401, invalid_client/],
    ['a refusal in words of its own', 400, { error: 'No, s3cret-canary!' }, /HTTP 400, an error of its own/],
    ['a page', 502, '<html>s3cret-canary</html>', /HTTP 502, expected a token/],
    ['no JSON', 200, 's3cret-canary', /Ask for a token of "http/],
    ['an answer without a token', 200, { token_type: 'Bearer', x: 's3cret-canary' }, /Ask for a token of "http/],
    ['too long an answer', 200, 'x'.repeat(300_000), /longer than 262144 bytes/],
  ])('that answers %s gives none, and its answer is not repeated', async (_, status, content, message) => {
    await using server = await endpointThat(() => [status, content])
    const source = tokenFromEndpoint({ ...client, url: server.url, clientAuth: 'basic' }, systemClock)

    await expect(source.token(signal)).rejects.toThrow(message)
    await expect(source.token(signal)).rejects.not.toThrow('s3cret-canary')
  })

  it('that does not answer is waited for until the deadline', async () => {
    const server = createServer(() => undefined)
    const { url, close } = await listenOnLoopback(server)
    const source = tokenFromEndpoint({ ...client, url, clientAuth: 'basic' }, systemClock, 200)

    await expect(source.token(signal)).rejects.toMatchObject({ timedOut: true })
    await close()
  })

  it('that nobody listens at is a reason to try later', async () => {
    const source = tokenFromEndpoint({ ...client, url: 'http://127.0.0.1:9/t', clientAuth: 'basic' }, systemClock)

    await expect(source.token(signal)).rejects.toMatchObject({
      denied: false,
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })
})
