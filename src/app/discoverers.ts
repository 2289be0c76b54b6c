import type { Discoverer } from '../discovery/discoverer.ts'
import { discoverers } from '../discovery/index.ts'
import { areLocal, hostsOf } from '../discovery/rest-places.ts'
import type { Resolve } from '../discovery/search-hosts.ts'
import type { ReporterSearch } from '../discovery/sought.ts'
import { createFlinkRest, type FlinkRest } from '../flink/flink-rest.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { AddressGuard } from '../targets/address-guard.ts'
import { createYarnCluster, type YarnOptions } from '../yarn/yarn-cluster.ts'
import type { FlinkConfig } from './flink-schema.ts'
import { tlsClientOptions } from './tls-client.ts'
import { applicationFilter, type YarnConfig } from './yarn-schema.ts'

export interface DiscoverersDeps {
  /** One for all, so that they share what they learn of ports. */
  readonly search: ReporterSearch
  readonly resolve: Resolve
  readonly guard: AddressGuard
  readonly clock: Clock
  readonly logger: Logger
}

/** After so long a look at a JobManager says what it has, and reads on the next time. */
const restLookMs = 6_000

/** Looks at one entry of `flink`. The files of `tls` are read now. */
export function createFlinkMember(config: FlinkConfig, deps: DiscoverersDeps): Discoverer {
  const { name, rest, reporter_ports: ports, zone, interval: intervalMs } = config
  const createRest = restOf(config, deps)
  const options = { name, rest, zone, intervalMs, ...(ports === undefined ? {} : { ports }) }
  return discoverers.flink(options, { ...deps, createRest })
}

/** Looks at one entry of `yarn`. The files of `tls` are read now. */
export function createYarnMember(config: YarnConfig, deps: DiscoverersDeps): Discoverer {
  const { name, resource_managers: resourceManagers, reporter_ports: ports, zone, interval: intervalMs } = config
  const createRest = restOf(config, deps)
  const yarn: YarnOptions = {
    name,
    resourceManagers,
    timeoutMs: config.request_timeout,
    auth: authOf(config.auth),
    ...(config.tls === undefined ? {} : { tls: tlsClientOptions(config.tls) }),
  }
  const options = {
    name,
    zone,
    intervalMs,
    filter: applicationFilter(config.applications),
    isLocal: areLocal(resourceManagers),
    speaksTls: resourceManagers.some((url) => url.startsWith('https:')),
    ...(ports === undefined ? {} : { ports }),
  }
  return {
    name: `yarn/${name}`,
    run: async (report, signal) => {
      const cluster = createYarnCluster(yarn, deps)
      try {
        const proxyHosts = hostsOf(resourceManagers)
        await discoverers.yarn(options, { ...deps, cluster, createRest, proxyHosts }).run(report, signal)
      } finally {
        cluster.close()
      }
    },
  }
}

function restOf(
  { tls, request_timeout: timeoutMs }: Pick<FlinkConfig, 'tls' | 'request_timeout'>,
  deps: DiscoverersDeps,
): (url: string) => FlinkRest {
  const options = { timeoutMs, lookMs: restLookMs, ...(tls === undefined ? {} : { tls: tlsClientOptions(tls) }) }
  return (url) => createFlinkRest({ url, ...options }, deps)
}

function authOf(auth: YarnConfig['auth']): NonNullable<YarnOptions['auth']> {
  if (auth?.user !== undefined) return { kind: 'simple', user: auth.user }
  if (auth?.command !== undefined) return { kind: 'command', command: auth.command }
  return { kind: 'none' }
}
