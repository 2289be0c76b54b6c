import type { Discoverer, DiscoveryReport } from '../discovery/discoverer.ts'
import { createReporterSearch } from '../discovery/reporter-search.ts'
import type { Resolve } from '../discovery/search-hosts.ts'
import { createPagePoller, type PagePlace, type PagePoller } from '../flink/page-poller.ts'
import type { RegistryView } from '../model/target.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { together } from '../runtime/together.ts'
import type { AddressGuard } from '../targets/address-guard.ts'
import { createFlinkMember, createYarnMember } from './discoverers.ts'
import { createDiscoveryService } from './discovery-service.ts'
import type { FlinkConfig } from './flink-schema.ts'
import { finderLabel } from './found-registration.ts'
import { createJobBoard, type JobBoard } from './job-board.ts'
import { createKeeper } from './keeper.ts'
import { readPageHead } from './page-heads.ts'
import { createPageWitness } from './page-witness.ts'
import { createRegisteredElsewhere } from './registered-elsewhere.ts'
import { createRegistrar, type Registrar } from './registrar.ts'
import { createRestGaugeReader, type RestGaugeReader } from './rest-gauges.ts'
import type { SelfMetrics } from './self-metrics.ts'
import { unsaidPositions } from './unsaid-positions.ts'
import type { YarnConfig } from './yarn-schema.ts'

export interface FlinkDiscoveryDeps {
  readonly registry: Registry
  /** Of all sources of targets, ours and those of others. */
  readonly views: () => readonly (RegistryView | undefined)[]
  readonly owns: (key: string) => boolean
  readonly guard: AddressGuard
  readonly resolve: Resolve
  /** Of each TaskManager's page. */
  readonly pageIntervalMs: number
  /** A process has been read for the first time, or its sources have begun to say where they are. */
  readonly onNews: () => void
  readonly observer: Pick<SelfMetrics, 'source' | 'forgetSource'>
  readonly clock: Clock
  readonly logger: Logger
}

/** Finds the processes and jobs of all configured Flink clusters, registers the processes, and reads their pages. */
export interface FlinkDiscovery {
  readonly board: JobBoard
  readonly poller: PagePoller
  readonly registrar: Registrar
  /** What JobManagers say for processes that have no page. */
  readonly restGauges: RestGaugeReader['gauges']
  /** Whether a Flink cluster has been looked at completely since the start. */
  isRead(flinkCluster: string): boolean
  /** Whether any has. */
  hasLooked(): boolean
  /** What is to run for this configuration; nothing when it names no Flink cluster. */
  services(config: { readonly flink: readonly FlinkConfig[]; readonly yarn: readonly YarnConfig[] }): readonly Service[]
}

/** Whoever was seen at his place within so many intervals of the poller lives. */
const ANSWERING_INTERVALS = 3
/** New places are wanted at most so often. */
const gatherMs = 200

export function createFlinkDiscovery(deps: FlinkDiscoveryDeps): FlinkDiscovery {
  const { registry, guard, resolve, pageIntervalMs, observer, clock, logger } = deps
  const board = createJobBoard()
  const poller = createPagePoller(
    { intervalMs: pageIntervalMs },
    { clock, waitsFor: unsaidPositions, onPage: (_, isNews) => isNews && deps.onNews() },
  )
  const search = createReporterSearch({
    clock,
    readHead: readPageHead,
    resolve,
    guard,
    witness: createPageWitness(poller),
    registered: createRegisteredElsewhere(deps.views, clock),
    remembered: (id) => {
      const registration = registry.find(id)?.registration
      return registration?.labels[finderLabel] === undefined ? undefined : registration.address
    },
  })
  const registrar = createRegistrar({
    registry,
    owns: deps.owns,
    isAnswering: (id) => {
      const at = search.seenAt(id)
      return at !== undefined && clock.monotonic() - at <= Math.max(60_000, ANSWERING_INTERVALS * pageIntervalMs)
    },
    clock,
    logger,
  })
  const restGauges = createRestGaugeReader({
    board,
    pages: poller.pages,
    intervalMs: pageIntervalMs,
    onFirst: deps.onNews,
    clock,
    logger,
  })
  const looking = { search, resolve, guard, clock, logger }
  const kept = createKeeper<Service>()
  const complete = new Set<string>()
  /** Discoverers of the present configuration. */
  let told: ReadonlySet<string> = new Set()

  let wanted: readonly PagePlace[] | undefined

  function wantPages(): void {
    const places = board.places()
    if (places === wanted) return
    wanted = places
    poller.want(places)
  }

  const reading: Service = {
    name: poller.name,
    run: (signal) =>
      together(signal, [
        poller.run,
        async (both) => {
          wantPages()
          for await (const _ of board.changes(both)) {
            wantPages()
            // After a start thousands of applications are found one by one, and each time all places are gone through.
            await clock.sleep(gatherMs, both)
          }
        },
      ]),
  }

  function serviceOf({ name: flinkCluster, interval }: FlinkConfig | YarnConfig, discoverer: Discoverer): Service {
    const { name } = discoverer
    // Whatever its predecessor has read, this one has read nothing yet.
    complete.delete(flinkCluster)
    const ours: DiscoveryReport = {
      update: restGauges.changed,
      cycle: ({ complete: isComplete, isUp = isComplete, problems }) => {
        // One that is being stopped may still have something to say.
        if (!told.has(name)) return
        if (isComplete) complete.add(flinkCluster)
        const [source = ''] = name.split('/')
        observer.source(source, flinkCluster, { up: isUp, reasons: problems.map(({ reason }) => reason) })
      },
    }
    const reports = [board.reportOf(name), registrar.reportOf(name, interval), ours]
    return createDiscoveryService(discoverer, reports, () => board.scopesOf(name))
  }

  return {
    board,
    poller,
    registrar,
    restGauges: restGauges.gauges,
    isRead: (flinkCluster) => complete.has(flinkCluster),
    hasLooked: () => complete.size > 0,
    services: ({ flink, yarn }) => {
      const services = [
        ...flink.map((one) =>
          kept.keep(`flink/${one.name}`, one, () => serviceOf(one, createFlinkMember(one, looking))),
        ),
        ...yarn.map((one) => kept.keep(`yarn/${one.name}`, one, () => serviceOf(one, createYarnMember(one, looking)))),
      ]
      const names = [...flink.map(({ name }) => `flink/${name}`), ...yarn.map(({ name }) => `yarn/${name}`)]
      for (const name of told) {
        const [source = '', flinkCluster = ''] = name.split('/')
        if (names.includes(name)) continue
        complete.delete(flinkCluster)
        observer.forgetSource(source, flinkCluster)
      }
      told = new Set(names)
      board.retain(names)
      registrar.retain(names)
      restGauges.changed()
      wantPages()
      // What was registered for others has to be withdrawn, so these two stay.
      return services.length === 0 ? [registrar] : [registrar, reading, restGauges, ...services]
    },
  }
}
