import { formatHostPort } from '../config/address.ts'
import type { Reloaded } from '../http/reload.ts'
import { createHttpServer } from '../http/server.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createSupervisor } from '../runtime/service.ts'
import { createDemoParts } from './demo.ts'
import { createParts } from './parts.ts'
import { createReloading, type Effective } from './reloading.ts'
import type { Config } from './schema.ts'
import { createSelfMetrics } from './self-metrics.ts'

export interface DaemonDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
  /** Called each time the HTTP server listens, with the address it has. */
  readonly onListening?: (address: { readonly host: string; readonly port: number }) => void
  /** Reads the configuration again, for a reload. @throws ConfigError */
  readonly read: () => Effective
  /** Called with each configuration that is applied. */
  readonly onConfig?: (config: Config) => void
  /** Calls the listener whenever the user asks for a reload by a signal; the returned function ends that. */
  readonly onHangUp?: (listener: () => void) => () => void
}

/**
 * Builds everything from the configuration and runs it until the signal aborts. What a reload changes is started, stopped
 * or replaced; all else goes on.
 *
 * @throws ConfigError when the configuration is wrong or the address to listen on cannot be had; InvariantError for a bug
 *   of ours
 */
export async function runDaemon(deps: DaemonDeps, signal: AbortSignal): Promise<void> {
  const { clock, logger, version, onHangUp = () => () => undefined } = deps
  const first = deps.read()
  const { config, demo } = first
  const metrics = createSelfMetrics(version)
  let listening = formatHostPort(config.web.listen_address)
  let reload = (): Reloaded => ({ problems: ['not started yet, expected a running daemon'] })
  const parts = createParts(config, {
    clock,
    logger,
    version,
    metrics,
    world: demo ? await createDemoParts({ clock, logger }) : undefined,
    address: () => listening,
    reload: () => reload(),
  })

  let { services, routes } = parts(config)
  const server = createHttpServer(config.web.listen_address, () => routes, {
    logger,
    onListening: (address) => {
      listening = reachable(address)
      logger.info({ url: `http://${listening}/`, demo }, 'Listening')
      deps.onListening?.(address)
    },
  })
  const supervisor = createSupervisor({ clock, logger })
  supervisor.want([...services, server])
  reload = createReloading(first, services, {
    ...deps,
    apply: (changed) => {
      ;({ services, routes } = parts(changed))
      supervisor.want([...services, server])
      deps.onConfig?.(changed)
      return services
    },
    onReload: metrics.reloaded,
  })
  metrics.reloaded(true)
  const stopListening = onHangUp(() => void reload())
  try {
    logger.info({ version, services: services.map(({ name }) => name) }, 'Starting')
    await supervisor.run(signal)
  } finally {
    stopListening()
  }
  logger.info({}, 'Stopped')
}

/** `host:port` to reach us at from this machine. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  return formatHostPort({ host: host === '::' || host === '0.0.0.0' ? 'localhost' : host, port })
}
