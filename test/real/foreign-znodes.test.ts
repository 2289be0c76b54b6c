import { type Client, CreateMode, createClient } from 'node-zookeeper-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createForeignSources } from '../../src/app/foreign.ts'
import { foreignSchema } from '../../src/app/foreign-schema.ts'
import type { ForeignZnodes } from '../../src/discovery/foreign-znodes.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createAddressGuard, privateNetworks } from '../../src/targets/address-guard.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'

const guard = createAddressGuard(privateNetworks)

/** As the libraries of others write them. */
const documents = {
  finagle: {
    serviceEndpoint: { host: '10.0.0.1', port: 8080 },
    additionalEndpoints: { http: { host: '10.0.0.1', port: 9990 } },
    status: 'ALIVE',
    shard: 0,
    metadata: { team: 'a' },
  },
  nerve: { host: '10.0.0.2', port: 3000, name: 'i-0abc_10.0.0.2' },
  curator: {
    name: 'billing',
    id: 'c2d1',
    address: 'billing-1.internal',
    port: 8443,
    sslPort: null,
    payload: { '@class': 'com.example.Details', region: 'eu' },
    registrationTimeUTC: 1_700_000_000_000,
    serviceType: 'DYNAMIC',
    uriSpec: null,
    enabled: true,
  },
}

describe.each(['3.9.5', '3.4.14'])('on ZooKeeper %s', (version) => {
  let rig: ZookeeperRig
  let sources: readonly ForeignZnodes[]
  const stop = new AbortController()
  let running: readonly Promise<void>[] = []
  const clients: Client[] = []

  beforeAll(async () => {
    rig = await startZookeeper({ version })
    sources = createForeignSources(
      foreignSchema.parse([
        { path: '/finagle', format: 'serverset', namespace: 'finagle', endpoint: 'http' },
        { path: '/nerve/services', format: 'nerve', namespace: 'smartstack' },
        { path: '/discovery', format: 'curator', namespace: 'java' },
      ]),
      {
        zookeeper: { connect: `${rig.connect}/lagkeeper`, sessionTimeoutMs: 4_000 },
        guard: (ip) => guard(ip, { isLoopback: false }),
        resolve: async (host) => (host === 'billing-1.internal' ? ['10.0.0.3'] : []),
        clock: systemClock,
        logger: silentLogger,
        lingerSeconds: 3,
      },
    )
    running = sources.map((source) => source.run(stop.signal))
  })
  afterAll(async () => {
    for (const client of clients) client.close()
    stop.abort()
    await Promise.all(running)
    await rig?.stop()
  })

  async function connect(): Promise<Client> {
    const client = createClient(rig.connect, { sessionTimeout: 4_000 })
    clients.push(client)
    await new Promise<void>((resolve) => {
      client.once('connected', () => resolve())
      client.connect()
    })
    return client
  }

  async function write(client: Client, path: string, document: unknown, sequential = false): Promise<string> {
    const folder = path.slice(0, path.lastIndexOf('/'))
    await new Promise<void>((resolve, reject) =>
      client.mkdirp(folder, (error: unknown) => (error ? reject(error) : resolve())),
    )
    const data = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document))
    const mode = sequential ? CreateMode.EPHEMERAL_SEQUENTIAL : CreateMode.EPHEMERAL
    return new Promise((resolve, reject) =>
      client.create(path, data, mode, (error, made) => (error ? reject(error) : resolve(made))),
    )
  }

  const seen = () =>
    sources
      .flatMap((source) => source.view()?.targets ?? [])
      .map(({ registration: { id, address }, state }) => `${id} ${address} ${state}`)
      .toSorted()
  const settings = { timeout: 20_000, interval: 50 }

  it('serves the members that others wrote, and lets those linger whose session has ended', async () => {
    await expect.poll(() => sources.every((source) => source.view() !== undefined), settings).toBe(true)
    const client = await connect()
    const member = await write(client, '/finagle/web/member_', documents.finagle, true)
    const agent = await write(client, '/nerve/services/db/services/i-0abc_', documents.nerve, true)
    await write(client, '/discovery/billing/c2d1', documents.curator)
    const [memberName, agentName] = [member, agent].map((path) => path.slice(path.lastIndexOf('/') + 1))

    await expect
      .poll(seen, settings)
      .toEqual([
        `finagle/web/member/${memberName} 10.0.0.1:9990 listed`,
        'java/billing/member/c2d1 10.0.0.3:8443 listed',
        `smartstack/db:services/member/${agentName} 10.0.0.2:3000 listed`,
      ])

    await write(client, '/finagle/web/member_metadata', {
      ...documents.finagle,
      additionalEndpoints: { http: { host: '169.254.169.254', port: 80 } },
    })
    await write(client, '/discovery/billing/broken', 'not JSON')
    const bad = () =>
      sources
        .flatMap((source) => source.view()?.quarantined ?? [])
        .map(({ where }) => where)
        .toSorted()
    await expect.poll(bad, settings).toEqual(['/discovery/billing/broken', '/finagle/web/member_metadata'])
    expect(seen()).toHaveLength(3)

    client.close()
    await expect.poll(() => new Set(seen().map((line) => line.split(' ')[2])), settings).toEqual(new Set(['lingering']))
    await expect.poll(seen, settings).toEqual([])
  })
})
