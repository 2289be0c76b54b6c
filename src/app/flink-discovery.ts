import type { Discoverer } from '../discovery/discoverer.ts'
import { createReporterSearch } from '../discovery/reporter-search.ts'
import type { Resolve } from '../discovery/search-hosts.ts'
import { createPagePoller, type PagePoller } from '../flink/page-poller.ts'
import type { RegistryView } from '../model/target.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
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
  /** A process has been read for the first time. */
  readonly onNewProcess: () => void
  readonly clock: Clock
  readonly logger: Logger
}

/** Finds the processes and jobs of all configured Flink clusters, registers the processes, and reads their pages. */
export interface FlinkDiscovery {
  readonly board: JobBoard
  readonly poller: PagePoller
  readonly registrar: Registrar
  /** Whether a Flink cluster has been looked at completely since the start. */
  isRead(flinkCluster: string): boolean
  /** Whether any has. */
  hasLooked(): boolean
  /** What is to run for this configuration; nothing when it names no Flink cluster. */
  services(config: { readonly flink: readonly FlinkConfig[]; readonly yarn: readonly YarnConfig[] }): readonly Service[]
}

/** Whoever was seen at his place within so many intervals of the poller lives. */
const ANSWERING_INTERVALS = 3

export function createFlinkDiscovery(deps: FlinkDiscoveryDeps): FlinkDiscovery {
  const { registry, guard, resolve, pageIntervalMs, clock, logger } = deps
  const board = createJobBoard()
  const poller = createPagePoller(
    { intervalMs: pageIntervalMs },
    { clock, onPage: (_, isFirst) => isFirst && deps.onNewProcess() },
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
  const looking = { search, resolve, guard, clock, logger }
  const kept = createKeeper<Service>()
  const complete = new Set<string>()

  function serviceOf({ name: flinkCluster, interval }: FlinkConfig | YarnConfig, discoverer: Discoverer): Service {
    return createDiscoveryService(discoverer, [
      board.reportOf(discoverer.name),
      registrar.reportOf(discoverer.name, interval),
      {
        update: () => poller.want(board.places()),
        cycle: (done) => {
          if (done.complete) complete.add(flinkCluster)
        },
      },
    ])
  }

  return {
    board,
    poller,
    registrar,
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
      board.retain(names)
      registrar.retain(names)
      poller.want(board.places())
      // What was registered for others has to be withdrawn, so these two stay.
      return services.length === 0 ? [registrar] : [registrar, poller, ...services]
    },
  }
}
