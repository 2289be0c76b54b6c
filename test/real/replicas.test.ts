import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startDaemon } from '../rigs/daemon.ts'
import type { RigProcess } from '../rigs/process.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'

const sessionMs = 3_000
const clusters = Array.from({ length: 8 }, (_, index) => `kafka-${index}`)

/** One replica, with "brokers" of its own that say nothing: who connects to them shows who reads which cluster. */
interface Replica {
  readonly daemon: RigProcess
  readonly url: string
  /** When it connected, by Kafka cluster; milliseconds as `performance.now`. */
  readonly reads: ReadonlyMap<string, number[]>
}

/** Two built daemons, as users run them, before one real ZooKeeper. */
describe('two replicas', () => {
  let zookeeper: ZookeeperRig
  let a: Replica
  let b: Replica
  const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-replicas-'))
  const servers: Server[] = []

  beforeAll(async () => {
    zookeeper = await startZookeeper({ version: '3.9.5' })
    // So that each has some of the clusters, whatever ids chance would make.
    for (const name of ['a', 'b']) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'replica.id'), `${name.repeat(16)}\n`)
    }
    a = await start('a')
    b = await start('b')
  })
  afterAll(async () => {
    await Promise.all([a?.daemon.stop(), b?.daemon.stop()])
    await zookeeper?.stop()
    for (const server of servers) server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(name: string): Promise<Replica> {
    const reads = new Map<string, number[]>()
    const kafka: string[] = []
    for (const cluster of clusters) {
      const times: number[] = []
      reads.set(cluster, times)
      const port = await listen((now) => times.push(now))
      kafka.push(`{ name: ${cluster}, bootstrap: "127.0.0.1:${port}", request_timeout: 500ms }`)
    }
    const { process: daemon, url } = await startDaemon({
      folder,
      name,
      args: ['--log.format=json'],
      config: [
        `storage: { path: "${join(folder, name)}" }`,
        `zookeeper: { connect: "${zookeeper.connect}/lagkeeper", session_timeout: ${sessionMs}ms }`,
        'replicas: { share_kafka: true }',
        'interval: 1s',
        `kafka: [ ${kafka.join(', ')} ]`,
      ].join('\n'),
    })
    return { daemon, url, reads }
  }

  async function listen(onRead: (now: number) => void): Promise<number> {
    const server = createServer((socket) => {
      onRead(performance.now())
      socket.destroy()
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Which clusters the replica has read since. */
  const readSince = ({ reads }: Replica, since: number): readonly string[] =>
    clusters.filter((cluster) => (reads.get(cluster)?.at(-1) ?? Number.NEGATIVE_INFINITY) > since)

  /** Watches two and a half cycles: each cluster is read by one replica only, and none is left out. */
  async function expectOneReaderEach(): Promise<{ readonly a: readonly string[]; readonly b: readonly string[] }> {
    const since = performance.now()
    await sleep(2_500)
    const [readByA, readByB] = [readSince(a, since), readSince(b, since)]
    expect([...readByA, ...readByB].sort()).toEqual(clusters)
    return { a: readByA, b: readByB }
  }
  const settled = () => vi.waitFor(expectOneReaderEach, { timeout: 30_000, interval: 10 })

  const path = (instance: string) => `/v1/registrations/test/etl/worker/${instance}`
  async function register({ url }: Replica, instance: string, port: number): Promise<Response> {
    return fetch(`${url}${path(instance)}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ address: `127.0.0.1:${port}`, incarnation: '1', lease_seconds: 5 }),
    })
  }
  const heartbeat = async ({ url }: Replica, instance: string): Promise<number> =>
    (await fetch(`${url}${path(instance)}/heartbeat?incarnation=1`, { method: 'POST' })).status
  const list = async ({ url }: Replica): Promise<string> => {
    const answer = await fetch(`${url}/sd/v1/targets`)
    return answer.ok ? answer.text() : `${answer.status}`
  }
  const stateOf = async ({ url }: Replica, instance: string): Promise<unknown> => {
    const answer = await fetch(`${url}${path(instance)}`)
    return answer.ok ? JSON.parse(await answer.text()).state : answer.status
  }

  it('serve the same list, byte for byte, whoever took the registrations', async () => {
    for (const replica of [a, b])
      await vi.waitFor(async () => expect((await register(replica, 'first', 9_000)).status).toBe(200), {
        timeout: 20_000,
        interval: 200,
      })
    for (let index = 0; index < 60; index++)
      expect((await register(index % 3 === 0 ? b : a, `tm-${index}`, 9_100 + index)).status).toBe(200)

    await vi.waitFor(
      async () => {
        const [ofA, ofB] = await Promise.all([list(a), list(b)])
        expect(ofA.match(/127\.0\.0\.1:9\d+"/g)).toHaveLength(61)
        expect(ofB).toBe(ofA)
      },
      { timeout: 10_000, interval: 100 },
    )
    const etags = await Promise.all([a, b].map(({ url }) => fetch(`${url}/sd/v1/targets`)))
    expect(etags[0]?.headers.get('etag')).toBe(etags[1]?.headers.get('etag'))
  })

  it('share the Kafka clusters: each is read and printed by one of them, which is no failure of the other', async () => {
    const readers = await settled()
    expect([readers.a.length, readers.b.length]).toEqual([3, 5])

    for (const [replica, mine] of [
      [a, readers.a],
      [b, readers.b],
    ] as const)
      await vi.waitFor(
        async () => {
          const page = await (await fetch(`${replica.url}/metrics/self`)).text()
          const printed = [...page.matchAll(/^lagkeeper_source_up\{source="kafka",name="([^"]+)"\}/gm)].map(
            ([, n]) => n,
          )
          expect(printed.toSorted()).toEqual(mine)
          const ready = await (await fetch(`${replica.url}/-/ready`)).text()
          expect(clusters.filter((cluster) => ready.includes(cluster))).toEqual(mine)
        },
        { timeout: 10_000, interval: 200 },
      )
  })

  it('take each other’s heartbeats: one that was registered here lives on by heartbeats there', async () => {
    expect((await register(a, 'away', 9_200)).status).toBe(200)
    await vi.waitFor(async () => expect(await stateOf(b, 'away')).toBe('listed'), { timeout: 5_000 })

    // More than two leases.
    for (let second = 0; second < 12; second++) {
      expect(await heartbeat(b, 'away')).toBe(204)
      await sleep(1_000)
    }
    expect([await stateOf(a, 'away'), await stateOf(b, 'away')]).toEqual(['listed', 'listed'])
    expect(await heartbeat(b, 'nobody')).toBe(404)
    const answer = await fetch(`${b.url}/v1/heartbeats`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(['test/etl/worker/away', 'test/etl/worker/nobody']),
    })
    expect(await answer.json()).toEqual({ unknown: ['test/etl/worker/nobody'] })
  })

  it('lose nothing while one of them is stopped, and own its work only when it cannot', async () => {
    const before = await settled()
    for (const [instance, port] of [
      ['kept', 9_300],
      ['silent', 9_301],
    ] as const)
      expect((await register(a, instance, port)).status).toBe(200)
    await vi.waitFor(async () => expect(await list(b)).toContain('127.0.0.1:9301'), { timeout: 5_000 })

    a.daemon.pause()
    const stoppedAt = performance.now()
    const statuses = new Set<number>()
    while (performance.now() - stoppedAt < 3 * sessionMs) {
      const status = await heartbeat(b, 'kept')
      statuses.add(status)
      // What a registrant does.
      if (status === 404) expect((await register(b, 'kept', 9_300)).status).toBe(200)
      const targets = await list(b)
      expect(targets).toContain('127.0.0.1:9300')
      expect(targets).toContain('127.0.0.1:9301')
      await sleep(100)
    }
    expect([...statuses].sort()).toEqual([204, 404])
    await vi.waitFor(
      async () => expect([await stateOf(b, 'kept'), await stateOf(b, 'silent')]).toEqual(['listed', 'lingering']),
      { timeout: 20_000, interval: 100 },
    )

    const taken = await vi.waitFor(
      () => {
        expect(readSince(b, stoppedAt)).toEqual(clusters)
        return before.a.map((cluster) => b.reads.get(cluster)?.find((at) => at > stoppedAt) ?? 0)
      },
      { timeout: 10_000, interval: 100 },
    )
    expect(Math.min(...taken) - stoppedAt).toBeGreaterThan((sessionMs * 2) / 3)

    a.daemon.resume()
    const after = await settled()
    expect(after).toEqual(before)
    // It is b's now.
    await vi.waitFor(async () => expect(await heartbeat(a, 'kept')).toBe(204), { timeout: 10_000, interval: 200 })
    await vi.waitFor(
      async () => {
        const [ofA, ofB] = await Promise.all([list(a), list(b)])
        expect(ofB).toBe(ofA)
        expect(ofA).toContain('127.0.0.1:9300')
      },
      { timeout: 10_000, interval: 100 },
    )
  })

  it('give everything to the other one when one of them ends', async () => {
    await settled()

    await a.daemon.stop()
    const since = performance.now()

    await vi.waitFor(() => expect(readSince(b, since)).toEqual(clusters), { timeout: 10_000, interval: 100 })
    const page = await list(b)
    expect(page).toContain('127.0.0.1:9300')
  })

  it('notice a third one that runs on a copy of their storage, and do not share with it', async () => {
    await vi.waitFor(async () => expect((await register(b, 'before', 9_400)).status).toBe(200), { timeout: 10_000 })
    cpSync(join(folder, 'b'), join(folder, 'c'), { recursive: true, filter: (path) => !path.endsWith('.socket') })
    const c = await start('c')
    const since = performance.now()
    try {
      await vi.waitFor(async () => expect(await c.daemon.log()).toMatch(/"level":"error".*same id.*replica\.id/), {
        timeout: 30_000,
        interval: 200,
      })
      expect(readSince(c, since)).toEqual([])
      expect(readSince(b, since)).toEqual(clusters)
    } finally {
      await c.daemon.stop()
    }
  })
})
