import { expect, it } from 'vitest'
import { createReporterSearch } from '../../src/discovery/reporter-search.ts'
import { createYarnDiscoverer, type YarnDiscovererOptions } from '../../src/discovery/yarn.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { containerOf, type FlinkWorld, flinkWorld, hexId } from './flink-world.ts'
import { type Collected, collect, pass, start } from './report.ts'

interface Yarn {
  readonly clock: FakeClock
  readonly world: FlinkWorld
  readonly report: Collected
  run(): AsyncDisposable
}

function yarn(options: Partial<YarnDiscovererOptions> = {}): Yarn {
  const clock = fakeClock()
  const world = flinkWorld(clock)
  const report = collect()
  const deps = { clock, resolve: world.resolve, guard: () => undefined, logger: silentLogger }
  const search = createReporterSearch({ ...deps, readHead: world.readHead })
  const discoverer = createYarnDiscoverer(
    { name: 'prod', filter: {}, zone: 'default', intervalMs: 10_000, isLocal: false, ...options },
    { ...deps, search, cluster: world.yarn, createRest: world.createRest },
  )
  return { clock, world, report, run: () => start(discoverer, report) }
}

/** Application `number` with two TaskManagers on one host, and everything as it should be. */
function application(world: FlinkWorld, number: number, host = `10.0.0.${number}`): string {
  const id = `application_1700000000000_${String(number).padStart(4, '0')}`
  const jm = world.jobManager(`http://${host}:40000`, { jobs: [{ id: hexId(number), name: `orders.etl-${number}` }] })
  world.application(id, jm)
  world.taskManager(jm, containerOf(id, 1, 2), host, 9251)
  world.taskManager(jm, containerOf(id, 1, 3), host, 9252)
  world.jobManagerPage(jm, `${host}:9250`)
  return id
}

it('finds all processes of an application in the first look, with all that is known of them', async () => {
  const { clock, world, report, run } = yarn()
  const id = application(world, 1)
  await using _ = run()

  await pass(clock, 1_000)

  expect(report.addresses()).toEqual({
    jobmanager: '10.0.0.1:9250',
    [containerOf(id, 1, 2)]: '10.0.0.1:9251',
    [containerOf(id, 1, 3)]: '10.0.0.1:9252',
  })
  const facts = {
    applicationId: id,
    attempt: '1',
    flinkCluster: 'prod',
    flinkJob: 'orders.etl-1',
    queue: 'root.stream',
    user: 'ann',
    version: '1.20.5',
  }
  expect(report.reporter(`prod/${id}/taskmanager/${containerOf(id, 1, 2)}`)).toEqual({
    namespace: 'prod',
    app: id,
    role: 'taskmanager',
    instance: containerOf(id, 1, 2),
    incarnation: '1',
    address: '10.0.0.1:9251',
    zone: 'default',
    tmId: containerOf(id, 1, 2),
    facts: { ...facts, kind: 'flink-tm', containerId: containerOf(id, 1, 2) },
  })
  expect(report.reporter(`prod/${id}/jobmanager/jobmanager`)).toMatchObject({
    incarnation: containerOf(id, 1, 1),
    facts: { ...facts, kind: 'flink-jm', containerId: containerOf(id, 1, 1) },
  })
  expect(report.cycles).toEqual([{ complete: true, problems: [] }])
  expect(
    report
      .scopes()
      .get(id)
      ?.jobs.map(({ name, application }) => [name, application?.attempt]),
  ).toEqual([['orders.etl-1', 1]])
})

it('asks no port again while nothing changes, but for a look a minute at each process', async () => {
  const { clock, world, run } = yarn()
  application(world, 1)
  await using _ = run()

  await pass(clock, 1_000)
  const first = world.probes.length
  await pass(clock, 50_000)
  expect(world.probes.length).toBe(first)
  await pass(clock, 60_000)
  expect(world.probes.length).toBe(first + 3)
})

