import { discoverers } from '../../src/discovery/index.ts'
import { createReporterSearch } from '../../src/discovery/reporter-search.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { type DiscovererWorld, discovererContract } from '../contract/discoverer.ts'
import { fakeClock } from '../fakes/clock.ts'
import { containerOf, type FakeJobManager, type FlinkWorld, flinkWorld } from './flink-world.ts'
import { pass } from './report.ts'

const host = '10.0.0.1'
const ports = [9250, 9251, 9252, 9253]
const application = 'application_1700000000000_0001'

function world(
  create: (
    world: FlinkWorld,
    deps: Parameters<typeof discoverers.flink>[1],
  ) => ReturnType<DiscovererWorld['discoverer']>,
): DiscovererWorld {
  const clock = fakeClock()
  const flink = flinkWorld(clock)
  const jm: FakeJobManager = flink.jobManager(`http://${host}:40000`)
  flink.application(application, jm)
  const deps = { clock, resolve: flink.resolve, guard: () => undefined, logger: silentLogger }
  const search = createReporterSearch({ ...deps, readHead: flink.readHead })
  const discoverer = create(flink, { ...deps, search, createRest: flink.createRest })
  let started = 1
  return {
    discoverer: () => discoverer,
    look: () => pass(clock, 10_000),
    startProcess: async () => {
      const port = 9249 + started++
      flink.taskManager(jm, containerOf(application, 1, started), host, port)
      return `${host}:${port}`
    },
    endProcess: async (address) => {
      const page = flink.pages.get(address)
      flink.pages.delete(address)
      jm.taskManagers = jm.taskManagers.filter(
        ({ id }) => page === 'hung' || page?.kind !== 'taskmanager' || page.tmId !== id,
      )
    },
    breakDown: () => {
      jm.mood = 'down'
    },
    hang: () => {
      jm.mood = 'hung'
    },
    recover: () => {
      jm.mood = 'well'
    },
    open: () => flink.openClients.size,
  }
}

discovererContract('flink', () =>
  world((_, deps) =>
    discoverers.flink(
      { name: 'dev', rest: [`http://${host}:40000`], zone: 'default', ports, intervalMs: 10_000 },
      deps,
    ),
  ),
)

discovererContract('yarn', () =>
  world((flink, deps) =>
    discoverers.yarn(
      { name: 'prod', filter: {}, zone: 'default', ports, intervalMs: 10_000, isLocal: false },
      { ...deps, cluster: flink.yarn },
    ),
  ),
)
