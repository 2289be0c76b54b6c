import { formatHostPort } from '../config/address.ts'
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
import type { Route } from '../http/route.ts'
import { createHttpServer } from '../http/server.ts'
import { serviceDiscoveryRoutes } from '../http/service-discovery.ts'
import { createTargetList } from '../http/target-list.ts'
import { createWriteGuard } from '../http/write-guard.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createSupervisor } from '../runtime/service.ts'
import { createAddressGuard } from '../targets/address-guard.ts'
import { createDemoParts } from './demo.ts'
import { createKafkaService } from './kafka-service.ts'
import { consoleRoutes } from './landing.ts'
import { objectiveRules } from './objectives.ts'
import { createRegistry } from './registry.ts'
import type { Config } from './schema.ts'
import { createSelfMetrics } from './self-metrics.ts'

export interface DaemonDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  /** Called each time the HTTP server listens, with the address it has. */
  readonly onListening?: (address: { readonly host: string; readonly port: number }) => void
}

/**
 * Builds everything from the configuration and runs it until the signal aborts. The only place that knows every part.
 *
 * @throws ConfigError when the address to listen on cannot be had; InvariantError for a bug of ours
 */
export async function runDaemon(config: Config, demo: boolean, deps: DaemonDeps, signal: AbortSignal): Promise<void> {
  const { clock, logger, version } = deps
  const metrics = createSelfMetrics(version)
  const world = demo ? await createDemoParts({ clock, logger }) : undefined
  const objectives = objectiveRules([...config.objectives, ...(world?.objectives ?? [])])
  const clusters = [...config.kafka, ...(world?.kafka ?? [])].map((cluster) =>
    createKafkaService(cluster, { clock, logger, observer: metrics, objectives }),
  )
  const snapshots = () => clusters.flatMap((cluster) => cluster.current() ?? [])
  const names = () => clusters.map((cluster) => cluster.kafkaCluster)

  const leaseSeconds = config.registration.default_lease / 1_000
  const guard = createAddressGuard(config.registration.allowed_cidrs)
  const registry = createRegistry(config, demo, { clock, logger, guard })
  const targets = createTargetList({ sources: [registry], leaseSeconds, mayReturn: !demo }, { clock, logger })
  const page = createPage({ selfMetrics: metrics.render })
  metrics.onRender(() => {
    const synced = registry.view()?.confirmedAt
    return {
      targets: targets.stats()?.states ?? {},
      series: page.series(),
      ...(synced === undefined ? {} : { registrySyncedAt: (clock.wall() - (clock.monotonic() - synced)) / 1_000 }),
    }
  })

  const registrations = {
    store: registry,
    admit: createAdmission({
      guard,
      resolve: createHostResolver({ clock }),
      onRejected: metrics.rejected,
    }),
    guardWrites: createWriteGuard(config.registration.token?.reveal()),
    leaseSeconds,
  }
  const routes: readonly Route[] = [
    ...consoleRoutes({
      version,
      demo,
      clock,
      clusters,
      targets: () => targets.stats()?.states,
      address: () => listening,
    }),
    ...metricsRoutes({ clusters: { names, snapshots }, page, selfMetrics: metrics.render }),
    consumersRoute({ clusters: { names, snapshots }, compile: compilePattern }),
    explainRoute({ names, snapshots }),
    ...serviceDiscoveryRoutes(targets),
    ...registrationRoutes(registrations),
    ...registrationBatchRoutes(registrations),
    ...healthRoutes(readiness),
  ]
  let listening = formatHostPort(config.web.listen_address)
  const server = createHttpServer(config.web.listen_address, routes, {
    logger,
    onListening: (address) => {
      listening = reachable(address)
      logger.info({ url: `http://${listening}/`, demo }, 'Listening')
      deps.onListening?.(address)
    },
  })

  const supervisor = createSupervisor({ clock, logger })
  supervisor.want([...(world?.services(registry) ?? []), registry, targets, ...clusters, server])
  logger.info({ version, kafka_clusters: names(), registry: registry.name }, 'Starting')
  await supervisor.run(signal)
  logger.info({}, 'Stopped')

  function readiness(): { readonly ready: boolean; readonly waitingFor: readonly string[] } {
    const waitingFor = clusters
      .filter((cluster) => cluster.current() === undefined)
      .map((cluster) => `first cycle of Kafka cluster "${cluster.kafkaCluster}"`)
    const gate = targets.gate()
    if (!gate.isOpen) waitingFor.push(`target list: ${gate.waitingFor}`)
    return { ready: waitingFor.length === 0, waitingFor }
  }
}

/** `host:port` to reach us at from this machine. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  return formatHostPort({ host: host === '::' || host === '0.0.0.0' ? 'localhost' : host, port })
}