it('reads 499 applications on time although one is stuck, and says that the look was not complete', async () => {
  const { clock, world, report, run } = yarn()
  for (let number = 1; number <= 500; number++) application(world, number, `10.0.${number >> 8}.${number & 255}`)
  const stuck = 'application_1700000000000_0007'
  world.jobManagers.get('http://10.0.0.7:40000')!.mood = 'hung'
  await using _ = run()

  await pass(clock, 2_000)
  expect(report.scopes().size).toBe(499)
  expect(report.scopes().has(stuck)).toBe(false)

  await pass(clock, 17_500)
  expect(report.cycles).toHaveLength(2)
  for (const { complete, problems } of report.cycles) {
    expect(complete).toBe(false)
    expect(problems).toHaveLength(1)
  }
  expect(report.updates.filter(({ scope }) => scope === 'application_1700000000000_0001')).toHaveLength(2)
}, 60_000)

it('is not held up by fifty applications that hang', async () => {
  const { clock, world, report, run } = yarn()
  for (let number = 1; number <= 60; number++) application(world, number)
  for (let number = 1; number <= 50; number++) world.jobManagers.get(`http://10.0.0.${number}:40000`)!.mood = 'hung'
  await using _ = run()
  await pass(clock, 70_000)
  report.updates.length = 0

  await pass(clock, 30_000)

  for (let number = 51; number <= 60; number++) {
    const scope = `application_1700000000000_00${number}`
    expect(report.updates.filter((found) => found.scope === scope).length).toBeGreaterThanOrEqual(3)
  }
})

it('goes on with those it has read while a hundred come at once that hang', async () => {
  const { clock, world, report, run } = yarn()
  const known = application(world, 1)
  await using _ = run()
  await pass(clock, 15_000)
  for (let number = 2; number <= 120; number++) {
    application(world, number)
    world.jobManagers.get(`http://10.0.0.${number}:40000`)!.mood = 'hung'
  }
  await pass(clock, 10_000)
  report.updates.length = 0

  await pass(clock, 40_000)

  expect(report.updates.filter(({ scope }) => scope === known).length).toBeGreaterThanOrEqual(3)
})

it.each(['FINISHED', 'FAILED', 'KILLED'])(
  'reports the end of an application that is %s at the next look',
  async (state) => {
    const { clock, world, report, run } = yarn()
    const id = application(world, 1)
    await using _ = run()
    await pass(clock, 1_000)

    world.applications.set(id, { ...world.applications.get(id)!, state })
    await pass(clock, 10_000)

    expect(report.updates.at(-1)).toEqual({
      scope: id,
      flinkCluster: 'prod',
      reporters: [],
      silent: [],
      jobs: [],
      ended: true,
    })
    expect(world.openClients.size).toBe(0)
  },
)

it('takes a new attempt for what it is: nothing of the old one stays', async () => {
  const { clock, world, report, run } = yarn()
  const id = application(world, 1)
  await using _ = run()
  await pass(clock, 1_000)

  // The ApplicationMaster is gone, and with it all processes.
  world.applications.set(id, omit(world.applications.get(id)!, 'ACCEPTED'))
  world.pages.clear()
  await pass(clock, 10_000)
  expect(report.scopes().get(id)?.reporters).toHaveLength(3)
  expect(report.cycles.at(-1)?.complete).toBe(true)

  const jm = world.jobManager('http://10.0.0.1:40077', { jobs: [{ id: hexId(99), name: 'orders.etl-1' }] })
  world.attempts.get(id)!.push({ number: 2, containerId: containerOf(id, 2, 1) })
  world.application(id, jm)
  world.taskManager(jm, containerOf(id, 2, 2), '10.0.0.1', 9250)
  world.jobManagerPage(jm, '10.0.0.1:9251')
  await pass(clock, 10_000)

  expect(report.addresses()).toEqual({ jobmanager: '10.0.0.1:9251', [containerOf(id, 2, 2)]: '10.0.0.1:9250' })
  expect(report.reporter(`prod/${id}/jobmanager/jobmanager`)).toMatchObject({
    incarnation: containerOf(id, 2, 1),
    facts: { attempt: '2' },
  })
})

