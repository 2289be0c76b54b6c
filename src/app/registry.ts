import { registries } from '../registry/index.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { type AddressGuard, isLoopback } from '../targets/address-guard.ts'
import { parseConnectString } from '../zookeeper/connect-string.ts'
import type { Config } from './schema.ts'

export interface RegistryDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** What may stand in znodes that others wrote. */
  readonly guard: AddressGuard
}

/** ZooKeeper when it is configured, else the embedded registry: on disk, or in memory only for the demo. */
export function createRegistry(config: Config, demo: boolean, { clock, logger, guard }: RegistryDeps): Registry {
  const leaseSeconds = config.registration.default_lease / 1_000
  const { zookeeper } = config
  if (zookeeper === undefined)
    return registries.embedded({ storagePath: demo ? undefined : config.storage.path, leaseSeconds }, { clock, logger })
  const { auth } = zookeeper
  // Whoever writes to a ZooKeeper that only this machine reaches is a caller from this machine.
  const { servers } = parseConnectString(zookeeper.connect)
  const caller = { isLoopback: servers.every(({ host }) => host === 'localhost' || isLoopback(host)) }
  return registries.zookeeper(
    {
      connect: zookeeper.connect,
      sessionTimeoutMs: zookeeper.session_timeout,
      storagePath: config.storage.path,
      leaseSeconds,
      guard: (ip) => guard(ip, caller),
      ...(auth === undefined
        ? {}
        : { auth: [{ scheme: 'digest', credential: `${auth.username}:${auth.password.reveal()}` }] }),
    },
    { clock, logger },
  )
}
