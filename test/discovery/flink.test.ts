import { expect, it } from 'vitest'
import { createFlinkDiscoverer, type FlinkDiscovererOptions } from '../../src/discovery/flink.ts'
import { createReporterSearch } from '../../src/discovery/reporter-search.ts'
import type { ReporterSearch } from '../../src/discovery/sought.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createAddressGuard } from '../../src/targets/address-guard.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { type FlinkWorld, flinkWorld, hexId } from './flink-world.ts'
import { type Collected, collect, pass, start } from './report.ts'

interface Flink {
  readonly clock: FakeClock
  readonly world: FlinkWorld
  readonly report: Collected
  readonly search: ReporterSearch
  run(): AsyncDisposable
}

function flink(options: Partial<FlinkDiscovererOptions> = {}): Flink {
  const clock = fakeClock()
  const world = flinkWorld(clock)
  const report = collect()
  const guard = createAddressGuard(['10.0.0.0/8'])
  const deps = { clock, resolve: world.resolve, guard, logger: silentLogger }
  const search = createReporterSearch({ ...deps, readHead: world.readHead })
  const discoverer = createFlinkDiscoverer(
    { name: 'dev', rest: ['http://10.0.0.1:8081'], zone: 'default', intervalMs: 10_000, ...options },
    { ...deps, createRest: world.createRest, search },
  )
  return { clock, world, report, search, run: () => start(discoverer, report) }
}

const etl = { id: hexId(1), name: 'orders.etl' }
const only = (report: Collected) => report.scopes().get('session')

it('finds JobManager and TaskManagers of a cluster, whose jobs are nobody else', async () => {
  const { clock, world, report, run } = flink()
  const jm = world.jobManager('http://10.0.0.1:8081', { jobs: [etl] })
  world.taskManager(jm, '10.0.0.2:20130-3771c3', '10.0.0.2', 9250)
  world.taskManager(jm, '24146d78267160e213eaa8319ed21b24', '10.0.0.3', 9251)
  world.jobManagerPage(jm, '10.0.0.1:9250')
  await using _ = run()

  await pass(clock, 1_000)

  expect(report.addresses()).toEqual({
    '10.0.0.1:8081': '10.0.0.1:9250',
    '10.0.0.2:20130-3771c3': '10.0.0.2:9250',
    '24146d78267160e213eaa8319ed21b24': '10.0.0.3:9251',
  })
  expect(report.reporter('dev/session/taskmanager/10.0.0.2:20130-3771c3')).toMatchObject({
    facts: { kind: 'flink-tm', flinkCluster: 'dev', version: '1.20.5' },
    tmId: '10.0.0.2:20130-3771c3',
  })
  expect(report.cycles).toEqual([{ complete: true, problems: [] }])
})

it('names no password of an address that it cannot read', async () => {
  const hangs = 'http://bob:s3cret@10.0.0.1:8081'
  const { clock, world, report, run } = flink({ rest: [hangs, 'http://bob:s3cret@nowhere:8081'] })
  world.jobManager(hangs, { mood: 'hung' })
  await using _ = run()

  await pass(clock, 25_000)

  const said = JSON.stringify(report.cycles)
  expect(said).toContain('http://10.0.0.1:8081')
  expect(said).toContain('http://nowhere:8081')
  expect(said).not.toContain('s3cret')
})

it('lists a TaskManager within one interval after it has registered', async () => {
  const { clock, world, report, run } = flink()
  const jm = world.jobManager('http://10.0.0.1:8081')
  await using _ = run()
  await pass(clock, 1_000)

  world.taskManager(jm, '10.0.0.2:20130-3771c3', '10.0.0.2', 9260)
  await pass(clock, 10_000)

  expect(Object.values(report.addresses())).toContain('10.0.0.2:9260')
})

it('asks the next JobManager when one is down or hangs, and stays with the one that answers', async () => {
  const { clock, world, report, run } = flink({ rest: ['http://10.0.0.1:8081', 'http://10.0.0.2:8081'], lookMs: 4_000 })
  world.jobManager('http://10.0.0.1:8081', { jobs: [etl], mood: 'hung' })
  const second = world.jobManager('http://10.0.0.2:8081', { jobs: [etl] })
  world.jobManagerPage(second, '10.0.0.2:9250')
  world.pages.set('10.0.0.1:9250', { kind: 'jobmanager', jobs: [], taskManagers: 0 })
  await using _ = run()

  await pass(clock, 6_000)
  expect(report.cycles).toEqual([{ complete: true, problems: [] }])
  // The one on standby has a reporter too.
  expect(report.addresses()).toEqual({ '10.0.0.1:8081': '10.0.0.1:9250', '10.0.0.2:8081': '10.0.0.2:9250' })

  world.restCalls.length = 0
  await pass(clock, 10_000)
  expect(world.restCalls.filter((call) => !call.includes('log'))).toEqual(['http://10.0.0.2:8081'])
})

