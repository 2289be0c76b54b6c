import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readPageHead } from '../../src/app/page-heads.ts'
import type { FoundReporter } from '../../src/discovery/discoverer.ts'
import { discoverers } from '../../src/discovery/index.ts'
import { createReporterSearch } from '../../src/discovery/reporter-search.ts'
import { createFlinkRest } from '../../src/flink/flink-rest.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { sqlVertices } from '../../src/simulator/flink-plan.ts'
import { createFlinkWorld, type FlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { createSimulatedYarn, type SimulatedYarn } from '../../src/simulator/simulated-yarn.ts'
import { createYarnCluster } from '../../src/yarn/yarn-cluster.ts'
import { collect, start } from '../discovery/report.ts'

const deps = { clock: systemClock, logger: silentLogger }
const signal = AbortSignal.timeout(60_000)

let world: FlinkWorld
let simulated: SimulatedYarn

/** Two applications, of five processes. */
async function begin(reporterPorts = 12): Promise<void> {
  const kafka = createKafkaState('4.3', [1], seededRandom(1))
  kafka.createTopic('orders', 4)
  for (let partition = 0; partition < 4; partition++) kafka.append('orders', partition, 1_000)
  world = createFlinkWorld(kafka, { now: Date.now, random: seededRandom(2) })
  for (const [name, parallelism] of [
    ['wide', 2],
    ['narrow', 1],
  ] as const) {
    const vertices = sqlVertices({ table: 'orders', topics: ['orders'], sink: 'sums', group: name, parallelism })
    world.submit({ name, version: '2.2.1', slots: 1, jobs: [{ name, vertices, checkpointSeconds: 3 }] })
  }
  simulated = await createSimulatedYarn(world, { reporterPorts })
  await simulated.tick()
}

async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) await simulated.tick()
}

async function tmIdAt(port: number | undefined): Promise<string | undefined> {
  // Not over a connection that is about to be cut.
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } })
  return /tm_id="([^"]+)"/.exec(await answer.text())?.[1]
}

afterEach(() => simulated.close())

describe('Ports of a simulated YARN', () => {
  beforeEach(() => begin())

  it('go to the successor of a killed TaskManager at once', async () => {
    const { cluster } = world.find('wide')
    const { id, reporterPort } = cluster.taskManagers[0]!.process
    expect(await tmIdAt(reporterPort)).toBe(id)

    world.killTaskManager(id)
    await simulated.settle()

    expect(await tmIdAt(reporterPort)).toMatch(/_01_000004$/)
  })

  it('close with the ApplicationMaster, which YARN goes on naming until it notices', async () => {
    const { application } = world.find('wide')
    const yarn = createYarnCluster({ name: 'sim', resourceManagers: simulated.resourceManagers }, deps)
    const { id } = application.application
    const before = (await yarn.application(id, signal))?.amRpcAddress
    const { reporterPort } = application.cluster!.jobManager

    world.killApplicationMaster(application)
    await simulated.settle()
    await expect(fetch(`http://${before}/jobs/overview`)).rejects.toThrow('fetch failed')
    await expect(fetch(`http://127.0.0.1:${reporterPort}/metrics`)).rejects.toThrow('fetch failed')
    expect(await yarn.application(id, signal)).toMatchObject({ state: 'RUNNING', amRpcAddress: before })

    await pass(2)
    expect((await yarn.application(id, signal))?.state).toBe('ACCEPTED')
    await pass(1)
    const after = (await yarn.application(id, signal))?.amRpcAddress
    expect(after).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(after).not.toBe(before)
    expect((await fetch(`http://${after}/jobs/overview`)).status).toBe(200)
    yarn.close()
  })

  it('take connections and answer nothing while their process is frozen, also through the proxy', async () => {
    const { application, cluster } = world.find('wide')
    const { restPort, reporterPort } = cluster.jobManager
    const proxy = `${simulated.resourceManagers[0]}/proxy/${application.application.id}/jobs/overview`
    const urls = [`http://127.0.0.1:${restPort}/jobs/overview`, `http://127.0.0.1:${reporterPort}/metrics`, proxy]
    const ask = (url: string) => fetch(url, { signal: AbortSignal.timeout(300) })

    for (const url of urls) expect((await ask(url)).status).toBe(200)
    cluster.jobManager.isFrozen = true
    for (const url of urls) await expect(ask(url)).rejects.toThrow('timeout')
    delete cluster.jobManager.isFrozen
    for (const url of urls) expect((await ask(url)).status).toBe(200)
  })

  it('say nothing of the log of a TaskManager that is dead, until that is noticed', async () => {
    const { cluster } = world.find('wide')
    const { id } = cluster.taskManagers[0]!.process
    const url = `http://127.0.0.1:${cluster.jobManager.restPort}/taskmanagers/${id}/log`
    const ask = () => fetch(url, { signal: AbortSignal.timeout(300) })
    expect((await ask()).status).toBe(200)
    world.killTaskManager(id)
    await simulated.settle()

    await expect(ask()).rejects.toThrow('timeout')
    await pass(5)
    expect((await ask()).status).toBe(404)
  })

  it('are all closed at the end, and the same when they are opened again', async () => {
    const ports = world.processes().map(({ process }) => process.reporterPort)
    const urls = [
      ...ports.map((port) => `http://127.0.0.1:${port}/metrics`),
      `${simulated.resourceManagers[0]}/isActive`,
    ]
    await simulated.close()
    for (const url of urls) await expect(fetch(url)).rejects.toThrow('fetch failed')

    await simulated.settle()
    expect(world.processes().map(({ process }) => process.reporterPort)).toEqual(ports)
    for (const url of urls) expect((await fetch(url)).status).toBe(200)
  })
})

