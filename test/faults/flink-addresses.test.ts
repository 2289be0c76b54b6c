import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run, runOrThrow } from '../rigs/run.ts'
import { type CountingListener, countingListener } from './counting-listener.ts'
import { type FlinkSimulatedWorld, openFlinkSimulatedWorld } from './flink-simulated-world.ts'
import { redirects } from './hostile-answers.ts'
import type { Attack } from './hostile-gate.ts'
import { forbiddenAddresses } from './hostile-values.ts'
import { changingHosts } from './hosts-file.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

/** Of those who lie: no loopback, and in no network from which targets may be. */
const ownIp = '203.0.113.7'
/** Ours for the time of the test: whoever connects to them is counted. */
const addresses = [
  '169.254.169.254/32',
  '169.254.170.2/32',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fd00:ec2::254/128',
  'fd00:ec2::23/128',
  `${ownIp}/32`,
] as const

let world: FlinkSimulatedWorld
let listener: CountingListener
let liar: Awaited<ReturnType<typeof openLiar>>

beforeAll(async () => {
  for (const address of addresses)
    await runOrThrow(
      'ip',
      ['address', 'replace', address, 'dev', 'lo', 'nodad'].slice(0, address.includes(':') ? 6 : 5),
    )
  listener = await countingListener()
  liar = await openLiar(listener.port)
  const { prefix = [] } = await changingHosts.world()
  await changingHosts.write('169.254.169.254')
  world = await openFlinkSimulatedWorld({
    prefix,
    // Not on our machine, by its address: loopback is none of its business.
    yarn: [
      `  - { name: liar, resource_managers: ["http://${ownIp}:${liar.port}"], interval: 1s, request_timeout: 1s }`,
    ],
    flink: [
      `  - { name: lost, rest: "http://${ownIp}:${liar.port}", interval: 1s, request_timeout: 1s, reporter_ports: "${listener.port}" }`,
    ],
  })
  // The list waits for a whole look of everybody, and the liar's is none: for one lease.
  await world.isRight('healthy', 90_000)
  await world.isRight('victim')
})

afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
  await liar?.close()
  await listener?.[Symbol.asyncDispose]()
  for (const address of addresses) await run('ip', ['address', 'del', address, 'dev', 'lo'])
  await removeTemporaryFolders()
})

/**
 * A ResourceManager whose applications have their JobManagers, proxies and nodes at every forbidden address, and a
 * JobManager whose TaskManagers are there.
 */
async function openLiar(port: number) {
  const hosts = [...forbiddenAddresses(port), `${changingHosts.name}:${port}`, `localhost:${port}`, `127.0.0.1:${port}`]
  const asked = new Map<string, number>()
  const json = (path: string): unknown => {
    const [, id] = /^\/ws\/v1\/cluster\/apps\/application_1700000000000_(\d+)\/appattempts/.exec(path) ?? []
    const host = hosts[Math.floor(Number(id ?? 1) / 2)] ?? ''
    if (id !== undefined)
      return {
        appAttempts: {
          appAttempt: [
            { id: 1, startTime: 1, containerId: `container_1700000000000_${id}_01_000001`, nodeHttpAddress: host },
          ],
        },
      }
    if (path.startsWith('/ws/v1/cluster/info')) return { clusterInfo: { id: 1_700_000_000_000, haState: 'ACTIVE' } }
    if (path.startsWith('/ws/v1/cluster/nodes'))
      return {
        nodes: {
          node: hosts.map((nodeHTTPAddress, at) => ({
            id: `n${at}:1`,
            nodeHostName: '10.0.0.1',
            nodeHTTPAddress,
            state: 'RUNNING',
          })),
        },
      }
    if (path.startsWith('/ws/v1/cluster/apps'))
      return {
        apps: {
          app: hosts.flatMap((address, at) =>
            [
              { amRPCAddress: address, trackingUrl: `http://${address}/proxy/x/` },
              { trackingUrl: `http://${address}/proxy/y/` },
            ].map((where, which) => ({
              id: `application_1700000000000_${String(2 * at + which).padStart(4, '0')}`,
              name: `lost-${at}`,
              state: 'RUNNING',
              applicationType: 'Apache Flink',
              startedTime: 1_700_000_000_000,
              clusterId: 1_700_000_000_000,
              ...where,
            })),
          ),
        },
      }
    if (path === '/jobs/overview') return { jobs: [] }
    if (path === '/taskmanagers')
      return {
        taskmanagers: hosts.map((address, at) => ({
          id: `10.0.0.1:6122-${String(at).padStart(6, '0')}`,
          path: `pekko.tcp://flink@${address.replace(/:\d+$/, '')}:6122/user/rpc/taskmanager_0`,
        })),
      }
    if (path === '/config') return { 'flink-version': '1.20.5' }
    if (path === '/jobmanager/config') return []
    return undefined
  }
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    const kind = path.replace(/\d+/g, 'N').replace(/\?.*/, '')
    asked.set(kind, (asked.get(kind) ?? 0) + 1)
    const value = json(path)
    response.writeHead(value === undefined ? 404 : 200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(value ?? { errors: ['Not found'] }))
  })
  server.listen(0, ownIp)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    hosts: hosts.length,
    asked: (kind: string) => asked.get(kind) ?? 0,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  }
}

