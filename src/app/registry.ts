import { createEmbeddedRegistry } from '../registry/embedded.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Config } from './schema.ts'

/** ZooKeeper when it is configured, else the embedded registry: on disk, or in memory only for the demo. */
export function createRegistry(
  config: Config,
  demo: boolean,
  deps: { readonly clock: Clock; readonly logger: Logger },
): Registry {
  const leaseSeconds = config.registration.default_lease / 1_000
  return createEmbeddedRegistry({ storagePath: demo ? undefined : config.storage.path, leaseSeconds }, deps)
}
