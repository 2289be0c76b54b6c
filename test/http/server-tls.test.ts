import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../src/http/door.ts'
import type { Protection, ServerTls } from '../../src/http/protection.ts'
import { type Route, text } from '../../src/http/route.ts'
import { createAuthority, type KeyPair } from '../fakes/certificates.ts'
import { rawConnection, readToClose } from '../fakes/http-server.ts'
import { askSecurely, startBehind, tlsOf } from './secure-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-tls-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const read = (path: string): string => readFileSync(path, 'utf8')
const authority = createAuthority(folder, 'ours')
const strangers = createAuthority(folder, 'strangers')
const ca = read(authority.ca)
const pem = ({ cert, key }: KeyPair) => ({ cert: read(cert), key: read(key) })
const server = pem(authority.issue('server'))
const next = pem(authority.issue('next'))
const clients = {
  none: {},
  ours: pem(authority.issue('client', 'URI:"spiffe://a/b",DNS:client.example')),
  nameless: pem(authority.issue('nameless', '')),
  strange: pem(strangers.issue('stranger')),
}

const who: Route = {
  method: 'GET',
  path: '/who',
  handle: ({ certificate, remoteAddress }) => text(200, `${certificate ?? 'nobody'} at ${remoteAddress}`),
}

/** A door that only has TLS, which may be exchanged. */
function door(first: ServerTls | undefined): Door & { exchange(tls: ServerTls | undefined): void } {
  const protectionOf = (tls: ServerTls | undefined): Protection => ({
    headers: { 'X-Frame-Options': 'deny' },
    users: new Map(),
    ...(tls === undefined ? {} : { tls }),
  })
  let present = protectionOf(first)
  return {
    ...openDoor,
    protection: () => present,
    exchange: (tls) => {
      present = protectionOf(tls)
    },
  }
}

