import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'node-zookeeper-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPresence } from '../../src/app/replicas.ts'
import { replicas as family } from '../../src/replicas/index.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { memberPath } from '../../src/targets/member-name.ts'
import { createZookeeper } from '../../src/zookeeper/client.ts'
import type { SessionCredentials } from '../../src/zookeeper/state.ts'
import { openReplicaWorld, type RunningReplica, runReplica, untilReady } from '../registry/zookeeper-registry-world.ts'
import { startPrometheus } from '../rigs/prometheus.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'
import { registration, registrations } from '../targets/samples.ts'
import { registryContract } from './registry.ts'
import { runClient } from './zookeeper-world.ts'

const signal = AbortSignal.timeout(1_200_000)

/** What the registry promises on a real server of one version. */
export function registryOnZookeeper(version: string): void {
  describe(`on ZooKeeper ${version}`, () => {
    let rig: ZookeeperRig
    let folder: string
    let replicas: RunningReplica[]
    let place = 0

    beforeAll(async () => {
      rig = await startZookeeper({ version })
    })
    afterAll(() => rig?.stop())
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'lagkeeper-real-'))
      replicas = []
      place++
    })
    afterEach(async () => {
      for (const replica of replicas) await replica.stop()
      await rm(folder, { recursive: true })
    })

    registryContract(`zookeeper ${version}`, () => openReplicaWorld(rig.connect, 2, 12_000))

    async function start(name: string, sessionTimeoutMs = 4_000): Promise<RunningReplica> {
      const connect = `${rig.connect}/real-${place}`
      const replica = runReplica({ connect, storagePath: join(folder, name), sessionTimeoutMs, lingerSeconds: 60 })
      replicas.push(replica)
      await untilReady(replica)
      return replica
    }

    const listed = ({ registry }: RunningReplica) =>
      (registry.view()?.targets ?? []).filter(({ state }) => state === 'listed').length

    it('loses nothing when its server is killed and comes back', async () => {
      const replica = await start('a')
      await replica.registry.put(registrations(500, { leaseSeconds: 300 }), signal)

      await rig.servers[0]?.kill()
      const late = registration({ instance: 'late', address: '10.1.0.1:1', leaseSeconds: 300 })
      await expect(replica.registry.put([late], signal)).rejects.toThrow(/ZooKeeper|Write members/)
      expect(listed(replica)).toBeGreaterThanOrEqual(500)
      await rig.servers[0]?.restart()

      await expect
        .poll(async () => (await replica.registry.put([late], signal).catch(() => []))[0]?.outcome, { timeout: 30_000 })
        .toBe('renewed')
      expect(listed(replica)).toBe(501)
    })

    it('puts 2,000 members back after a daemon outage longer than its session, and a second replica never loses them', async () => {
      const [a, b] = [await start('a'), await start('b')]
      const many = registrations(2_000, { leaseSeconds: 300 })
      const startedAt = performance.now()
      await a.registry.put(many, signal)
      console.info(`${version}: 2,000 members put in ${Math.round(performance.now() - startedAt)} ms`)
      await expect.poll(() => listed(b), { timeout: 20_000 }).toBe(2_000)
      console.info(`${version}: seen by another replica after ${Math.round(performance.now() - startedAt)} ms`)

      await a.stop()
      // Lost without an announcement: they linger at the other replica.
      await expect.poll(() => listed(b), { timeout: 20_000 }).toBe(0)
      expect(b.registry.view()?.targets).toHaveLength(2_000)
      const again = performance.now()
      const restarted = await start('a')
      expect(restarted.registry.view()?.targets).toHaveLength(2_000)
      await expect.poll(() => listed(b), { timeout: 20_000 }).toBe(2_000)
      console.info(`${version}: back ${Math.round(performance.now() - again)} ms after the start`)
      expect(await restarted.registry.renew(many, signal)).toEqual([])
    })

    it('comes back from an expiry that a second client forced', async () => {
      const replica = await start('a')
      await replica.registry.put(registrations(200, { leaseSeconds: 300 }), signal)
      await using looking = runClient({ connect: `${rig.connect}/real-${place}`, sessionTimeoutMs: 4_000 })
      const path = `/targets/${memberPath(registrations(1)[0]!, '1')}`
      const before = (await looking.zookeeper.exists(path))?.ephemeralOwner
      await endSession(rig.connect, (await savedSessions(join(folder, 'a')))[0]!)

      await expect
        .poll(async () => (await looking.zookeeper.exists(path))?.ephemeralOwner ?? before, { timeout: 20_000 })
        .not.toBe(before)
      await expect.poll(() => listed(replica)).toBe(200)
      expect(await replica.registry.renew(registrations(200), signal)).toEqual([])
    })

    it('does not bring back what ended, or moved and ended, while its replica was away', async () => {
      const connect = `${rig.connect}/real-${place}`
      const stopping = new AbortController()
      const seats: Promise<void>[] = []
      async function startNamed(name: string): Promise<RunningReplica & { leave(): Promise<void> }> {
        const leaving = new AbortController()
        const both = AbortSignal.any([stopping.signal, leaving.signal])
        const seat = family.zookeeper(
          { id: name, version: '1', url: () => `http://${name}`, connect, sessionTimeoutMs: 4_000 },
          { clock: systemClock, logger: silentLogger },
        )
        const seated = seat.run(both)
        seats.push(seated)
        const replica = runReplica(
          { connect, storagePath: join(folder, name), sessionTimeoutMs: 4_000, lingerSeconds: 60, holder: name },
          systemClock,
          { presence: createPresence(seat) },
        )
        replicas.push(replica)
        await untilReady(replica)
        await expect.poll(() => seat.members().map(({ id }) => id), { timeout: 10_000 }).toContain(name)
        const leave = async (): Promise<void> => {
          leaving.abort()
          await Promise.all([seated, replica.stop()])
        }
        return { ...replica, leave }
      }
      const namesOf = ({ registry }: RunningReplica, state: string) =>
        (registry.view()?.targets ?? [])
          .flatMap((one) => (one.state === state ? [one.registration.instance] : []))
          .toSorted()
      const [a, b] = [await startNamed('a'), await startNamed('b')]
      const [ended, moved, lost, kept] = registrations(4, { leaseSeconds: 300 })
      await a.registry.put([ended!, moved!, lost!, kept!], signal)
      await expect.poll(() => listed(b), { timeout: 5_000 }).toBe(4)

      await a.leave()
      expect(await b.registry.withdraw(ended!.id, '1', signal)).toBe('ended')
      await b.registry.put([moved!], signal)
      await b.registry.withdraw(moved!.id, '1', signal)
      await expect.poll(() => namesOf(b, 'lingering'), { timeout: 15_000 }).toEqual([lost!.instance, kept!.instance])
      expect(await b.registry.withdraw(lost!.id, '1', signal)).toBe('ended')
      const again = await startNamed('a')

      for (let turn = 0; turn < 20; turn++) {
        expect(namesOf(again, 'listed')).toEqual([kept!.instance])
        await sleep(50)
      }
      await expect.poll(() => namesOf(b, 'listed'), { timeout: 5_000 }).toEqual([kept!.instance])
      stopping.abort()
      await Promise.all(seats)
    })

    it('has members that node-zookeeper-client reads, and lists one that it wrote', async () => {
      const replica = await start('a')
      await replica.registry.put([registration({ leaseSeconds: 300 })], signal)
      const other = createClient(`${rig.connect}/real-${place}`)
      const connected = new Promise<void>((resolve) => other.once('connected', () => resolve()))
      other.connect()
      await connected
      const read = await new Promise((resolve, reject) =>
        other.getData(`/targets/${memberPath(registration(), '1')}`, (error, data) =>
          error ? reject(error) : resolve(data),
        ),
      )
      expect(JSON.parse(String(read))).toMatchObject({ status: 'ALIVE', registration: { address: '10.0.0.7:9250' } })

      const theirs = registration({ instance: 'theirs', address: '10.0.0.8:1' })
      const document = JSON.stringify({
        serviceEndpoint: { host: '10.0.0.8', port: 1 },
        additionalEndpoints: {},
        status: 'ALIVE',
      })
      await new Promise((resolve, reject) =>
        other.create(`/targets/${memberPath(theirs, '1')}`, Buffer.from(document), (error, path) =>
          error ? reject(error) : resolve(path),
        ),
      )
      await expect.poll(() => listed(replica)).toBe(2)
      other.close()
    })

    it('is read by serverset_sd and nerve_sd of a real Prometheus', async () => {
      await using page = await startPage()
      const replica = await start('a')
      const one = registration({ address: `127.0.0.1:${page.port}`, leaseSeconds: 300, labels: { team: 'a' } })
      await replica.registry.put([one], signal)
      const paths = `servers: ['${rig.connect}'], paths: ['/real-${place}/targets']`
      await using prometheus = await startPrometheus({
        config: [
          'global: { scrape_interval: 1s }',
          'scrape_configs:',
          `  - { job_name: serverset, serverset_sd_configs: [{ ${paths} }] }`,
          `  - { job_name: nerve, nerve_sd_configs: [{ ${paths} }] }`,
        ].join('\n'),
      })
      const targets = async () =>
        (await prometheus.targets())
          .map(({ scrapePool, scrapeUrl, health }) => [scrapePool, scrapeUrl, health])
          .toSorted()
      const url = `http://127.0.0.1:${page.port}/metrics`

      await expect.poll(targets, { timeout: 60_000, interval: 300 }).toEqual([
        ['nerve', url, 'up'],
        ['serverset', url, 'up'],
      ])
      await sleep(3_000)
      expect(await targets()).toHaveLength(2)

      await replica.registry.withdraw(one.id, '1', signal)
      await expect.poll(targets, { timeout: 60_000, interval: 300 }).toEqual([])
    })
  })
}

export async function savedSessions(storage: string): Promise<readonly SessionCredentials[]> {
  const { sessions } = JSON.parse(await readFile(join(storage, 'zookeeper.session'), 'utf8'))
  return sessions.map(({ id, password, timeoutMs }: Readonly<Record<string, string>>) => ({
    id: BigInt(id ?? ''),
    password: Buffer.from(password ?? '', 'base64'),
    timeoutMs: Number(timeoutMs),
  }))
}

/** As somebody else who has the session file. */
export async function endSession(connect: string, savedSession: SessionCredentials): Promise<void> {
  const leaving = new AbortController()
  const thief = createZookeeper({ connect, savedSession }, { clock: systemClock, logger: silentLogger })
  const done = thief.run(leaving.signal)
  await expect.poll(() => thief.state(), { timeout: 10_000 }).toBe('connected')
  leaving.abort()
  await done
}

/** A page that a scrape likes. */
async function startPage(): Promise<AsyncDisposable & { readonly port: number }> {
  const server: Server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' })
    response.end('answers_total 1\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('The page has no port')
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
