import type { EmbeddedRegistryDeps } from '../registry/embedded.ts'
import { registries } from '../registry/index.ts'
import type { Registry } from '../registry/registry.ts'
import type { ZookeeperRegistry, ZookeeperRegistryDeps } from '../registry/zookeeper.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { type AddressGuard, isLoopback } from '../targets/address-guard.ts'
import { parseConnectString } from '../zookeeper/connect-string.ts'
import type { Config } from './schema.ts'
import { zookeeperOptions } from './zookeeper-schema.ts'

export interface RegistryDeps
  extends Pick<EmbeddedRegistryDeps, 'probe' | 'onOutcome'>,
    Pick<ZookeeperRegistryDeps, 'presence'> {
  readonly clock: Clock
  readonly logger: Logger
  /** What may stand in znodes that others wrote. */
  readonly guard: AddressGuard
  /** Our name among the replicas. */
  readonly holder: string
}

/** ZooKeeper when it is configured, else the embedded registry: on disk, or in memory only for the demo. */
export function createRegistry(
  config: Config,
  demo: boolean,
  { guard, holder, ...deps }: RegistryDeps,
): Registry | ZookeeperRegistry {
  const leaseSeconds = config.registration.default_lease / 1_000
  const { zookeeper } = config
  if (zookeeper === undefined)
    return registries.embedded({ storagePath: demo ? undefined : config.storage.path, leaseSeconds }, deps)
  return registries.zookeeper(
    {
      ...zookeeperOptions(zookeeper),
      holder,
      storagePath: config.storage.path,
      leaseSeconds,
      guard: znodeGuard(zookeeper.connect, guard),
    },
    deps,
  )
}

/** Whoever writes to a ZooKeeper that only this machine reaches is a caller from this machine. */
export function znodeGuard(connect: string, guard: AddressGuard): (ip: string) => string | undefined {
  const { servers } = parseConnectString(connect)
  const caller = { isLoopback: servers.every(({ host }) => host === 'localhost' || isLoopback(host)) }
  return (ip) => guard(ip, caller)
}
