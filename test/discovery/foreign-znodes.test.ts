import { afterEach, beforeEach, expect, it } from 'vitest'
import { foreignFormats } from '../../src/discovery/foreign-formats.ts'
import { createForeignZnodes, type ForeignZnodes } from '../../src/discovery/foreign-znodes.ts'
import { createTargetList } from '../../src/http/target-list.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createAddressGuard, privateNetworks } from '../../src/targets/address-guard.ts'
import { createZookeeper } from '../../src/zookeeper/client.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { stepFor, stepUntil } from '../fakes/stepping.ts'
import { type FakeZookeeper, startFakeZookeeper } from '../fakes/zookeeper.ts'

const guard = createAddressGuard(privateNetworks)

let clock: FakeClock
let zookeeper: FakeZookeeper
let znodes: ForeignZnodes
let names: Record<string, readonly string[] | undefined>
let isDnsDown: boolean
let resolved: string[]
let stop: AbortController
let done: Promise<void>

beforeEach(async () => {
  clock = fakeClock()
  zookeeper = await startFakeZookeeper()
  names = {}
  isDnsDown = false
  resolved = []
  stop = new AbortController()
  znodes = createForeignZnodes(
    { path: '/services', namespace: 'legacy', format: foreignFormats.serverset },
    {
      zookeeper: createZookeeper(
        { connect: zookeeper.connect, sessionTimeoutMs: 600_000 },
        { clock, logger: silentLogger },
      ),
      guard: (ip) => guard(ip, { isLoopback: false }),
      resolve: async (host) => {
        resolved.push(host)
        if (isDnsDown) throw new UnavailableError(`Resolve "${host}": no answer`)
        return names[host] ?? []
      },
      clock,
      logger: silentLogger,
      lingerSeconds: 3,
      holdSeconds: 60,
    },
  )
})
afterEach(async () => {
  stop.abort()
  await done
  await zookeeper.stop()
})

function start(): void {
  done = znodes.run(stop.signal)
}

const session = 0x77n
const member = (host: string, port = 9250, more: object = {}) =>
  JSON.stringify({ serviceEndpoint: { host, port }, additionalEndpoints: {}, status: 'ALIVE', ...more })

function write(path: string, data: string, owner = session): void {
  for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1))
    if (!zookeeper.data.tree.has(path.slice(0, at))) zookeeper.data.create(path.slice(0, at), '')
  zookeeper.data.create(path, data, owner)
}

function states(): Readonly<Record<string, string>> | undefined {
  const view = znodes.view()
  return (
    view &&
    Object.fromEntries(view.targets.map(({ registration: { id, address }, state }) => [`${id} ${address}`, state]))
  )
}

const until = (look: () => unknown, expected: unknown) => stepUntil(clock, look, expected)
const eventually = (expected: object) => until(states, expected)

it('lists what stands there, directories and all, and what comes later', async () => {
  write('/services/web/member_1', member('10.0.0.7'))
  write('/services/team/db/member_1', member('10.0.0.8'))
  start()
  await eventually({
    'legacy/web/member/member_1 10.0.0.7:9250': 'listed',
    'legacy/team:db/member/member_1 10.0.0.8:9250': 'listed',
  })
  expect(znodes.view()).toMatchObject({ whole: true, quarantined: [] })

  write('/services/web/member_2', member('10.0.0.9'))
  await until(() => znodes.find('legacy/web/member/member_2')?.registration.address, '10.0.0.9:9250')
})

it('waits for a path that is not there yet', async () => {
  start()
  await eventually({})
  expect(znodes.view()?.whole).toBe(false)

  write('/services/web/member_1', member('10.0.0.7'))
  await eventually({ 'legacy/web/member/member_1 10.0.0.7:9250': 'listed' })
})

it('lets linger what is gone without a word, and go at once what says so', async () => {
  write('/services/web/gone', member('10.0.0.7'))
  write('/services/web/stopped', member('10.0.0.8'))
  start()
  await until(() => znodes.view()?.targets.length, 2)

  zookeeper.data.remove('/services/web/gone')
  zookeeper.data.write('/services/web/stopped', member('10.0.0.8', 9250, { status: 'STOPPED' }))
  await eventually({ 'legacy/web/member/gone 10.0.0.7:9250': 'lingering' })
  expect(znodes.explain('legacy/web/member/gone')?.lost).toMatchObject({ why: 'its znode is gone' })
  await eventually({})

  expect(znodes.explain('legacy/web/member/gone')?.departures).toMatchObject([
    { why: 'its znode is gone; it lingered for 3 s' },
  ])
  expect(znodes.explain('legacy/web/member/stopped')?.departures).toMatchObject([{ why: 'its end was announced' }])
})

it('lists again who comes back, as a new life', async () => {
  write('/services/web/m', member('10.0.0.7'))
  start()
  await eventually({ 'legacy/web/member/m 10.0.0.7:9250': 'listed' })
  const before = znodes.find('legacy/web/member/m')?.registration.incarnation

  zookeeper.data.remove('/services/web/m')
  await eventually({ 'legacy/web/member/m 10.0.0.7:9250': 'lingering' })
  write('/services/web/m', member('10.0.0.7'))
  await eventually({ 'legacy/web/member/m 10.0.0.7:9250': 'listed' })

  expect(Number(znodes.find('legacy/web/member/m')?.registration.incarnation)).toBeGreaterThan(Number(before))
})

