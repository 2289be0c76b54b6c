import { expect, it } from 'vitest'
import { createReporterSearch } from '../../src/discovery/reporter-search.ts'
import { createYarnDiscoverer } from '../../src/discovery/yarn.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { containerOf, type FlinkWorld, flinkWorld, hexId } from './flink-world.ts'
import { type Collected, collect, pass, start } from './report.ts'

const id = 'application_1700000000000_0001'
const [master, one, two] = [1, 2, 3].map((number) => containerOf(id, 1, number)) as [string, string, string]
const rest = 'http://10.0.0.1:40000'
const web = '10.0.0.1:8042'

interface Yarn {
  readonly clock: FakeClock
  readonly world: FlinkWorld
  readonly report: Collected
  run(): AsyncDisposable
}

/** An application of three processes on one host, whose node knows their containers. */
function yarn(guard: (ip: string) => string | undefined = () => undefined): Yarn {
  const clock = fakeClock()
  const world = flinkWorld(clock)
  const report = collect()
  const deps = { clock, resolve: world.resolve, guard, logger: silentLogger }
  const search = createReporterSearch({ ...deps, readHead: world.readHead })
  const discoverer = createYarnDiscoverer(
    { name: 'prod', filter: {}, zone: 'default', intervalMs: 10_000, isLocal: false },
    { ...deps, search, cluster: world.yarn, createRest: world.createRest },
  )
  const jm = world.jobManager(rest, { jobs: [{ id: hexId(1), name: 'etl' }] })
  world.application(id, jm)
  world.taskManager(jm, one, '10.0.0.1', 9251)
  world.taskManager(jm, two, '10.0.0.1', 9252)
  world.jobManagerPage(jm, '10.0.0.1:9250')
  world.nodes.push({ id: '10.0.0.1:45454', host: '10.0.0.1', httpAddress: web, state: 'RUNNING' })
  runs(world, [master, one, two])
  return { clock, world, report, run: () => start(discoverer, report) }
}

function runs(world: FlinkWorld, containers: readonly string[]): void {
  world.containers.set(
    web,
    containers.map((container) => ({ id: container, state: 'RUNNING', user: 'ann' })),
  )
}

function runsUnread(world: FlinkWorld): void {
  world.containers.set(web, [
    { id: one, state: '', user: 'ann' },
    { id: two, state: 'RUNNING', user: 'ann' },
  ])
}

const instances = (report: Collected): readonly string[] => Object.keys(report.addresses()).toSorted()
const silent = (report: Collected) => report.scopes().get(id)?.silent

it('asks no node while all reporters answer', async () => {
  const { clock, world, report, run } = yarn()
  await using _ = run()
  await pass(clock, 300_000)
  expect(instances(report)).toHaveLength(3)
  expect(world.nodeCalls).toEqual([])
})

it('knows of a TaskManager that its JobManager still lists that it is dead, and searches it no more', async () => {
  const { clock, world, report, run } = yarn()
  await using _ = run()
  await pass(clock, 1_000)

  world.pages.delete('10.0.0.1:9251')
  runs(world, [master, two])
  await pass(clock, 85_000)

  expect(instances(report)).toEqual([two, 'jobmanager'])
  expect(silent(report)).toEqual([
    {
      process: one,
      host: '10.0.0.1',
      why: `node "10.0.0.1:45454" does not run container ${one} any more`,
      hasEnded: true,
    },
  ])
  expect(world.nodeCalls).toEqual(['nodes', web])
  const { length } = world.probes
  await pass(clock, 40_000)
  expect(world.probes.slice(length).filter((address) => address === '10.0.0.1:9255')).toEqual([])
})

it('takes out at once what has died while the JobManager answers nobody', async () => {
  const { clock, world, report, run } = yarn()
  await using _ = run()
  await pass(clock, 1_000)

  world.jobManagers.get(rest)!.mood = 'down'
  world.pages.delete('10.0.0.1:9251')
  runs(world, [master, two])
  await pass(clock, 70_000)

  expect(instances(report)).toEqual([two, 'jobmanager'])
  expect(report.updates.at(-1)).toMatchObject({ isRemembered: true, jobs: [{ name: 'etl' }] })
  expect(silent(report)).toMatchObject([{ process: one, hasEnded: true }])
})