it('sees a new attempt at the address of the old one by its containers', async () => {
  const { clock, world, report, run } = yarn()
  const id = application(world, 1)
  await using _ = run()
  await pass(clock, 1_000)

  const jm = world.jobManagers.get('http://10.0.0.1:40000')!
  jm.taskManagers = []
  world.pages.clear()
  world.taskManager(jm, containerOf(id, 2, 2), '10.0.0.1', 9251)
  world.jobManagerPage(jm, '10.0.0.1:9250')
  world.attempts.get(id)!.push({ number: 2, containerId: containerOf(id, 2, 1) })
  await pass(clock, 20_000)

  expect(report.addresses()).toEqual({ jobmanager: '10.0.0.1:9250', [containerOf(id, 2, 2)]: '10.0.0.1:9251' })
  expect(report.reporter(`prod/${id}/jobmanager/jobmanager`)?.incarnation).toBe(containerOf(id, 2, 1))
})

it('goes on reading JobManagers while no ResourceManager answers', async () => {
  const { clock, world, report, run } = yarn()
  const id = application(world, 1)
  await using _ = run()
  await pass(clock, 1_000)

  for (const mood of ['down', 'hung'] as const) {
    world.yarnMood = mood
    await pass(clock, 10_000)
    report.updates.length = 0
    report.cycles.length = 0
    await pass(clock, 30_000)

    expect(report.updates.length).toBeGreaterThanOrEqual(3)
    expect(report.updates.every(({ scope, ended }) => scope === id && ended === undefined)).toBe(true)
    expect(report.cycles.every(({ complete }) => !complete)).toBe(true)
  }
})

it('does not believe a ResourceManager that has forgotten everything, while the JobManager answers', async () => {
  const { clock, world, report, run } = yarn()
  application(world, 1)
  await using _ = run()
  await pass(clock, 1_000)

  world.yarnMood = 'forgetful'
  await pass(clock, 60_000)
  expect(report.scopes().size).toBe(1)

  world.jobManagers.get('http://10.0.0.1:40000')!.mood = 'down'
  await pass(clock, 70_000)
  expect(report.scopes().size).toBe(0)
})

it('asks through the proxy when the JobManager cannot be reached, and finds its reporter on the host of its node', async () => {
  const { clock, world, report, run } = yarn()
  const id = application(world, 1)
  const jm = world.jobManagers.get('http://10.0.0.1:40000')!
  world.jobManagers.delete(jm.url)
  world.jobManagers.set(`http://10.9.9.9:8088/proxy/${id}`, jm)
  world.application(id, jm, { trackingUrl: `http://10.9.9.9:8088/proxy/${id}/` })
  await using _ = run()
  await pass(clock, 1_000)

  expect(report.addresses()).toMatchObject({ jobmanager: '10.0.0.1:9250' })
  expect(report.cycles).toEqual([{ complete: true, problems: [] }])
  world.restCalls.length = 0
  await pass(clock, 10_000)
  expect(world.restCalls).toEqual([`http://10.9.9.9:8088/proxy/${id}`])
})

it.each([
  ['http://169.254.169.254:8088/proxy/x/', 'the guard refuses it'],
  ['http://metadata.internal:8088/proxy/x/', 'the guard refuses what its name stands for'],
  ['https://metadata.internal:8088/proxy/x/', 'the guard refuses what its name stands for'],
  ['http://[fd00:ec2::254]/proxy/x/', 'the guard refuses it'],
])('does not ask a proxy at %s: %s', async (trackingUrl) => {
  const clock = fakeClock()
  const world = flinkWorld(clock)
  world.names.set('metadata.internal', ['169.254.169.254'])
  const id = application(world, 1)
  const jm = world.jobManagers.get('http://10.0.0.1:40000')!
  jm.mood = 'down'
  world.application(id, jm, { trackingUrl })
  const guard = (ip: string): string | undefined =>
    ip.startsWith('169.254') || ip.startsWith('fd00:') ? `${ip} is never a target` : undefined
  const deps = { clock, resolve: world.resolve, guard, logger: silentLogger }
  const report = collect()
  const discoverer = createYarnDiscoverer(
    { name: 'prod', filter: {}, zone: 'default', intervalMs: 10_000, isLocal: false },
    {
      ...deps,
      search: createReporterSearch({ ...deps, readHead: world.readHead }),
      cluster: world.yarn,
      createRest: world.createRest,
      proxyHosts: ['10.9.9.9'],
    },
  )
  await using _ = start(discoverer, report)
  await pass(clock, 1_000)

  expect(new Set(world.restCalls)).toEqual(new Set(['http://10.0.0.1:40000']))
  expect(
    report.cycles
      .at(-1)
      ?.problems.map(({ message }) => message)
      .join(),
  ).toContain('may not be asked')
})

