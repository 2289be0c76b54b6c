import { compilePattern } from '../config/pattern.ts'
import { createAdmission } from '../http/admission.ts'
import { consumersRoute } from '../http/consumers.ts'
import { explainRoute } from '../http/explain.ts'
import { healthRoutes } from '../http/health.ts'
import { createHostResolver } from '../http/host-resolver.ts'
import { metricsRoutes } from '../http/metrics.ts'
import { createPage } from '../http/page.ts'
import { registrationBatchRoutes } from '../http/registration-batches.ts'
import { registrationRoutes } from '../http/registrations.ts'
import { type Reloaded, reloadRoute } from '../http/reload.ts'
import type { Route } from '../http/route.ts'
import { serviceDiscoveryRoutes } from '../http/service-discovery.ts'
import { createTargetList } from '../http/target-list.ts'
import { createWriteGuard } from '../http/write-guard.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { createAddressGuard } from '../targets/address-guard.ts'
import type { DemoParts } from './demo.ts'
import { createKafkaService, type KafkaService } from './kafka-service.ts'
import { createKeeper } from './keeper.ts'
import { consoleRoutes } from './landing.ts'
import { objectiveRules } from './objectives.ts'
import { createRegistry } from './registry.ts'
import type { Config } from './schema.ts'
import type { SelfMetrics } from './self-metrics.ts'

/** All that one configuration asks for. */
export interface Parts {
  /** Everything that runs, but for the HTTP server. */
  readonly services: readonly Service[]
  readonly routes: readonly Route[]
}

export interface PartsDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  readonly metrics: SelfMetrics
  /** The simulated world, when it is a demo. */
  readonly world: DemoParts | undefined
  /** `host:port` at which we can be reached. */
  readonly address: () => string
  readonly reload: () => Reloaded
}

/** What a reload may change without a restart of the services that use it. */
interface Rules {
  readonly objectives: ReturnType<typeof objectiveRules>
  readonly guard: ReturnType<typeof createAddressGuard>
}

/**
 * Makes the parts of one configuration after the other. What a new configuration leaves as it was stays the same object,
 * and so goes on; registry and target list are made once, from the first configuration.
 *
 * @throws ConfigError when a part cannot be made
 */
export function createParts(first: Config, deps: PartsDeps): (config: Config) => Parts {
  const { clock, logger, metrics, version, world } = deps
  const demo = world !== undefined
  const clusters = createKeeper<KafkaService>()
  let rules = rulesOf(first, world)
  let watched: readonly KafkaService[] = []

  const registry = createRegistry(first, demo, { clock, logger, guard: (ip, caller) => rules.guard(ip, caller) })
  const targets = createTargetList(
    { sources: [registry], leaseSeconds: first.registration.default_lease / 1_000, mayReturn: !demo },
    { clock, logger },
  )
  const page = createPage({ selfMetrics: metrics.render })
  const simulated = world?.services(registry) ?? []
  const snapshots = () => watched.flatMap((cluster) => cluster.current() ?? [])
  const names = () => watched.map((cluster) => cluster.kafkaCluster)

  metrics.onRender(() => {
    const synced = registry.view()?.confirmedAt
    return {
      targets: targets.stats()?.states ?? {},
      series: page.series(),
      ...(synced === undefined ? {} : { registrySyncedAt: (clock.wall() - (clock.monotonic() - synced)) / 1_000 }),
    }
  })

  function readiness(): { readonly ready: boolean; readonly waitingFor: readonly string[] } {
    const waitingFor = watched
      .filter((cluster) => cluster.current() === undefined)
      .map((cluster) => `first cycle of Kafka cluster "${cluster.kafkaCluster}"`)
    const gate = targets.gate()
    if (!gate.isOpen) waitingFor.push(`target list: ${gate.waitingFor}`)
    else if (targets.stats() === undefined) waitingFor.push('target list: to be built')
    return { ready: waitingFor.length === 0, waitingFor }
  }

  function routesOf(config: Config): readonly Route[] {
    const guardWrites = createWriteGuard(config.registration.token?.reveal())
    const registrations = {
      store: registry,
      admit: createAdmission({
        guard: rules.guard,
        resolve: createHostResolver({ clock }),
        onRejected: metrics.rejected,
      }),
      guardWrites,
      leaseSeconds: config.registration.default_lease / 1_000,
    }
    return [
      ...consoleRoutes({
        version,
        demo,
        clock,
        clusters: watched,
        targets: () => targets.stats()?.states,
        address: deps.address,
      }),
      ...metricsRoutes({ clusters: { names, snapshots }, page, selfMetrics: metrics.render }),
      consumersRoute({ clusters: { names, snapshots }, compile: compilePattern }),
      explainRoute({ names, snapshots }),
      ...serviceDiscoveryRoutes(targets),
      ...registrationRoutes(registrations),
      ...registrationBatchRoutes(registrations),
      reloadRoute({ guard: guardWrites, reload: deps.reload }),
      ...healthRoutes(readiness),
    ]
  }

  return (config) => {
    rules = rulesOf(config, world)
    watched = [...config.kafka, ...(world?.kafka ?? [])].map((cluster) =>
      clusters.keep(cluster.name, cluster, () =>
        createKafkaService(cluster, {
          clock,
          logger,
          observer: metrics,
          objectives: (consumer, topic) => rules.objectives(consumer, topic),
        }),
      ),
    )
    return { services: [...simulated, registry, targets, ...watched], routes: routesOf(config) }
  }
}

function rulesOf({ objectives, registration }: Config, world: DemoParts | undefined): Rules {
  return {
    objectives: objectiveRules([...objectives, ...(world?.objectives ?? [])]),
    guard: createAddressGuard(registration.allowed_cidrs),
  }
}