describe('faults of class T: addresses that peers name', () => {
  it('T07 forbidden addresses of JobManagers, proxies, nodes and TaskManagers are never connected to', async () => {
    const observed = await world.observe()
    await eventually(
      'all attempts to be asked for',
      60_000,
      async () => liar.asked('/ws/vN/cluster/apps/application_N_N/appattempts') >= liar.hosts,
    )
    await eventually('the TaskManagers to be listed', 20_000, async () => liar.asked('/taskmanagers') > 5)
    // A name that is good for a moment.
    await changingHosts.write('10.211.200.77')
    await sleep(3_000)
    await changingHosts.write('169.254.169.254')
    await sleep(5_000)
    await world.follows('healthy')
    await world.follows('victim')
    expect(listener.connections()).toBe(0)
    for (const source of [['yarn', 'liar'] as const]) expect(await world.errors(...source)).toBeGreaterThan(0)
    const { jobs } = JSON.parse(await world.text('/api/v1/jobs?flink_cluster=liar'))
    expect(jobs).toEqual([])
    expect(await world.text('/sd/v1/targets')).not.toContain(`:${listener.port}`)
    await observed.end()
  })

  it('T07 nodes at forbidden addresses are not asked for their containers', async () => {
    const gate = world.reporterOf(someTaskManager())
    const observed = await world.observe({ mayLeave: true })
    world.resourceManager.attack(
      ({ pass }) => pass((body) => body.replace(/("nodeHTTPAddress":")[^"]*/g, `$1169.254.169.254:${listener.port}`)),
      /^\/ws\/v1\/cluster\/nodes/,
    )
    const before = world.resourceManager.attacked()
    gate.attack(() => undefined)
    try {
      await eventually('the nodes to be asked for', 90_000, async () => world.resourceManager.attacked() > before)
      await sleep(3_000)
      expect(listener.connections()).toBe(0)
    } finally {
      gate.attack(undefined)
      world.resourceManager.attack(undefined)
    }
    await world.isRight('victim', 60_000)
    await observed.end()
  })

  // The second way to a JobManager is the proxy of its ResourceManager.
  const gates = [
    ['a ResourceManager', () => [world.resourceManager], /^\/ws\//],
    ['a JobManager', () => [world.jobManager, world.resourceManager], /^\/(?!ws\/)/],
    ['a TaskManager', () => [world.reporterOf(someTaskManager())], /^\/metrics/],
  ] as const

  it.each(gates)('T07 redirects of %s are not followed', async (_, gatesOf, which) => {
    const gates = gatesOf()
    const observed = await world.observe({ mayLeave: true })
    const attacked = () => gates.reduce((sum, gate) => sum + gate.attacked(), 0)
    const before = attacked()
    const metadata = `169.254.169.254:${listener.port}`
    const ways = [
      ...redirects(`http://${metadata}/latest/meta-data`),
      ...redirects(`http://127.0.0.1:${listener.port}/`),
      ...redirects(`//${metadata}/`),
    ]
    let turn = 0
    // Another way at each question: strangers are not asked again for a while.
    const attack: Attack = (exchange) => ways[turn++ % ways.length]?.attack('json')(exchange)
    for (const gate of gates) gate.attack(attack, which)
    try {
      await sleep(25_000)
      await world.follows('healthy')
    } finally {
      for (const gate of gates) gate.attack(undefined)
    }
    injected(attacked() > before, 'nobody asked')
    expect(listener.connections()).toBe(0)
    await world.isRight('victim', 90_000)
    await observed.end()
  })
})

function someTaskManager(): string {
  return world.yarns.victim.world.find('payments-etl').cluster.taskManagers[0]?.process.id ?? ''
}