it('does not believe the JobManager of another application, and goes on with what it knew', async () => {
  const { clock, world, report, run } = yarn()
  application(world, 1)
  application(world, 2)
  await using _ = run()
  await pass(clock, 1_000)
  const before = report.scopes()
  const [one, other] = ['http://10.0.0.1:40000', 'http://10.0.0.2:40000'].map((url) => world.jobManagers.get(url)!)

  world.jobManagers.set('http://10.0.0.1:40000', { ...other!, url: 'http://10.0.0.1:40000' })
  await pass(clock, 20_000)
  expect(report.scopes()).toEqual(before)
  expect(report.cycles.at(-1)).toMatchObject({ complete: false, isUp: true })
  expect(report.cycles.at(-1)?.problems.map(({ message }) => message)).toEqual([
    expect.stringContaining(
      'it is the JobManager of application_1700000000000_0002, expected application_1700000000000_0001',
    ),
  ])

  world.jobManagers.set('http://10.0.0.1:40000', one!)
  await pass(clock, 20_000)
  expect(report.cycles.at(-1)).toEqual({ complete: true, problems: [] })
})

it('says that YARN is down only when it cannot be read itself', async () => {
  const { clock, world, report, run } = yarn()
  application(world, 1)
  await using _ = run()
  world.jobManagers.get('http://10.0.0.1:40000')!.mood = 'down'
  await pass(clock, 1_000)
  expect(report.cycles.at(-1)).toMatchObject({ complete: false, isUp: true })
  world.yarnMood = 'down'
  await pass(clock, 10_000)
  expect(report.cycles.at(-1)?.complete).toBe(false)
  expect(report.cycles.at(-1)).not.toHaveProperty('isUp')
})

it('asks nobody at an address that its guard refuses', async () => {
  const clock = fakeClock()
  const world = flinkWorld(clock)
  application(world, 1, '169.254.169.254')
  application(world, 2, '127.0.0.1')
  const guard = (ip: string, caller: { isLoopback: boolean }): string | undefined =>
    ip.startsWith('169.254') || (ip.startsWith('127.') && !caller.isLoopback) ? `${ip} is never a target` : undefined
  const deps = { clock, resolve: world.resolve, guard, logger: silentLogger }
  const search = createReporterSearch({ ...deps, readHead: world.readHead })
  const report = collect()
  const options = { name: 'prod', filter: {}, zone: 'default', intervalMs: 10_000, isLocal: false }
  const more = { ...deps, search, cluster: world.yarn, createRest: world.createRest }
  await using _ = start(createYarnDiscoverer(options, more), report)

  await pass(clock, 1_000)

  expect(world.restCalls).toEqual([])
  expect(world.probes).toEqual([])
  expect(report.cycles[0]?.problems.map(({ message }) => message).join()).toContain('is never a target')
})

it('needs no more than one request a port for 20 processes that share a range on one host', async () => {
  const { clock, world, report, run } = yarn({ ports: Array.from({ length: 20 }, (_, at) => 9250 + at) })
  for (let number = 1; number <= 10; number++) {
    const id = `application_1700000000000_${String(number).padStart(4, '0')}`
    const jm = world.jobManager(`http://10.0.0.1:${40_000 + number}`, { jobs: [{ id: hexId(number), name: 'same' }] })
    world.application(id, jm)
    world.taskManager(jm, containerOf(id, 1, 2), '10.0.0.1', 9250 + ((number * 7) % 20))
    world.jobManagerPage(jm, `10.0.0.1:${9250 + ((number * 7 + 10) % 20)}`)
  }
  await using _ = run()

  await pass(clock, 2_000)

  expect([...report.scopes().values()].flatMap(({ reporters }) => reporters)).toHaveLength(20)
  expect([...report.scopes().values()].flatMap(({ silent }) => silent)).toEqual([])
  expect(world.probes).toHaveLength(20)
})

function omit<T extends { amRpcAddress?: string; state: string }>(from: T, state: string): T {
  const { amRpcAddress: _, ...rest } = from
  return Object.assign({}, from, { amRpcAddress: undefined }, rest, { state })
}