it('takes all addresses of a name for JobManagers, and looks the name up at each look', async () => {
  const { clock, world, report, run } = flink({ rest: ['http://jobmanager:8081/'] })
  world.names.set('jobmanager', ['10.0.0.1', '10.0.0.2'])
  world.jobManager('http://10.0.0.2:8081', { jobs: [etl] })
  await using _ = run()
  await pass(clock, 1_000)
  expect(only(report)?.jobs.map(({ rest }) => rest)).toEqual(['http://10.0.0.2:8081'])

  world.names.set('jobmanager', ['10.0.0.3'])
  world.jobManager('http://jobmanager:8081', { jobs: [etl] })
  await pass(clock, 10_000)
  expect(only(report)?.jobs.map(({ rest }) => rest)).toEqual(['http://jobmanager:8081'])
  expect([...world.openClients]).toEqual(['http://jobmanager:8081'])
})

it('reports nothing while nobody can be read, and says why', async () => {
  const { clock, world, report, search, run } = flink({ rest: ['http://10.0.0.1:8081', 'http://nowhere:8081'] })
  const jm = world.jobManager('http://10.0.0.1:8081')
  world.taskManager(jm, '10.0.0.2:20130-3771c3', '10.0.0.2', 9250)
  await using _ = run()
  await pass(clock, 1_000)

  jm.mood = 'down'
  report.updates.length = 0
  await pass(clock, 20_000)

  expect(report.updates).toEqual([])
  expect(report.cycles.at(-1)?.complete).toBe(false)
  // Its processes are looked at, so that it is known which of them live.
  await pass(clock, 60_000)
  const seenAt = search.seenAt('dev/session/taskmanager/10.0.0.2:20130-3771c3')
  expect(clock.monotonic() - (seenAt ?? 0)).toBeLessThan(45_000)
  expect(report.cycles.at(-1)?.problems.map(({ message }) => message)).toEqual([
    'Find the JobManager "http://nowhere:8081": there is no host "nowhere"',
    'Read "http://10.0.0.1:8081": connect ECONNREFUSED',
  ])
})

it('keeps a TaskManager that a new JobManager does not know yet, while its page answers', async () => {
  const { clock, world, report, run } = flink()
  const jm = world.jobManager('http://10.0.0.1:8081')
  world.taskManager(jm, '10.0.0.2:20130-3771c3', '10.0.0.2', 9250)
  world.taskManager(jm, '10.0.0.3:20130-000000', '10.0.0.3', 9250)
  await using _ = run()
  await pass(clock, 1_000)

  jm.taskManagers = []
  world.pages.delete('10.0.0.3:9250')
  await pass(clock, 10_000)
  expect(Object.values(report.addresses())).toEqual(['10.0.0.2:9250'])

  await pass(clock, 70_000)
  expect(report.addresses()).toEqual({})
})

it('finds out by its reporter that a TaskManager is dead that the JobManager still lists', async () => {
  const { clock, world, report, run } = flink()
  const jm = world.jobManager('http://10.0.0.1:8081')
  world.taskManager(jm, '10.0.0.2:20130-3771c3', '10.0.0.2', 9250)
  await using _ = run()
  await pass(clock, 1_000)

  world.pages.delete('10.0.0.2:9250')
  await pass(clock, 70_000)

  expect(report.addresses()).toEqual({})
  expect(only(report)?.silent).toContainEqual({
    process: '10.0.0.2:20130-3771c3',
    host: '10.0.0.2',
    why: 'nothing listens on ports 9250-9260 of "10.0.0.2"',
    lostAt: expect.any(Number),
  })
})

