import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import zookeeperClient from 'node-zookeeper-client'
import { afterAll, beforeAll, expect } from 'vitest'
import { createFrameReader } from '../../src/runtime/framed-socket.ts'
import { memberPath } from '../../src/targets/member-name.ts'
import { encode } from '../../src/zookeeper/jute.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { replyHeader } from '../../src/zookeeper/records.ts'
import { startTcpProxy, type TcpProxy } from '../fakes/tcp-proxy.ts'
import { type FakeZookeeper, framed, startFakeZookeeper } from '../fakes/zookeeper.ts'
import { createFakeData } from '../fakes/zookeeper-data.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'
import {
  asSecondClient,
  chrootOf,
  connectOf,
  endSessions,
  healEnsemble,
  leaderOf,
  noticedMs,
  onZookeeper,
  ownerOf,
  putsFor,
  serverOf,
  sessionMs,
  writableAfter,
} from './ensemble.ts'
import { type OwnNetwork, ownNetwork } from './netns.ts'
import { comparePeer, peerTable } from './peer.ts'
import { addressOf, ids, partsOf } from './registrants.ts'
import { fault, runFaults } from './runner.ts'
import { eventually, injected } from './waiting.ts'
import type { World, WorldOptions } from './world.ts'

let rig: ZookeeperRig
let alone: ZookeeperRig
let proxies: readonly TcpProxy[]
let network: OwnNetwork
let fakes: readonly FakeZookeeper[]

const behindProxies = (): string => proxies.map(({ port }) => `127.0.0.1:${port}`).join(',')

const direct = onZookeeper(() => rig.connect)
const stopped = onZookeeper(() => rig.connect, { maxStallMs: false })
const proxied = onZookeeper(behindProxies)
const proxiedSlice = onZookeeper(behindProxies, { list: '/sd/v1/targets?namespace=faults' })
const single = onZookeeper(() => alone.connect)
const faked = onZookeeper(() => fakes.map(({ connect }) => connect).join(','))
const inOwnNetwork = (): WorldOptions =>
  onZookeeper(
    () => rig.servers.map(({ port }, index) => `${network.hostIp(index)}:${port}`).join(','),
    network.options,
  )()

beforeAll(async () => {
  rig = await startZookeeper({ version: '3.9.5', servers: 3, properties: { clientPortAddress: '0.0.0.0' } })
  alone = await startZookeeper({ version: '3.9.5' })
  proxies = await Promise.all(rig.servers.map(({ port }) => startTcpProxy(port)))
  network = await ownNetwork(rig.servers.map(({ port }) => port))
  const data = createFakeData()
  fakes = await Promise.all([startFakeZookeeper({ data }), startFakeZookeeper({ data })])
}, 600_000)
afterAll(async () => {
  console.table(peerTable())
  await network?.close()
  for (const proxy of proxies ?? []) await proxy.stop()
  for (const fake of fakes ?? []) await fake.stop()
  await alone?.stop()
  await rig?.stop()
}, 60_000)

const tell = (text: string): void => void process.stdout.write(`${text}\n`)

/** A member as another program would write it. */
function foreignMember(id: string): { readonly path: string; readonly data: Buffer } {
  const [host = '', port = ''] = addressOf(id).split(':')
  const document = { serviceEndpoint: { host, port: Number(port) }, additionalEndpoints: {}, status: 'ALIVE' }
  return { path: `/targets/${memberPath(partsOf(id), '1')}`, data: Buffer.from(JSON.stringify(document)) }
}

/** Everybody who was there has an ephemeral again. */
async function allBack(world: World, servers: string, ms: number): Promise<void> {
  await asSecondClient(world, servers, (zookeeper) =>
    eventually('all ephemerals to be made again', ms, async () => {
      for (const id of world.residents) if ((await ownerOf(zookeeper, id)) === undefined) return false
      return true
    }),
  )
}