describe('TLS', () => {
  it('is spoken with who trusts our authority; plain text is cut off and harms nobody', async () => {
    await using running = await startBehind(door(tlsOf(server.cert, server.key)), [who])

    const plain = await readToClose(await rawConnection(running.port, 'GET /who HTTP/1.1\r\nHost: x\r\n\r\n'))
    await readToClose(
      await rawConnection(running.port, Buffer.from('1603010200010001fc0303', 'hex').toString('latin1').repeat(50)),
    )

    expect(plain).not.toContain('nobody')
    expect(await askSecurely(running.port, '/who')).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect(await askSecurely(running.port, '/who', { ca })).toMatchObject({ status: 200, text: 'nobody at 127.0.0.1' })
  })

  it.each([
    ['TLSv1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, 'refused'],
    ['TLSv1.2', { maxVersion: 'TLSv1.2' }, 200],
    ['TLSv1.3', { minVersion: 'TLSv1.3' }, 200],
  ] as const)('speaks %s or not', async (_, options, expected) => {
    await using running = await startBehind(door(tlsOf(server.cert, server.key)), [who])

    const answer = await askSecurely(running.port, '/who', { ca, ...options })

    expect(typeof answer === 'string' ? 'refused' : answer.status).toBe(expected)
  })

  it('sends the configured headers with every answer, those that say no too', async () => {
    await using running = await startBehind(door(undefined), [who])

    for (const path of ['/who', '/nowhere']) {
      const { headers } = await fetch(`http://127.0.0.1:${running.port}${path}`)
      expect(headers.get('x-frame-options')).toBe('deny')
    }
  })

  const asUri = 'spiffe://a/b at 127.0.0.1'
  it.each([
    //                             none                     ours   nameless     strange
    [
      'NoClientCert',
      /*         */ 'nobody at 127.0.0.1',
      'nobody at 127.0.0.1',
      'nobody at 127.0.0.1',
      'nobody at 127.0.0.1',
    ],
    ['RequestClientCert', /*    */ 'nobody at 127.0.0.1', asUri, 'nameless at 127.0.0.1', 'nobody at 127.0.0.1'],
    ['RequireAnyClientCert', /* */ 'refused', asUri, 'nameless at 127.0.0.1', 'nobody at 127.0.0.1'],
    ['VerifyClientCertIfGiven', 'nobody at 127.0.0.1', asUri, 'nameless at 127.0.0.1', 'refused'],
    ['RequireAndVerifyClientCert', 'refused', asUri, 'nameless at 127.0.0.1', 'refused'],
  ] as const)('asks clients for certificates as %s says', async (clientAuth, ...expected) => {
    const tls = tlsOf(server.cert, server.key, { clientAuth, clientCa: ca })
    await using running = await startBehind(door(tls), [who])

    const answers = await Promise.all(
      Object.values(clients).map((client) => askSecurely(running.port, '/who', { ca, ...client })),
    )

    expect(answers.map((answer) => (typeof answer === 'string' ? 'refused' : answer.text))).toEqual(expected)
  })

  it.each([
    [['client.example'], 200, 'refused'],
    [['other', 'spiffe://a/b'], 200, 'refused'],
    [['nameless'], 'refused', 'refused'],
  ] as const)('lets in only certificates with one of the names %j', async (allowedSans, ours, nameless) => {
    const tls = tlsOf(server.cert, server.key, { clientAuth: 'RequireAndVerifyClientCert', clientCa: ca, allowedSans })
    await using running = await startBehind(door(tls), [who])

    for (const [client, expected] of [
      [clients.ours, ours],
      [clients.nameless, nameless],
    ] as const) {
      const answer = await askSecurely(running.port, '/who', { ca, ...client })
      expect(typeof answer === 'string' ? 'refused' : answer.status).toBe(expected)
    }
  })

  it('exchanges the certificate without touching a connection that is open', async () => {
    const exchanged = door(tlsOf(server.cert, server.key))
    await using running = await startBehind(exchanged, [who])
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const before = await askSecurely(running.port, '/who', { ca, agent })

    exchanged.exchange(tlsOf(next.cert, next.key))

    expect(before).toMatchObject({ server: 'server', isReused: false })
    expect(await askSecurely(running.port, '/who', { ca, agent })).toMatchObject({
      status: 200,
      server: 'server',
      isReused: true,
    })
    expect(await askSecurely(running.port, '/who', { ca, agent: new Agent() })).toMatchObject({ server: 'next' })
    agent.destroy()
  })

  it('asks a client again for its certificate when other authorities count, whatever session it resumes', async () => {
    const policy = { clientAuth: 'RequireAndVerifyClientCert' } as const
    const exchanged = door(tlsOf(server.cert, server.key, { ...policy, clientCa: ca }))
    await using running = await startBehind(exchanged, [who])
    const agent = new Agent({ maxCachedSessions: 10 })
    const ask = () => askSecurely(running.port, '/who', { ca, ...clients.ours, agent })
    expect(await ask()).toMatchObject({ status: 200 })
    expect(await ask()).toMatchObject({ status: 200 })

    exchanged.exchange(tlsOf(server.cert, server.key, { ...policy, clientCa: read(strangers.ca) }))

    expect(typeof (await ask())).toBe('string')
  })

  it('may begin and end while connections of the other kind go on', async () => {
    const exchanged = door(undefined)
    await using running = await startBehind(exchanged, [who])
    const plain = await rawConnection(running.port, 'GET /who HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(plain, 'data')

    exchanged.exchange(tlsOf(server.cert, server.key))
    plain.write('GET /who HTTP/1.1\r\nHost: x\r\n\r\n')

    expect(String((await once(plain, 'data'))[0])).toContain('HTTP/1.1 200')
    expect(await askSecurely(running.port, '/who', { ca })).toMatchObject({ status: 200 })
    plain.destroy()
  })

  it('serves others while hundreds hold a handshake half done, and cuts those off in time', async () => {
    const limits = { connections: 32, headerMs: 300 }
    await using running = await startBehind(door(tlsOf(server.cert, server.key)), [who], limits)
    const half = await Promise.all(
      Array.from({ length: 200 }, () => rawConnection(running.port, Buffer.from('16030100', 'hex').toString('latin1'))),
    )

    expect(await askSecurely(running.port, '/who', { ca })).toMatchObject({ status: 200 })
    await Promise.all(half.map((socket) => (socket.closed ? undefined : once(socket, 'close'))))
  })

  it('takes any name that a client asks for', async () => {
    await using running = await startBehind(door(tlsOf(server.cert, server.key)), [who])

    for (const servername of ['x'.repeat(250), 'a..b', '%00', '*']) {
      const socket = connect({
        port: running.port,
        host: '127.0.0.1',
        ca,
        servername,
        checkServerIdentity: () => undefined,
      })
      await once(socket, 'secureConnect')
      socket.destroy()
    }
    expect(await askSecurely(running.port, '/who', { ca })).toMatchObject({ status: 200 })
  })

  it('cuts a slow head below TLS as it does without', async () => {
    await using running = await startBehind(door(tlsOf(server.cert, server.key)), [who], { headerMs: 300 })
    const socket = connect({ port: running.port, host: '127.0.0.1', ca, servername: 'localhost' })
    await once(socket, 'secureConnect')
    socket.write('GET /wh')

    let answer = ''
    socket.on('data', (chunk) => {
      answer += String(chunk)
    })
    await once(socket, 'close')
    expect(answer).toContain('408')
  })
})
