import { foreignFormats } from '../discovery/foreign-formats.ts'
import { createForeignZnodes, type ForeignZnodes } from '../discovery/foreign-znodes.ts'
import type { HostResolver } from '../http/host-resolver.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createZookeeper, type EnsembleOptions } from '../zookeeper/client.ts'
import type { ForeignConfig } from './foreign-schema.ts'

export interface ForeignDeps {
  /** As for our own znodes; the path in `connect` is left out. */
  readonly zookeeper: EnsembleOptions
  readonly guard: (ip: string) => string | undefined
  readonly resolve: HostResolver
  readonly clock: Clock
  readonly logger: Logger
  /** As everywhere when absent. */
  readonly lingerSeconds?: number
}

/** A source of targets, with a session of its own, for each path of others. */
export function createForeignSources(config: ForeignConfig, deps: ForeignDeps): readonly ForeignZnodes[] {
  const { clock, logger } = deps
  const [connect = ''] = deps.zookeeper.connect.split('/')
  return config.map(({ path, namespace, format, endpoint }) =>
    createForeignZnodes(
      { path, namespace, format: foreignFormats[format], ...(endpoint === undefined ? {} : { endpoint }) },
      {
        ...deps,
        zookeeper: createZookeeper({ ...deps.zookeeper, connect, name: `zookeeper ${path}` }, { clock, logger }),
      },
    ),
  )
}