it('counts the lives of an id that its configuration gives to one process after the other', async () => {
  const { clock, world, report, run } = flink()
  const jm = world.jobManager('http://10.0.0.1:8081')
  const appear = () => world.taskManager(jm, 'worker/7', '10.0.0.2', 9250)
  appear()
  await using _ = run()
  await pass(clock, 1_000)
  expect(report.reporter('dev/session/taskmanager/worker_7')?.incarnation).toBe('1')

  jm.taskManagers = []
  world.pages.clear()
  await pass(clock, 10_000)
  appear()
  await pass(clock, 10_000)

  expect(report.reporter('dev/session/taskmanager/worker_7')).toMatchObject({ incarnation: '2', tmId: 'worker/7' })
})

it.each([
  [[], 'no Prometheus reporter is configured'],
  [
    [{ name: 'prom', configuredBy: 'class', port: '9250', filtersLabels: true }],
    'metrics.reporter.prom.class, which Flink 1.20.5 does not take: use factory.class',
  ],
  [
    [{ name: 'prom', configuredBy: 'factory', port: '9250-9251', filtersLabels: true }],
    'nothing listens on ports 9250-9251 of "10.0.0.2"',
  ],
  [undefined, 'the ports of its reporter are not known'],
] as const)('says why a process has no reporter: %j', async (reporters, why) => {
  const { clock, world, report, run } = flink()
  const jm = world.jobManager('http://10.0.0.1:8081', { reporters: reporters && [...reporters] })
  world.taskManager(jm, '10.0.0.2:20130-3771c3', '10.0.0.2', undefined)
  await using _ = run()

  await pass(clock, 1_000)

  expect(only(report)?.silent.find(({ process }) => process !== 'jobmanager')?.why).toContain(why)
})

it('learns a port outside the range from the log, without waiting for it', async () => {
  const { clock, world, report, run } = flink({ ports: [9250] })
  const jm = world.jobManager('http://10.0.0.1:8081')
  world.taskManager(jm, '10.0.0.2:20130-3771c3', '10.0.0.2', 9999)
  jm.logPorts.set('10.0.0.2:20130-3771c3', 9999)
  await using _ = run()

  await pass(clock, 1_000)
  expect(report.cycles).toHaveLength(1)
  await pass(clock, 10_000)
  expect(Object.values(report.addresses())).toEqual(['10.0.0.2:9999'])
})

it('goes on with a search that lasts longer than a look', async () => {
  const ports = Array.from({ length: 60 }, (_, at) => 9200 + at)
  const { clock, world, report, run } = flink({ ports })
  const jm = world.jobManager('http://10.0.0.1:8081', { jobs: [etl] })
  world.taskManager(jm, '10.0.0.2:20130-3771c3', '10.0.0.2', 9259)
  for (const port of ports.slice(0, -1)) world.pages.set(`10.0.0.2:${port}`, 'hung')
  await using _ = run()

  await pass(clock, 9_000)
  expect(only(report)?.silent).toContainEqual({
    process: '10.0.0.2:20130-3771c3',
    host: '10.0.0.2',
    why: 'its ports are still being asked',
  })
  await pass(clock, 52_000)
  expect(Object.values(report.addresses())).toEqual(['10.0.0.2:9259'])
  expect(report.cycles.every(({ complete }) => complete)).toBe(true)
})

it('keeps nothing of a process that left while it was looked for', async () => {
  const ports = Array.from({ length: 60 }, (_, at) => 9200 + at)
  const { clock, world, search, run } = flink({ ports })
  const jm = world.jobManager('http://10.0.0.1:8081', { jobs: [etl] })
  world.taskManager(jm, '10.0.0.2:20130-3771c3', '10.0.0.2', 9259)
  for (const port of ports.slice(0, -1)) world.pages.set(`10.0.0.2:${port}`, 'hung')
  await using _ = run()

  await pass(clock, 9_000)
  jm.taskManagers = []
  await pass(clock, 62_000)
  expect(world.probes).toContain('10.0.0.2:9259')
  expect(search.seenAt('dev/session/taskmanager/10.0.0.2:20130-3771c3')).toBeUndefined()
})

it('does not take loopback of somebody else for our own machine', async () => {
  const { clock, world, report, run } = flink()
  const jm = world.jobManager('http://10.0.0.1:8081')
  world.taskManager(jm, '127.0.0.1:20130-3771c3', '127.0.0.1', 9250)
  await using _ = run()

  await pass(clock, 1_000)

  expect(world.probes.some((address) => address.startsWith('127.'))).toBe(false)
  expect(
    only(report)
      ?.silent.map(({ why }) => why)
      .join(),
  ).toContain('is loopback')
})
