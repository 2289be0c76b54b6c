import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/runtime/logger.ts'
import { headersFromCommand } from '../../src/yarn/header-command.ts'
import { createYarnCluster, type YarnCluster, type YarnOptions } from '../../src/yarn/yarn-cluster.ts'
import { createAuthority } from '../fakes/certificates.ts'
import { listenOnLoopback } from '../fakes/listen.ts'
import { activeWith, appRecord, info, infoPath, type Reply, standbyOf, startFakeManager } from './fake-manager.ts'

const signal = new AbortController().signal
const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-yarn-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const log = join(folder, 'runs')
beforeEach(() => writeFileSync(log, ''))
/** The server for each time that the command was run. */
const runs = (): readonly string[] => readFileSync(log, 'utf8').trim().split('\n').filter(Boolean)

function clusterOf(options: Omit<YarnOptions, 'name'>): YarnCluster & Disposable {
  const cluster = createYarnCluster({ name: 'etl', timeoutMs: 5_000, ...options }, { logger: silentLogger })
  return { ...cluster, [Symbol.dispose]: () => cluster.close() }
}

function shell(script: string): NonNullable<YarnOptions['auth']> {
  return { kind: 'command', command: ['/bin/sh', '-c', `echo "$YARN_URL" >> ${log}; ${script}`] }
}

const refusal: Reply = { status: 401, type: 'text/html', headers: { 'www-authenticate': 'Negotiate' }, body: '' }
const names = async (cluster: YarnCluster) => (await cluster.applications({}, signal)).map(({ name }) => name)

it('simple: the user is a parameter of every request, to NodeManagers too', async () => {
  await using manager = await startFakeManager(activeWith(appRecord(1)))
  await using node = await startFakeManager(() => ({ body: '{"containers":{}}' }))
  using cluster = clusterOf({ resourceManagers: [manager.url], auth: { kind: 'simple', user: 'lag keeper' } })

  await names(cluster)
  const place = { id: 'n', host: 'n', httpAddress: new URL(node.url).host, state: 'RUNNING' }
  expect(await cluster.containers(place, signal)).toEqual([])
  for (const path of [...manager.asked, ...node.asked])
    expect(new URL(path, 'http://any').searchParams.get('user.name')).toBe('lag keeper')
})

