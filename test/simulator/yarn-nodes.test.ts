import { expect, it } from 'vitest'
import { readPageHead } from '../../src/app/page-heads.ts'
import { createReporterSearch } from '../../src/discovery/reporter-search.ts'
import { createYarnDiscoverer } from '../../src/discovery/yarn.ts'
import { createFlinkRest } from '../../src/flink/flink-rest.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { sqlVertices } from '../../src/simulator/flink-plan.ts'
import { createFlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { createSimulatedYarn } from '../../src/simulator/simulated-yarn.ts'
import { createYarnCluster } from '../../src/yarn/yarn-cluster.ts'
import { collect, start } from '../discovery/report.ts'

const deps = { clock: systemClock, logger: silentLogger }

it('a TaskManager that Flink still lists is known to be dead by the NodeManager of its host', async () => {
  const kafka = createKafkaState('4.3', [1], seededRandom(1))
  kafka.createTopic('orders', 2)
  const world = createFlinkWorld(kafka, { now: Date.now, random: seededRandom(2) })
  const vertices = sqlVertices({ table: 'orders', topics: ['orders'], sink: 'sums', parallelism: 2 })
  const { application } = world.submit({ name: 'etl', version: '1.20.5', slots: 1, jobs: [{ name: 'etl', vertices }] })
  const simulated = await createSimulatedYarn(world, { reporterPorts: 6 })
  await simulated.tick()
  await simulated.tick()

  const cluster = createYarnCluster({ name: 'sim', resourceManagers: simulated.resourceManagers }, deps)
  const asked: string[] = []
  const guard = () => undefined
  const resolve = async () => []
  /** What the poller sees: id and address of a TaskManager in whose place another one answers. */
  const taken: { id?: string; address?: string } = {}
  const search = createReporterSearch({
    clock: systemClock,
    readHead: readPageHead,
    resolve,
    guard,
    witness: (id) =>
      taken.address !== undefined && id.endsWith(taken.id ?? '')
        ? { at: systemClock.monotonic(), verdict: 'other', address: taken.address }
        : undefined,
  })
  const discoverer = createYarnDiscoverer(
    { name: 'sim', filter: {}, zone: 'default', intervalMs: 300, isLocal: true },
    {
      ...deps,
      cluster: {
        ...cluster,
        containers: (node, signal) => {
          asked.push(node.httpAddress)
          return cluster.containers(node, signal)
        },
      },
      search,
      resolve,
      guard,
      createRest: (url) => createFlinkRest({ url, refreshMs: 100 }, deps),
    },
  )
  const report = collect()
  const running = start(discoverer, report)
  const ids = () => world.find('etl').cluster.taskManagers.map(({ process }) => process.id)
  const found = () => Object.keys(report.addresses()).toSorted()
  await expect.poll(found, { timeout: 10_000 }).toEqual([...ids(), 'jobmanager'].toSorted())
  expect(asked).toEqual([])

  const [dead = '', alive = ''] = ids()
  const address = report.addresses()[dead] ?? ''
  world.killTaskManager(dead)
  await simulated.settle()
  Object.assign(taken, { id: dead, address })
  await expect
    .poll(() => report.scopes().get(application.id)?.silent, { timeout: 10_000 })
    .toEqual([
      {
        process: dead,
        host: '127.0.0.1',
        why: expect.stringMatching(/^node "127\.0\.0\.1:\d+" does not run container container_\w+ any more$/),
        hasEnded: true,
      },
    ])
  expect(found()).toEqual([alive, 'jobmanager'].toSorted())
  expect(asked).toHaveLength(1)

  await running[Symbol.asyncDispose]()
  cluster.close()
  await simulated.close()
}, 30_000)
