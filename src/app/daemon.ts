import { formatHostPort, type ListenAddress } from '../config/address.ts'
import { createDoor } from '../http/door.ts'
import type { Reloaded } from '../http/reload.ts'
import { createHttpServer } from '../http/server.ts'
import { readReplicaId } from '../replicas/replica-id.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createSupervisor } from '../runtime/service.ts'
import { createFlinkRoom } from './flink-room.ts'
import { createParts } from './parts.ts'
import { createReloading, type Effective } from './reloading.ts'
import { advertisedUrl, createReplicas } from './replicas.ts'
import type { Config } from './schema.ts'
import { createSelfMetrics } from './self-metrics.ts'
import { createWebProtection } from './web-protection.ts'
import { zookeeperOptions } from './zookeeper-schema.ts'

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
  let listensOn: ListenAddress = { port: 0 }
  let reload = async (): Promise<Reloaded> => ({ problems: ['not started yet, expected a running daemon'] })
  const flinkRoom = createFlinkRoom()
  await flinkRoom.prepare(first)
  const { zookeeper } = config
  const replicas = createReplicas(
    {
      id: await readReplicaId(zookeeper === undefined ? undefined : config.storage.path, logger),
      version,
      url: () => config.web.advertise_url ?? advertisedUrl(listensOn, first.web?.tls === undefined ? 'http' : 'https'),
      zookeeper: zookeeper === undefined ? undefined : zookeeperOptions(zookeeper),
    },
    { clock, logger },
  )
  let applied = config
  let recompose = (): void => undefined
  const parts = createParts(config, {
    clock,
    logger,
    version,
    metrics,
    // Nobody else waits for the code of the simulators.
    world: demo ? await (await import('./demo.ts')).createDemoParts({ clock, logger }) : undefined,
    address: () => listening,
    reload: () => reload(),
    flinkRoom,
    replicas,
    recompose: () => recompose(),
  })

  // The metric is about both files: a web configuration that is right again does not cure the other one.
  const good = { config: true, web: true }
  const say = (which: keyof typeof good, isGood: boolean): void => {
    good[which] = isGood
    metrics.reloaded(good.config && good.web)
  }
  const protection = createWebProtection(first, {
    clock,
    logger,
    onLook: (isRight) => {
      if (isRight !== good.web) say('web', isRight)
    },
  })
  let { services, routes, isToken } = parts(config)
  const server = createHttpServer(config.web.listen_address, () => routes, {
    logger,
    door: createDoor(protection.current, { clock, isToken: (authorization) => isToken(authorization) }),
    onListening: (address) => {
      listening = reachable(address)
      listensOn = { ...config.web.listen_address, port: address.port }
      const scheme = first.web?.tls === undefined ? 'http' : 'https'
      logger.info({ url: `${scheme}://${listening}/`, demo }, 'Listening')
      deps.onListening?.(address)
    },
  })
  const supervisor = createSupervisor({ clock, logger })
  const want = (): void => supervisor.want([...services, protection, server])
  want()
  recompose = () => {
    ;({ services, routes, isToken } = parts(applied))
    want()
  }
  reload = createReloading(first, () => services, {
    ...deps,
    prepare: flinkRoom.prepare,
    apply: (changed) => {
      ;({ services, routes, isToken } = parts(changed.config))
      applied = changed.config
      protection.use(changed)
      good.web = true
      want()
      deps.onConfig?.(changed.config)
      return services
    },
    onReload: (isSuccessful) => say('config', isSuccessful),
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
