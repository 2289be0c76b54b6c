import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { creatorAcl } from '../../src/zookeeper/client.ts'
import { runTree } from '../contract/zookeeper-trees.ts'
import { runClient, until } from '../contract/zookeeper-world.ts'
import { startTcpProxy } from '../fakes/tcp-proxy.ts'
import { createTls, type TlsFiles } from '../rigs/tls.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'

const nothing = Buffer.alloc(0)
const sessionTimeoutMs = 6_000

/** A logger that keeps its lines. */
function recorder() {
  const lines: string[] = []
  const write = (fields: unknown, message: string): number => lines.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { ...silentLogger, debug: write, info: write, warn: write, error: write, child: () => logger }
  return { lines, logger }
}

describe('TLS to ZooKeeper 3.9.5', () => {
  let folder = ''
  let files: TlsFiles | undefined
  let rig: ZookeeperRig | undefined
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lagkeeper-zookeeper-tls-'))
    files = await createTls(folder)
    rig = await startZookeeper({ version: '3.9.5', tls: files })
  })
  afterAll(async () => {
    await rig?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function world() {
    if (files === undefined || rig === undefined) throw new Error('The server has not been started')
    const [ca, cert, key] = await Promise.all(
      [files.ca, files.clientCert, files.clientKey].map((file) => readFile(file)),
    )
    if (ca === undefined || cert === undefined || key === undefined) throw new Error('There are no certificates')
    return { ca, cert, key, port: rig.servers[0]?.tlsPort ?? 0, plainPort: rig.servers[0]?.port ?? 0 }
  }

  it.each(['localhost', '127.0.0.1'])('reads and writes at "%s" when the certificate names it', async (host) => {
    const { ca, port } = await world()
    await using client = runClient({ connect: `${host}:${port}`, sessionTimeoutMs, tls: { ca } })
    const { zookeeper } = client
    const { path } = await zookeeper.create('/secret-', Buffer.from('s'), { mode: 'persistent_sequential' })

    expect((await zookeeper.getData(path)).data.toString()).toBe('s')
  })

  it('says who we are by our certificate, and access rights follow it, after a reconnect too', async () => {
    const { ca, cert, key, port, plainPort } = await world()
    await using proxy = await startTcpProxy(port)
    const tls = { ca, cert, key }
    await using known = runClient({ connect: `localhost:${proxy.port}`, sessionTimeoutMs, tls })
    await using nobody = runClient({ connect: `127.0.0.1:${plainPort}`, sessionTimeoutMs })

    await known.zookeeper.create('/ours', Buffer.from('x'), { acl: creatorAcl })
    proxy.cut()
    await until('the connection is lost', () => known.states().includes('connecting'))

    expect((await known.zookeeper.getData('/ours')).data.toString()).toBe('x')
    await expect(nobody.zookeeper.getData('/ours')).rejects.toMatchObject({ code: 'NO_AUTH' })
  })

  it.each([
    ['whose authority we do not know', 'localhost', {}],
    ['whose certificate has another name', 'localhost', { servername: 'other.example' }],
  ])('has nothing to do with a server %s', async (_, host, more) => {
    const { ca, port } = await world()
    const { lines, logger } = recorder()
    const tls = 'servername' in more ? { ca, ...more } : more
    await using wary = runClient({ connect: `${host}:${port}`, sessionTimeoutMs, tls }, { logger })

    await expect(wary.zookeeper.exists('/', { timeoutMs: 1_000 })).rejects.toMatchObject({ timedOut: true })
    expect(wary.states()).toEqual([])
    expect(lines.join('\n')).toMatch(/certificate|altnames/i)
  })
})

describe('ZooKeeper 3.9.5 that demands a client certificate', () => {
  it('takes us with one, and refuses us without', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-zookeeper-tls-'))
    const files = await createTls(folder)
    await using rig = await startZookeeper({ version: '3.9.5', tls: files, properties: { 'ssl.clientAuth': 'need' } })
    const connect = `localhost:${rig.servers[0]?.tlsPort ?? 0}`
    const [ca, cert, key] = await Promise.all(
      [files.ca, files.clientCert, files.clientKey].map((file) => readFile(file)),
    )
    if (ca === undefined || cert === undefined || key === undefined) throw new Error('There are no certificates')
    await using known = runClient({ connect, sessionTimeoutMs, tls: { ca, cert, key } })
    await using nobody = runClient({ connect, sessionTimeoutMs, tls: { ca } })

    expect(await known.zookeeper.exists('/')).toBeDefined()
    await expect(nobody.zookeeper.exists('/', { timeoutMs: 1_000 })).rejects.toMatchObject({ timedOut: true })
    expect(nobody.states()).toEqual([])
    await rm(folder, { recursive: true, force: true })
  })
})