describe('command', () => {
  it('its headers are sent until they are refused, and then it is run again, once', async () => {
    let good = 'one'
    await using manager = await startFakeManager((path, request) =>
      request.headers.authorization === `Basic ${good}` ? activeWith(appRecord(1))(path, request) : refusal,
    )
    writeFileSync(join(folder, 'secret'), 'Authorization: Basic one\nX-Other: 1\n')
    using cluster = clusterOf({ resourceManagers: [manager.url], auth: shell(`cat ${join(folder, 'secret')}`) })

    for (let look = 0; look < 3; look++) expect(await names(cluster)).toEqual(['etl-1'])
    expect(runs()).toEqual([manager.url])

    good = 'two'
    writeFileSync(join(folder, 'secret'), 'Authorization: Basic two\n')
    expect(await names(cluster)).toEqual(['etl-1'])
    expect(runs()).toHaveLength(2)

    good = 'nobody knows'
    const asked = manager.asked.length
    const failing = names(cluster)
    await expect(failing).rejects.toMatchObject({ denied: true })
    await expect(failing).rejects.toThrow(/HTTP 401/)
    expect(manager.asked.length - asked).toBe(2)
    expect(runs()).toHaveLength(3)
  })

  it('a Negotiate token is sent once, and the ticket that comes for it from then on', async () => {
    const seen: string[] = []
    await using manager = await startFakeManager(async (path, request) => {
      const { authorization = '-', cookie = '-' } = request.headers
      seen.push(`${authorization} ${cookie}`)
      const isFirst = authorization === 'Negotiate YII' && seen.length === 1
      if (!isFirst && cookie !== 'route=3; hadoop.auth="u=rig&t=kerberos&s=x/y="') return { ...refusal, status: 403 }
      const reply = await activeWith(appRecord(1))(path, request)
      const headers = { 'set-cookie': 'hadoop.auth="u=rig&t=kerberos&s=x/y="; Path=/; HttpOnly' }
      return reply === 'hang' ? reply : { ...reply, ...(isFirst && { headers }) }
    })
    const auth = shell(`echo 'Authorization: Negotiate YII'; echo 'Cookie: hadoop.auth=old; route=3'`)
    using cluster = clusterOf({ resourceManagers: [manager.url], auth })

    for (let look = 0; look < 3; look++) expect(await names(cluster)).toEqual(['etl-1'])
    expect(runs()).toHaveLength(1)
    expect(seen.slice(1).every((one) => one.startsWith('- route=3; hadoop.auth="'))).toBe(true)
  })

  it('of many that show one Negotiate token at a time, those whose it was not show the ticket', async () => {
    let spent = 0
    const cookie = 'hadoop.auth="t=kerberos"'
    await using manager = await startFakeManager(async (path, request) => {
      const isFirst = request.headers.authorization !== undefined && spent++ === 0
      if (!isFirst) await sleep(50)
      if (!isFirst && request.headers.cookie !== cookie) return { ...refusal, status: 403 }
      const reply = await activeWith(appRecord(1))(path, request)
      return reply === 'hang' ? reply : { ...reply, headers: { 'set-cookie': `${cookie}; Path=/` } }
    })
    const auth = shell('sleep 0.05; echo "Authorization: Negotiate YII"')
    using cluster = clusterOf({ resourceManagers: [manager.url], auth })

    const all = await Promise.all(Array.from({ length: 6 }, () => names(cluster)))
    expect(all).toEqual(Array.from({ length: 6 }, () => ['etl-1']))
    expect(runs()).toHaveLength(1)
  })

  it('is run for each server, and once for many requests at a time', async () => {
    await using manager = await startFakeManager(activeWith(appRecord(1)))
    await using standby = await startFakeManager(standbyOf(manager.url))
    using cluster = clusterOf({ resourceManagers: [standby.url, manager.url], auth: shell('sleep 0.1; echo "X-A: 1"') })

    await Promise.all(Array.from({ length: 5 }, () => names(cluster)))
    expect(runs().toSorted()).toEqual([manager.url, standby.url].toSorted())
  })

  it.each([
    ['fails', 'echo "Cookie: secret"; exit 3', /header command "\/bin\/sh": exit code 3, expected header lines/],
    ['writes nothing', 'true', /no output, expected header lines/],
    ['writes no header', 'echo "Cookie: secret"; echo "secret"', /line 2 is no header/],
    ['writes a header that is ours', 'echo "Host: secret"', /it sets "Host"/],
    ['writes what forges another request', 'printf "X-A: secret\\001b\\n"', /line 1 is no header/],
    ['writes without end', 'yes "X-A: secret"', /more than 65536 bytes/],
  ])('that %s is named, and none of its secrets', async (_, script, expected) => {
    await using manager = await startFakeManager(activeWith(appRecord(1)))
    using cluster = clusterOf({ resourceManagers: [manager.url], auth: shell(script) })
    const error = await names(cluster).then(
      () => 'no error',
      (thrown: Error) => `${thrown.message} ${JSON.stringify(thrown)}`,
    )
    expect(error).toMatch(expected)
    expect(error).not.toContain('secret')
    expect(manager.asked).toEqual([])
  })
})

it('a command that hangs is ended, with what it started', async () => {
  const mark = join(folder, 'still-there')
  const script = `(sleep 1; echo > ${mark}) & sleep 30`
  const startedAt = performance.now()
  const running = headersFromCommand(['/bin/sh', '-c', script], 'http://rm1:8088', signal, 200)
  await expect(running).rejects.toMatchObject({ timedOut: true })
  await expect(running).rejects.toThrow('header command "/bin/sh": no output within 200 ms')
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  await sleep(1_300)
  expect(existsSync(mark)).toBe(false)
})

it('nothing that is thrown holds the headers', async () => {
  await using manager = await startFakeManager(() => ({ status: 500, type: 'text/plain', body: 'x' }))
  const url = manager.url
  const auth = shell('echo "Authorization: Basic c2VjcmV0"')
  using cluster = clusterOf({ resourceManagers: [url, 'http://127.0.0.1:1'], auth })
  const thrown: unknown = await names(cluster).catch((error: unknown) => error)
  const seen: string[] = []
  for (let one: unknown = thrown; one instanceof Error; one = one.cause)
    seen.push(JSON.stringify({ ...one, message: one.message, stack: one.stack }))
  expect(seen.join()).toContain('HTTP 500')
  expect(seen.join()).not.toContain('c2VjcmV0')
})

it('TLS: the certificate must be one that we trust', async () => {
  const authority = createAuthority(folder)
  const { cert, key } = authority.issue('manager')
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    response.setHeader('content-type', 'application/json')
    const list = JSON.stringify({ apps: { app: [appRecord(1)] } })
    response.end(request.url?.startsWith(infoPath) ? info('ACTIVE').body : list)
  })
  const { url, close } = await listenOnLoopback(server)
  const resourceManagers = [url.replace('http:', 'https:')]
  try {
    using trusting = clusterOf({ resourceManagers, tls: { ca: readFileSync(authority.ca) } })
    expect(await names(trusting)).toEqual(['etl-1'])
    using wary = clusterOf({ resourceManagers })
    await expect(names(wary)).rejects.toThrow(/certificate/)
  } finally {
    await close()
  }
})