runFaults('Z', [
  fault({
    id: 'Z01',
    title: 'one server of three killed changes nothing, and another is found within three seconds',
    world: direct,
    inject: async (world) => {
      const index = await serverOf(world, rig)
      await rig.servers[index]?.kill()
      return writableAfter(world, 10_000)
    },
    expect: async (_world, ms) => {
      tell(`Z01: writable after ${ms} ms`)
      expect(ms).toBeLessThan(3_000)
    },
    heal: () => healEnsemble(rig),
  }),
  fault({
    id: 'Z02',
    title: 'the leader killed loses nothing that was acknowledged, and what is not taken is answered 503',
    world: direct,
    inject: async (world) => {
      const leader = await leaderOf(rig)
      const tried = putsFor(world, 8_000)
      await sleep(500)
      await rig.servers[leader]?.kill()
      const statuses = await tried
      return { statuses, ms: await writableAfter(world, 10_000) }
    },
    expect: async (_world, { statuses }) => {
      for (const status of statuses) expect([200, 503]).toContain(status)
    },
    heal: () => healEnsemble(rig),
  }),
  fault({
    id: 'Z03',
    title: 'without a majority the last list stays and says its age, writes get 503, and all is well ten seconds after',
    world: direct,
    inject: async (world) => {
      await rig.servers[0]?.kill()
      await rig.servers[1]?.kill()
      await sleep(1_000)
      const synced = () => world.metric('lagkeeper_registry_last_sync_timestamp_seconds')
      const before = await synced()
      const answers = []
      for (const id of ids('faults/lost/worker', 2)) answers.push(await world.put(id))
      await sleep(8_000)
      const after = await synced()
      return { answers, advanced: (after ?? 0) - (before ?? 0) }
    },
    expect: async (world, { answers, advanced }) => {
      for (const { status, headers } of answers)
        expect([status, headers.get('retry-after') !== null]).toEqual([503, true])
      expect(advanced).toBeLessThan(2)
      expect((await world.listed()).size).toBeGreaterThanOrEqual(world.residents.length)
    },
    heal: async (world) => {
      await healEnsemble(rig)
      tell(`Z03: writable ${await writableAfter(world, 10_000)} ms after there was a leader again`)
    },
  }),
  fault({
    id: 'Z04',
    title: 'a server that is frozen is noticed within two thirds of a session, and left',
    world: direct,
    inject: async (world) => {
      const index = await serverOf(world, rig)
      // The others elect another leader meanwhile, when it was the leader.
      const limit = index === (await leaderOf(rig)) ? noticedMs + 5_000 : noticedMs
      rig.servers[index]?.pause()
      const ms = await writableAfter(world, limit)
      rig.servers[index]?.resume()
      await leaderOf(rig)
      await comparePeer('Z04 frozen server', `writable after ${ms} ms`, {
        connect: `127.0.0.1:${rig.servers[0]?.port}`,
        path: '/peer-z04',
        ms: 20_000,
        inject: async () => rig.servers[0]?.pause(),
      })
      return ms
    },
    expect: async (_world, ms) => tell(`Z04: writable after ${ms} ms`),
    heal: () => healEnsemble(rig),
  }),
  fault({
    id: 'Z05',
    title: 'a server whose packets are lost both ways is noticed within two thirds of a session, and left',
    world: inOwnNetwork,
    inject: async (world) => {
      await network.blackhole(await serverOf(world, rig), 'both ways')
      return writableAfter(world, noticedMs)
    },
    expect: async (_world, ms) => tell(`Z05: writable after ${ms} ms`),
    heal: () => network.heal(),
  }),
  fault({
    id: 'Z06',
    title: 'a server whose answers are lost is noticed within two thirds of a session, and left',
    world: inOwnNetwork,
    inject: async (world) => {
      await network.blackhole(await serverOf(world, rig), 'answers')
      const ms = await writableAfter(world, noticedMs)
      await comparePeer('Z06 answers lost', `writable after ${ms} ms`, {
        connect: behindProxies(),
        path: '/peer-z06',
        ms: 20_000,
        inject: async () => {
          for (const proxy of proxies) if (proxy.connections() > 0) proxy.swallowAnswers()
        },
      })
      return ms
    },
    expect: async (_world, ms) => tell(`Z06: writable after ${ms} ms`),
    heal: async () => {
      for (const proxy of proxies) proxy.heal()
      await network.heal()
    },
  }),
  fault({
    id: 'Z07',
    title: 'a storm of resets is met with at most two attempts a second of each session, and a log that stays short',
    world: proxied,
    inject: async (world) => {
      for (const proxy of proxies) proxy.reset()
      const accepted = () => proxies.reduce((sum, proxy) => sum + proxy.accepted(), 0)
      await sleep(1_000)
      const [before, lines] = [accepted(), (await world.log()).split('\n').length]
      await sleep(15_000)
      const attempts = accepted() - before
      injected(attempts > 0, 'nobody tried to connect')
      // One session for registrations, one among the replicas.
      return { perSecond: attempts / 15 / 2, lines: (await world.log()).split('\n').length - lines }
    },
    expect: async (_world, { perSecond, lines }) => {
      tell(`Z07: ${perSecond.toFixed(1)} attempts a second, ${lines} lines in the log`)
      expect(perSecond).toBeLessThanOrEqual(2)
      expect(lines).toBeLessThan(60)
    },
    heal: async (world) => {
      for (const proxy of proxies) proxy.heal()
      await writableAfter(world, 15_000)
    },
  }),
  fault({
    id: 'Z08',
    title: 'a session that another client ended is replaced, and all its ephemerals are back within five seconds',
    world: direct,
    inject: async (world) => {
      const [first = ''] = world.residents
      await asSecondClient(world, rig.connect, async (zookeeper) => {
        const before = await ownerOf(zookeeper, first)
        injected((await endSessions(world, rig.connect)) > 0, 'there was no session')
        await eventually('the ephemerals to be another session’s', 5_000, async () => {
          const now = await ownerOf(zookeeper, first)
          return now !== undefined && now !== before
        })
      })
    },
    expect: (world) => allBack(world, rig.connect, 5_000),
  }),
  fault({
    id: 'Z09',
    title: 'a daemon that was stopped for longer than its session has everything back five seconds after',
    world: stopped,
    inject: async (world) => {
      const [first = ''] = world.residents
      world.pause()
      await asSecondClient(world, rig.connect, (zookeeper) =>
        eventually('the session to expire', 20_000, async () => (await ownerOf(zookeeper, first)) === undefined),
      )
      world.resume()
    },
    expect: async (world) => {
      await allBack(world, rig.connect, 5_000)
      await comparePeer('Z09 stopped for longer than the session', 'ephemerals back within 5 s', {
        connect: rig.connect,
        path: '/peer-z09',
        ms: 15_000,
        inject: async (pid) => {
          process.kill(pid, 'SIGSTOP')
          await sleep(sessionMs * 2)
          process.kill(pid, 'SIGCONT')
        },
      })
    },
  }),
  fault({
    id: 'Z10',
    title: 'a first start without ZooKeeper is healthy, not ready, and answers 503 until it is there',
    world: proxied,
    inject: async (world) => {
      await world.kill()
      for (const id of world.residents) world.oracle.leaving(id)
      await rm(world.storage, { recursive: true })
      for (const proxy of proxies) proxy.close()
      await world.restart()
      await sleep(2_000)
      const statuses = []
      for (const path of ['/-/healthy', '/-/ready', '/sd/v1/targets']) statuses.push((await world.ask(path)).status)
      return [...statuses, (await world.put('faults/early/worker/1')).status]
    },
    expect: async (_world, statuses) => expect(statuses).toEqual([200, 503, 503, 503]),
    heal: async (world) => {
      for (const proxy of proxies) proxy.open()
      await eventually(
        'its residents to be taken',
        20_000,
        async () => (await world.putMany(world.residents)).status === 200,
      )
      await eventually('the list', 40_000, async () => (await world.listed()).size >= world.residents.length)
    },
  }),
  fault({
    id: 'Z11',
    title: 'a restart while ZooKeeper is away loses nothing: 503 until it is back, then all',
    world: proxied,
    inject: async (world) => {
      await world.kill()
      for (const proxy of proxies) proxy.close()
      await world.restart()
      const statuses = []
      for (let index = 0; index < 10; index++) {
        statuses.push((await world.ask('/sd/v1/targets')).status)
        await sleep(1_000)
      }
      return statuses
    },
    expect: async (_world, statuses) => expect(new Set(statuses)).toEqual(new Set([503])),
    heal: async (world) => {
      for (const proxy of proxies) proxy.open()
      await eventually('the whole list', 30_000, async () => {
        const listed = await world.listed()
        return world.residents.every((id) => listed.has(id))
      })
    },
  }),
  fault({
    id: 'Z12',
    title: 'what others change while the connection is lost is seen within two seconds of the next one',
    world: proxied,
    inject: async (world) => {
      const [old, born] = [foreignMember('faults/theirs/worker/old'), foreignMember('faults/theirs/worker/born')]
      world.oracle.uncertain('faults/theirs/worker/old')
      world.oracle.uncertain('faults/theirs/worker/born')
      await asSecondClient(world, rig.connect, async (zookeeper) => {
        await zookeeper.makeDirectories('/targets/faults/theirs')
        await zookeeper.create(old.path, old.data)
        await eventually('their member to be listed', 5_000, async () =>
          (await world.listed()).has('faults/theirs/worker/old'),
        )
        for (const proxy of proxies) proxy.block()
        await zookeeper.delete(old.path)
        await zookeeper.create(born.path, born.data)
      })
      await sleep(1_000)
      injected(!(await world.listed()).has('faults/theirs/worker/born'), 'the change came through')
      for (const proxy of proxies) {
        proxy.unblock()
        proxy.cut()
      }
      const began = performance.now()
      await eventually('both changes to be seen', 5_000, async () =>
        (await world.listed()).has('faults/theirs/worker/born'),
      )
      return performance.now() - began
    },
    expect: async (_world, ms) => {
      tell(`Z12: seen ${Math.round(ms)} ms after the connection was lost for good`)
      expect(ms).toBeLessThan(3_000)
    },
  }),
  fault({
    id: 'Z13',
    title: 'with 20,000 members a reconnect sends no packet over 512 KiB and does not go round in circles',
    world: proxiedSlice,
    arrange: async (world) => {
      await asSecondClient(world, rig.connect, async (zookeeper) => {
        for (let app = 0; app < 20; app++) {
          await zookeeper.makeDirectories(`/targets/crowd/app-${app}`)
          for (let from = 0; from < 1_000; from += 200)
            await zookeeper.multi(
              ids(`crowd/app-${app}/worker`, 1_000)
                .slice(from, from + 200)
                .map((id) => ({ type: 'create', ...foreignMember(id) }) as const),
            )
        }
      })
      await eventually(
        '20,000 targets',
        60_000,
        async () => ((await world.metric('lagkeeper_targets{state="listed"}')) ?? 0) > 20_000,
        500,
      )
    },
    inject: async (world) => {
      let largest = 0
      const stopWatching = proxies.map((proxy) =>
        proxy.onConnection(() =>
          createFrameReader(
            1 << 27,
            (frame) => {
              largest = Math.max(largest, frame.length)
            },
            () => undefined,
          ),
        ),
      )
      const before = proxies.reduce((sum, proxy) => sum + proxy.accepted(), 0)
      for (const proxy of proxies) proxy.cut()
      const ms = await writableAfter(world, 15_000)
      await sleep(8_000)
      for (const stop of stopWatching) stop()
      const connections = proxies.reduce((sum, proxy) => sum + proxy.accepted(), 0) - before
      injected(largest > 0, 'no packet was seen')
      await comparePeer('Z13 20,000 watches, reconnect', `writable after ${ms} ms, ${connections} connections`, {
        connect: behindProxies(),
        path: '/peer-z13',
        watches: 20_000,
        ms: 15_000,
        inject: async () => {
          for (const proxy of proxies) proxy.cut()
          await sleep(1_000)
        },
      })
      return { largest, connections, ms }
    },
    expect: async (_world, { largest, connections, ms }) => {
      tell(`Z13: largest packet ${largest} bytes, ${connections} connections, writable after ${ms} ms`)
      expect(largest).toBeLessThanOrEqual(512 * 1_024)
      expect(connections).toBeLessThanOrEqual(3)
    },
  }),
  fault({
    id: 'Z14',
    title: 'members with bad data are put aside and counted, and all others are served',
    world: direct,
    inject: async (world) => {
      const bad: readonly (readonly [string, Buffer])[] = [
        ['no JSON', Buffer.from('{"serviceEndpoint":')],
        ['nearly 1 MB', Buffer.alloc(1_000_000, ' ')],
        ['no UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d])],
        ['nothing', Buffer.alloc(0)],
        ['null', Buffer.from('null')],
        ['a number', Buffer.from('7')],
        ['__proto__', Buffer.from('{"__proto__":{"serviceEndpoint":{"host":"10.1.1.1","port":1}},"status":"ALIVE"}')],
        [
          'a metadata address',
          Buffer.from('{"serviceEndpoint":{"host":"169.254.169.254","port":80},"status":"ALIVE"}'),
        ],
        [
          'a steering label',
          Buffer.from(
            '{"serviceEndpoint":{"host":"10.1.1.1","port":1},"metadata":{"__address__":"x"},"status":"ALIVE"}',
          ),
        ],
        ['a port that is none', Buffer.from('{"serviceEndpoint":{"host":"10.1.1.1","port":70000},"status":"ALIVE"}')],
        ['deep JSON', Buffer.from('['.repeat(4_000))],
      ]
      const quarantined = async () => (await world.metric('lagkeeper_targets{state="quarantined"}')) ?? 0
      const before = await quarantined()
      await asSecondClient(world, rig.connect, async (zookeeper) => {
        await zookeeper.makeDirectories('/targets/faults/bad')
        for (const [index, [, data]] of bad.entries())
          await zookeeper.create(`/targets/faults/bad/member_worker_${index}_1`, data)
        await zookeeper.create('/targets/faults/bad/what-is-this', Buffer.from('{}'))
        const good = foreignMember('faults/good/worker/1')
        world.oracle.uncertain('faults/good/worker/1')
        await zookeeper.makeDirectories('/targets/faults/good')
        await zookeeper.create(good.path, good.data)
      })
      await eventually('the good one to be listed', 5_000, async () =>
        (await world.listed()).has('faults/good/worker/1'),
      )
      return { expected: bad.length + 1, counted: (await quarantined()) - before }
    },
    expect: async (_world, { expected, counted }) => expect(counted).toBe(expected),
  }),
  fault({
    id: 'Z15',
    title: 'a branch that may not be read is left out and said so; the others are served, without a storm of retries',
    world: direct,
    inject: async (world) => {
      const { ACL, Id, Permission, createClient } = zookeeperClient
      world.oracle.uncertain('faults/hidden/worker/1')
      await asSecondClient(world, rig.connect, async (zookeeper) => {
        const member = foreignMember('faults/hidden/worker/1')
        await zookeeper.makeDirectories('/targets/faults/hidden')
        await zookeeper.create(member.path, member.data)
      })
      await eventually('it to be listed first', 5_000, async () => (await world.listed()).has('faults/hidden/worker/1'))
      const client = createClient(rig.connect + chrootOf(await connectOf(world)))
      const connected = new Promise<void>((resolve) => client.once('connected', () => resolve()))
      client.connect()
      await connected
      const acl = [new ACL(Permission.ALL, new Id('digest', 'nobody:x'))]
      await new Promise<void>((resolve, reject) =>
        client.setACL('/targets/faults/hidden', acl, (error) => (error ? reject(error) : resolve())),
      )
      client.close()
      await endSessions(world, rig.connect)
      await writableAfter(world, 15_000)
      const received = async (): Promise<number> => {
        const said = await Promise.all(rig.servers.map((server) => server.fourLetter('mntr')))
        return said.reduce((sum, text) => sum + Number(/^zk_packets_received\s+(\d+)/m.exec(text)?.[1] ?? 0), 0)
      }
      await sleep(2_000)
      const before = await received()
      await sleep(5_000)
      return { perSecond: ((await received()) - before) / 5, log: await world.log() }
    },
    expect: async (world, { perSecond, log }) => {
      tell(`Z15: ${perSecond} packets a second`)
      expect(perSecond).toBeLessThan(50)
      expect(log).toMatch(/NO_AUTH|not authorized|denied|may not/i)
      expect((await world.ask('/sd/v1/targets')).status).toBe(200)
    },
  }),
  fault({
    id: 'Z16',
    title: 'when somebody deletes the whole tree, what is registered here is put back and never missing',
    world: direct,
    inject: async (world) => {
      await asSecondClient(world, rig.connect, async (zookeeper) => {
        const empty = async (path: string): Promise<void> => {
          const { children } = await zookeeper.getChildren(path).catch(() => ({ children: [] }))
          for (const child of children) await empty(`${path}/${child}`)
          await zookeeper.delete(path).catch(() => undefined)
        }
        for (let round = 0; round < 3; round++) await empty('/targets')
      })
    },
    expect: (world) => allBack(world, rig.connect, 15_000),
  }),
  fault({
    id: 'Z17',
    title: 'a server that comes back with old data takes nothing from the list, and gets everything again',
    world: single,
    inject: async (world) => {
      const data = join(alone.dir, '1', 'data', 'version-2')
      const old = join(alone.dir, 'old')
      await alone.servers[0]?.stop()
      await cp(data, old, { recursive: true })
      await alone.servers[0]?.restart()
      await writableAfter(world, 20_000)
      const later = ids('faults/later/worker', 10)
      expect((await world.putMany(later)).status).toBe(200)
      await sleep(1_000)
      await alone.servers[0]?.kill()
      await rm(data, { recursive: true })
      await cp(old, data, { recursive: true })
      await alone.servers[0]?.restart()
      const found = await asSecondClient(world, alone.connect, (zookeeper) => ownerOf(zookeeper, later[0] ?? ''))
      injected(found === undefined || (await world.log()) !== '', 'the old data is not there')
      return later
    },
    expect: async (world, later) => {
      await asSecondClient(world, alone.connect, (zookeeper) =>
        eventually('all to be back', 30_000, async () => {
          for (const id of [...later, ...world.residents])
            if ((await ownerOf(zookeeper, id)) === undefined) return false
          return true
        }),
      )
    },
  }),
  fault({
    id: 'Z18',
    title: 'seven kinds of malformed answers cost the connection and nothing else',
    world: faked,
    inject: async (world) => {
      const int = (value: number): Buffer => {
        const bytes = Buffer.alloc(4)
        bytes.writeInt32BE(value)
        return bytes
      }
      const reply = (xid: number): Buffer => encode((w) => replyHeader.write(w, { xid, zxid: 1n, error: 0 }))
      const shapes: Readonly<Record<string, (xid: number) => Buffer>> = {
        'length -1': () => int(-1),
        'length 0': () => int(0),
        'length 2': () => Buffer.concat([int(2), Buffer.from([1, 2])]),
        'length 2^31 - 1': () => Buffer.concat([int(2 ** 31 - 1), Buffer.alloc(64)]),
        'a truncated body': (xid) => framed(reply(xid), Buffer.alloc(20)),
        'another request number': (xid) => framed(reply(xid + 1), Buffer.alloc(68)),
        'an absurd vector': (xid) => framed(reply(xid), int(0x7fff_fff0), Buffer.alloc(60)),
      }
      const pid = world.process.pid
      for (const [name, bytes] of Object.entries(shapes)) {
        let isSaid = false
        for (const fake of fakes)
          fake.onRequest = ({ xid, opcode }) => {
            if (isSaid || xid < 0 || opcode === opcodes.ping) return undefined
            isSaid = true
            return { kind: 'raw', bytes: bytes(xid) }
          }
        await eventually(`an answer with ${name} to be given`, 15_000, async () => {
          await world.put('faults/malformed/worker/1')
          return isSaid
        })
        await writableAfter(world, 20_000)
      }
      await comparePeer('Z18 answer of length -1', 'connection dropped, another server', {
        connect: fakes.map(({ connect }) => connect).join(','),
        path: '/peer-z18',
        ms: 10_000,
        inject: async () => {
          for (const fake of fakes) {
            fake.sendRaw(int(-1))
            fake.onRequest = () => undefined
          }
        },
      })
      return pid
    },
    expect: async (world, pid) => expect(world.process.pid).toBe(pid),
  }),
])