describe.each(['3.9.5', '3.4.14'])('SASL DIGEST-MD5 with ZooKeeper %s', (version) => {
  let rig: ZookeeperRig | undefined
  beforeAll(async () => {
    rig = await startZookeeper({ version, sasl: true })
  })
  afterAll(() => rig?.stop())

  it('authenticates, and does so again on every connection before watches are set', async () => {
    await using proxy = await startTcpProxy(rig?.servers[0]?.port ?? 0)
    const sasl = { username: 'rig', password: 'rigpass' }
    await using client = runClient({ connect: `127.0.0.1:${proxy.port}`, sessionTimeoutMs, sasl })
    await using other = runClient({ connect: rig?.connect ?? '', sessionTimeoutMs, sasl })
    await using nobody = runClient({ connect: rig?.connect ?? '', sessionTimeoutMs })
    const { zookeeper } = client
    await zookeeper.create('/ours', nothing, { acl: [{ perms: 31, scheme: 'sasl', id: 'rig' }] })
    await zookeeper.create('/ours/a', Buffer.from('1'), { acl: creatorAcl })
    const session = zookeeper.session()?.id
    await using watched = runTree(zookeeper, { root: '/ours' })
    await until('the view', () => watched.tree.isCurrent())

    proxy.cut()
    await until('it is back', () => client.states().filter((state) => state === 'connected').length > 1)
    await other.zookeeper.setData('/ours/a', Buffer.from('2'))
    await until('the change', () => watched.tree.view()?.nodes.get('/ours/a')?.data.toString() === '2')

    expect(zookeeper.session()?.id).toBe(session)
    expect(watched.tree.view()?.unreadable.size).toBe(0)
    await expect(nobody.zookeeper.getData('/ours/a')).rejects.toMatchObject({ code: 'NO_AUTH' })
  })

  it('is over at once with a wrong password, which no line of the log tells', async () => {
    const { lines, logger } = recorder()
    const sasl = { username: 'rig', password: 'not-the-password' }
    await using client = runClient({ connect: rig?.connect ?? '', sessionTimeoutMs, sasl }, { logger })

    await expect(client.zookeeper.exists('/', { timeoutMs: 1_000 })).rejects.toMatchObject({ timedOut: true })

    expect(client.states()).toEqual([])
    const line = lines.find((one) => one.startsWith('ZooKeeper not reached'))
    expect(line).toContain('as \\"rig\\" by SASL')
    expect(lines.join('\n')).not.toContain('not-the-password')
  })
})

describe('ZooKeeper 3.9.5 that demands SASL', () => {
  it('takes us with it, from the first request on, and tells us without it what is missing', async () => {
    const properties = { sessionRequireClientSASLAuth: 'true' }
    await using rig = await startZookeeper({ version: '3.9.5', sasl: true, properties })
    await using proxy = await startTcpProxy(rig.servers[0]?.port ?? 0)
    const connect = `127.0.0.1:${proxy.port}`
    const sasl = { username: 'rig', password: 'rigpass' }
    const auth = [{ scheme: 'digest', credential: 'ann:secret' }]
    await using known = runClient({ connect, sessionTimeoutMs, sasl, auth })
    await using nobody = runClient({ connect, sessionTimeoutMs })
    const events: string[] = []
    await known.zookeeper.create('/a', nothing)
    await known.zookeeper.getData('/a', { watch: ({ type }) => events.push(type) })

    proxy.cut()
    await until('the connection is lost', () => known.states().includes('connecting'))
    await known.zookeeper.setData('/a', Buffer.from('x'))

    expect(events).toEqual(['changed'])
    await expect(nobody.zookeeper.exists('/a')).rejects.toMatchObject({
      code: 'SESSION_CLOSED_REQUIRE_SASL_AUTH',
      message: expect.stringContaining('authenticate first'),
    })
  })
})

describe('ZooKeeper 3.9.5', () => {
  it('answers a create over a quota with an error of its own', async () => {
    await using rig = await startZookeeper({ version: '3.9.5', properties: { enforceQuota: 'true' } })
    await using client = runClient({ connect: `${rig.connect}/small`, sessionTimeoutMs })
    await using admin = runClient({ connect: rig.connect, sessionTimeoutMs })
    await client.zookeeper.makeChroot()
    await admin.zookeeper.makeDirectories('/zookeeper/quota/small')
    const limits = Buffer.from('count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3')
    await admin.zookeeper.create('/zookeeper/quota/small/zookeeper_limits', limits)
    await admin.zookeeper.create('/zookeeper/quota/small/zookeeper_stats', Buffer.from('count=1,bytes=0'))

    const outcomes: string[] = []
    for (const name of ['/a', '/b', '/c'])
      outcomes.push(
        await client.zookeeper.create(name, nothing).then(
          ({ path }) => path,
          (error: unknown) => (error instanceof Error ? error.message : ''),
        ),
      )

    expect(outcomes).toEqual(['/a', '/b', 'Create "/c": server answered QUOTA_EXCEEDED'])
    expect(client.states()).toEqual(['connected'])
    expect((await admin.zookeeper.getChildren('/small')).children.toSorted()).toEqual(['a', 'b'])
  })

  it('is reached by an IPv6 address', async () => {
    await using rig = await startZookeeper({ version: '3.9.5' })
    await using relay = await relayOnIpv6(rig.servers[0]?.port ?? 0)
    await using client = runClient({ connect: `[::1]:${relay.port}/below`, sessionTimeoutMs })

    await client.zookeeper.makeChroot()
    await client.zookeeper.create('/a', nothing)

    expect(client.changes[0]).toMatchObject({ server: `[::1]:${relay.port}` })
    expect((await client.zookeeper.getChildren('/')).children).toEqual(['a'])
  })
})

async function relayOnIpv6(target: number) {
  const server = createServer((socket) => {
    const other = connectTcp({ host: '127.0.0.1', port: target })
    socket.pipe(other).pipe(socket)
    for (const end of [socket, other]) {
      end.on('error', () => undefined)
      end.on('close', () => {
        socket.destroy()
        other.destroy()
      })
    }
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '::1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  return {
    port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
      }),
  }
}