describe('A range of ports that is too small', () => {
  it('leaves the last processes without a reporter, and nothing in their logs', async () => {
    await begin(4)
    const { cluster } = world.find('narrow')
    const ports = world.processes().map(({ process }) => process.reporterPort)
    expect(ports.slice(0, 4).toSorted()).toEqual(simulated.reporterPorts.toSorted())
    expect(ports[4]).toBeUndefined()

    const rest = createFlinkRest({ url: `http://127.0.0.1:${cluster.jobManager.restPort}` }, deps)
    expect(await rest.reporterPort('jobmanager', signal)).toBe(ports[3])
    expect(await rest.reporterPort(cluster.taskManagers[0]!.process.id, signal)).toBeUndefined()
    rest.close()
  })
})

describe('The ResourceManagers of a simulated YARN', () => {
  beforeEach(() => begin())

  it('hand over, and the one that stands by names the other', async () => {
    const [one, other] = simulated.resourceManagers
    const get = async (url: string) => {
      const { status, headers } = await fetch(url, { redirect: 'manual' })
      return [status, headers.get('location')]
    }
    expect(await get(`${other}/ws/v1/cluster/apps?states=RUNNING`)).toEqual([
      307,
      `${one}/ws/v1/cluster/apps?states=RUNNING`,
    ])
    expect([await get(`${one}/isActive`), await get(`${other}/isActive`)]).toEqual([
      [200, null],
      [405, null],
    ])
    simulated.makeActive(1)
    expect(await get(`${one}/ws/v1/cluster/apps`)).toEqual([307, `${other}/ws/v1/cluster/apps`])
    simulated.makeActive(undefined)
    expect(await get(`${other}/ws/v1/cluster/apps`)).toEqual([307, null])
  })

  it('can be frozen, and then the other one is asked', async () => {
    const { resourceManagers } = simulated
    const yarn = createYarnCluster({ name: 'sim', resourceManagers, timeoutMs: 200 }, deps)
    expect(await yarn.applications({}, signal)).toHaveLength(2)
    simulated.freeze(0)
    simulated.makeActive(1)
    expect(await yarn.applications({}, signal)).toHaveLength(2)
    yarn.close()
  })
})

describe('What the real discoverer finds in a simulated YARN', () => {
  beforeEach(() => begin())

  it('is every process that lives with its own address, through kills of TaskManagers and ApplicationMasters', async () => {
    const search = createReporterSearch({
      clock: systemClock,
      readHead: readPageHead,
      resolve: async () => [],
      guard: () => undefined,
    })
    const cluster = createYarnCluster({ name: 'sim', resourceManagers: simulated.resourceManagers }, deps)
    const report = collect()
    const discoverer = discoverers.yarn(
      { name: 'sim', filter: {}, zone: 'default', intervalMs: 200, isLocal: true },
      {
        ...deps,
        cluster,
        search,
        resolve: async () => [],
        guard: () => undefined,
        createRest: (url) => createFlinkRest({ url, refreshMs: 100 }, deps),
      },
    )
    const running = start(discoverer, report)
    const truth = (): readonly string[] =>
      world
        .processes()
        .map(({ process: { kind, id, reporterPort } }) => `${kind} ${id} 127.0.0.1:${reporterPort}`)
        .sort()
    const found = (): readonly string[] =>
      [...report.scopes().values()].flatMap((scope) => scope.reporters.map(described)).sort()
    const agree = () => expect.poll(found, { timeout: 15_000 }).toEqual(truth())

    await agree()
    world.killTaskManager(world.find('wide').cluster.taskManagers[0]!.process.id)
    await pass(8)
    await agree()
    world.killApplicationMaster(world.find('narrow').application)
    await pass(4)
    await agree()
    world.end(world.find('narrow').application, 'FINISHED')
    await pass(1)
    await agree()
    expect(truth()).toHaveLength(3)

    await running[Symbol.asyncDispose]()
    cluster.close()
  })
})

function described({ role, tmId, incarnation, address }: FoundReporter): string {
  return `${role} ${tmId ?? incarnation} ${address}`
}
