import { hostname } from 'node:os'
import { formatHostPort, type ListenAddress } from '../config/address.ts'
import type { Peer } from '../http/forward.ts'
import type { Presence } from '../registry/notices.ts'
import { replicas } from '../replicas/index.ts'
import type { Replicas } from '../replicas/replicas.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import type { EnsembleOptions } from '../zookeeper/client.ts'

export interface AppReplicasOptions {
  /** Of this replica, from `readReplicaId`. */
  readonly id: string
  readonly version: string
  /** Undefined until others can reach us: see `advertisedUrl`. */
  readonly url: () => string | undefined
  /** Undefined: there are no others. */
  readonly zookeeper: EnsembleOptions | undefined
}

/** Replicas know each other where they share registrations: through ZooKeeper. */
export function createReplicas(
  { zookeeper, ...options }: AppReplicasOptions,
  deps: { readonly clock: Clock; readonly logger: Logger },
): Replicas {
  return zookeeper === undefined
    ? replicas.alone(options, deps)
    : replicas.zookeeper({ ...options, ...zookeeper }, deps)
}

/**
 * Where others reach us when nobody has said so: at the host that we listen on, else by the name of this machine;
 * undefined while the port is not known.
 */
export function advertisedUrl(listening: ListenAddress, scheme: 'http' | 'https'): string | undefined {
  const { host, port } = listening
  const isEverywhere = host === undefined || host === '::' || host === '0.0.0.0'
  return port === 0 ? undefined : `${scheme}://${formatHostPort({ host: isEverywhere ? hostname() : host, port })}`
}

/** Finds the replica to which a heartbeat of an id must go; undefined when that is we, or nobody can be called. */
export function createHolderOf(
  holderOf: (id: string) => string | undefined,
  { self, members, secretOf }: Replicas,
): (id: string) => Peer | undefined {
  return (id) => {
    const holder = holderOf(id)
    if (holder === undefined || holder === self) return undefined
    const url = members().find((one) => one.id === holder)?.url
    const secret = secretOf(holder)
    return url === undefined || secret === undefined ? undefined : { id: holder, url, secret }
  }
}

/** Who lives, for the registry. While we are not seen ourselves we see nobody either, and that says nothing. */
export function createPresence({ self, members, changes }: Pick<Replicas, 'self' | 'members' | 'changes'>): Presence {
  return {
    isPresent: (holder) => {
      const ids = members().map(({ id }) => id)
      return ids.includes(self) ? ids.includes(holder) : undefined
    },
    changes,
  }
}

/** True for the Kafka clusters that are to be read here. */
export function createKafkaShare(share: boolean, { owns }: Pick<Replicas, 'owns'>): (kafkaCluster: string) => boolean {
  return (kafkaCluster) => !share || owns(`kafka/${kafkaCluster}`)
}

/** Calls back whenever something else may be owned here: the wanted services have to be made out again. */
export function watchReplicas({ changes }: Pick<Replicas, 'changes'>, onChange: () => void): Service {
  return {
    name: 'replica changes',
    run: async (signal) => {
      const heard = changes(signal)
      // What happened before we listened.
      onChange()
      for await (const _ of heard) onChange()
    },
  }
}