it('takes out all of a JobManager that was killed with its TaskManagers', async () => {
  const { clock, world, report, run } = yarn()
  await using _ = run()
  await pass(clock, 1_000)

  world.jobManagers.delete(rest)
  world.pages.clear()
  world.containers.set(web, [{ id: master, state: 'DONE', user: 'ann' }])
  await pass(clock, 75_000)

  expect(instances(report)).toEqual([])
  expect(silent(report)?.find(({ process }) => process === 'jobmanager')?.why).toBe(
    `container ${master} has ended: node "10.0.0.1:45454" says DONE`,
  )
})

it.each(['DONE', 'EXITED_WITH_FAILURE', 'CONTAINER_CLEANEDUP_AFTER_KILL'])(
  'takes out a TaskManager whose page hangs when its container is %s',
  async (state) => {
    const { clock, world, report, run } = yarn()
    await using _ = run()
    await pass(clock, 1_000)

    world.pages.set('10.0.0.1:9251', 'hung')
    await pass(clock, 120_000)
    expect(instances(report)).toEqual([one, two, 'jobmanager'])

    world.containers.set(web, [
      { id: one, state, user: 'ann' },
      { id: two, state: 'RUNNING', user: 'ann' },
    ])
    await pass(clock, 30_000)
    expect(instances(report)).toEqual([two, 'jobmanager'])
    expect(silent(report)).toMatchObject([{ process: one, hasEnded: true }])
  },
)

it.each([
  ['hangs', (world: FlinkWorld) => void world.containers.set(web, 'hung')],
  ['refuses', (world: FlinkWorld) => void world.containers.delete(web)],
  ['tells of a container that cannot be read', (world: FlinkWorld) => runsUnread(world)],
  ['is not in the list', (world: FlinkWorld) => void world.nodes.splice(0)],
])('concludes nothing from a node that %s, and waits for none', async (_what, harm) => {
  const { clock, world, report, run } = yarn()
  await using _ = run()
  await pass(clock, 1_000)
  world.pages.set('10.0.0.1:9251', 'hung')
  harm(world)

  await pass(clock, 120_000)
  expect(instances(report)).toEqual([one, two, 'jobmanager'])
  expect(report.cycles.length).toBeGreaterThanOrEqual(11)
  expect(report.cycles.every(({ complete }) => complete)).toBe(true)
  // One that fails is left in peace for a while.
  expect(world.nodeCalls.length).toBeLessThanOrEqual(8)
})

it('concludes nothing from what it may not see', async () => {
  const { clock, world, report, run } = yarn()
  await using _ = run()
  await pass(clock, 1_000)
  const application = world.applications.get(id)!
  world.applications.set(id, { ...application, withheld: true })
  world.pages.set('10.0.0.1:9251', 'hung')
  world.containers.set(web, [])

  await pass(clock, 120_000)
  expect(instances(report)).toEqual([one, two, 'jobmanager'])
  expect(world.nodeCalls).toEqual([])
})

it('asks no NodeManager at an address that may not be asked', async () => {
  const { clock, world, report, run } = yarn((ip) => (ip === '169.254.169.254' ? 'link-local' : undefined))
  await using _ = run()
  await pass(clock, 1_000)
  world.nodes[0] = { ...world.nodes[0]!, httpAddress: '169.254.169.254:80' }
  world.containers.set('169.254.169.254:80', [])
  world.pages.set('10.0.0.1:9251', 'hung')

  await pass(clock, 120_000)
  expect(instances(report)).toEqual([one, two, 'jobmanager'])
  expect(world.nodeCalls.filter((call) => call !== 'nodes')).toEqual([])
})

it('asks a node once for all of its containers', async () => {
  const { clock, world, report, run } = yarn()
  const jm = world.jobManagers.get(rest)!
  for (let number = 4; number < 12; number++)
    world.taskManager(jm, containerOf(id, 1, number), '10.0.0.1', 9_249 + number)
  await using _ = run()
  await pass(clock, 1_000)
  expect(instances(report)).toHaveLength(11)

  world.jobManagers.get(rest)!.mood = 'down'
  world.pages.clear()
  runs(world, [])
  await pass(clock, 75_000)
  expect(instances(report)).toEqual([])
  expect(world.nodeCalls.length).toBeLessThanOrEqual(3)
})