it('gives an address to the later znode', async () => {
  write('/services/web/member_01', member('10.0.0.7'))
  start()
  await eventually({ 'legacy/web/member/member_01 10.0.0.7:9250': 'listed' })

  write('/services/web/member_02', member('10.0.0.7'))
  await eventually({ 'legacy/web/member/member_02 10.0.0.7:9250': 'listed' })
  expect(znodes.explain('legacy/web/member/member_01')?.coveredBy).toBe('legacy/web/member/member_02')
})

it('holds a mass loss, even of the whole path, until it is released', async () => {
  for (let index = 0; index < 20; index++) write(`/services/web/m-${index}`, member(`10.0.0.${index}`))
  start()
  await until(() => znodes.view()?.targets.length, 20)

  for (let index = 0; index < 20; index++) zookeeper.data.remove(`/services/web/m-${index}`)
  zookeeper.data.remove('/services/web')
  zookeeper.data.remove('/services')
  await until(() => new Set(Object.values(states() ?? {})), new Set(['held']))
  expect(znodes.view()?.targets).toHaveLength(20)

  expect(znodes.release(['legacy/web/member/m-3'])).toEqual(['legacy/web/member/m-3'])
  await until(() => znodes.view()?.targets.length, 19)
  expect(znodes.release()).toHaveLength(19)
  await eventually({})
})

it('keeps everything while ZooKeeper is away', async () => {
  write('/services/web/m', member('10.0.0.7'))
  start()
  await eventually({ 'legacy/web/member/m 10.0.0.7:9250': 'listed' })

  zookeeper.freeze()
  zookeeper.dropConnections()
  await stepFor(clock, 10_000)

  expect(states()).toEqual({ 'legacy/web/member/m 10.0.0.7:9250': 'listed' })
  expect(clock.monotonic() - (znodes.view()?.confirmedAt ?? 0)).toBeGreaterThan(5_000)
  zookeeper.thaw()
})

it('quarantines what may not be a target or is no good, and serves the rest', async () => {
  names['metadata.internal'] = ['169.254.169.254']
  names['mixed.internal'] = ['10.0.0.7', '127.0.0.1']
  write('/services/web/good', member('10.0.0.7'))
  write('/services/web/public', member('93.184.216.34'))
  write('/services/web/loopback', member('127.0.0.1'))
  write('/services/web/decimal', member('2130706433'))
  write('/services/web/metadata', member('metadata.internal'))
  write('/services/web/mixed', member('mixed.internal'))
  write('/services/web/nobody', member('nobody.internal'))
  write('/services/web/broken', '{')
  start()

  await eventually({ 'legacy/web/member/good 10.0.0.7:9250': 'listed' })
  const bad = new Map(znodes.view()?.quarantined.map(({ where, why }) => [where.slice('/services/web/'.length), why]))
  expect([...bad.keys()].sort()).toEqual(['broken', 'decimal', 'loopback', 'metadata', 'mixed', 'nobody', 'public'])
  expect(bad.get('metadata')).toContain('169.254.169.254 is link-local')
  expect(bad.get('mixed')).toContain('127.0.0.1 is loopback')
  expect(bad.get('nobody')).toBe('the name "nobody.internal" does not exist')
  expect(znodes.explain('legacy/web/member/broken')?.quarantined).toHaveLength(1)

  zookeeper.data.write('/services/web/broken', member('10.0.0.9'))
  await until(() => znodes.find('legacy/web/member/broken')?.state, 'listed')
})

it('resolves a name once, keeps the address, and tries again when nobody answers', async () => {
  names['worker.internal'] = ['10.0.0.7']
  isDnsDown = true
  write('/services/web/m', member('worker.internal'))
  start()
  await until(() => znodes.view()?.quarantined[0]?.why.includes('not resolved yet'), true)

  isDnsDown = false
  await eventually({ 'legacy/web/member/m 10.0.0.7:9250': 'listed' })
  expect(znodes.find('legacy/web/member/m')?.registration.host).toBe('worker.internal')
  const asked = resolved.length

  names['worker.internal'] = ['127.0.0.1']
  await stepFor(clock, 70_000)
  expect(resolved).toHaveLength(asked)
  expect(states()).toEqual({ 'legacy/web/member/m 10.0.0.7:9250': 'listed' })

  isDnsDown = true
  zookeeper.data.write('/services/web/m', member('worker.internal', 9250, { shard: 1 }))
  await until(() => resolved.length > asked, true)
  expect(states()).toEqual({ 'legacy/web/member/m 10.0.0.7:9250': 'listed' })
})

it('is one more source of the list for Prometheus', async () => {
  write('/services/web/m', member('10.0.0.7', 9250, { metadata: { team: 'a' } }))
  start()
  const list = createTargetList({ sources: [znodes], leaseSeconds: 30 }, { clock, logger: silentLogger })
  const listed = list.run(stop.signal)
  await until(() => list.page({}) !== undefined, true)

  const page = await list.page({})
  const text = Buffer.concat((page?.chunks ?? []).map((chunk) => Buffer.from(chunk))).toString()
  expect(JSON.parse(text)).toMatchObject([
    { targets: ['10.0.0.7:9250'], labels: { __meta_lagkeeper_namespace: 'legacy', __meta_lagkeeper_label_team: 'a' } },
  ])
  stop.abort()
  await listed
})
