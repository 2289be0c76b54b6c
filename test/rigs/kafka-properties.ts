import type { TlsFiles } from './tls.ts'
import { isAtLeast } from './version.ts'

/** One broker of a rig, as its properties need it. */
export interface BrokerPlan {
  readonly id: number
  readonly dataFolder: string
  /** Listener name to port, the first for brokers among themselves. */
  readonly listeners: Readonly<Record<string, number>>
  /** Broker and controller in one, or a broker that a ZooKeeper coordinates. */
  readonly coordination:
    | { readonly kind: 'kraft'; readonly controllerPort: number; readonly voters: string }
    | { readonly kind: 'zookeeper'; readonly connect: string }
}

/** Properties of a small broker: few threads, few partitions in the internal topics, no waiting for group members. */
export function brokerProperties(version: string, plan: BrokerPlan, brokers: number): Record<string, string> {
  const replicas = String(brokers)
  const inSync = brokers === 1 ? '1' : '2'
  return {
    'log.dirs': plan.dataFolder,
    'num.network.threads': '2',
    'num.io.threads': '2',
    // The default of 128 MiB does not fit into a small heap.
    'log.cleaner.dedupe.buffer.size': '8000000',
    'num.partitions': '1',
    'default.replication.factor': replicas,
    'offsets.topic.num.partitions': '5',
    'offsets.topic.replication.factor': replicas,
    'controlled.shutdown.enable': 'false',
    // Two maps of 10 MiB a partition otherwise, which is much for a thousand partitions.
    'log.index.size.max.bytes': '262144',
    // Off by default before 1.0.
    'delete.topic.enable': 'true',
    ...(isAtLeast(version, '0.10.1') && { 'group.initial.rebalance.delay.ms': '0' }),
    ...(isAtLeast(version, '0.11') && {
      'transaction.state.log.num.partitions': '5',
      'transaction.state.log.replication.factor': replicas,
      'transaction.state.log.min.isr': inSync,
    }),
    ...(isAtLeast(version, '4.0') && {
      'share.coordinator.state.topic.num.partitions': '5',
      'share.coordinator.state.topic.replication.factor': replicas,
      'share.coordinator.state.topic.min.isr': inSync,
    }),
    ...(brokers > 1 && fastFailover(plan)),
    ...coordinationProperties(plan),
    ...listenerProperties(version, plan),
  }
}

/** Adds SASL (PLAIN, SCRAM), TLS and an authorizer under which only `admin` and ANONYMOUS may do everything. */
export function secureProperties(version: string, kraft: boolean, tls: TlsFiles): Record<string, string> {
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'ssl.keystore.location': tls.serverStore,
    'ssl.keystore.password': tls.password,
    'ssl.keystore.type': 'PKCS12',
    'ssl.key.password': tls.password,
    'ssl.truststore.location': tls.trustStore,
    'ssl.truststore.password': tls.password,
    'ssl.truststore.type': 'PKCS12',
    'ssl.client.auth': 'requested',
    'authorizer.class.name': authorizer(version, kraft),
    // ANONYMOUS is who comes through the plain listener, which is there for brokers and for the tests' own set-up.
    'super.users': 'User:admin;User:ANONYMOUS',
    'allow.everyone.if.no.acl.found': 'false',
  }
}

function authorizer(version: string, kraft: boolean): string {
  if (kraft) return 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'
  return isAtLeast(version, '2.4')
    ? 'kafka.security.authorizer.AclAuthorizer'
    : 'kafka.security.auth.SimpleAclAuthorizer'
}

function coordinationProperties({ id, coordination }: BrokerPlan): Record<string, string> {
  if (coordination.kind === 'zookeeper')
    return {
      'broker.id': String(id),
      'zookeeper.connect': coordination.connect,
      'zookeeper.connection.timeout.ms': '15000',
      'zookeeper.session.timeout.ms': '6000',
    }
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': coordination.voters,
    'controller.listener.names': 'CONTROLLER',
  }
}

function listenerProperties(version: string, { listeners, coordination }: BrokerPlan): Record<string, string> {
  if (!isAtLeast(version, '0.9')) return { 'host.name': '127.0.0.1', port: String(Object.values(listeners)[0]) }
  const address = ([name, port]: readonly [string, number]) => `${name}://127.0.0.1:${port}`
  const open = Object.entries(listeners).map(address)
  if (coordination.kind === 'zookeeper') return { listeners: open.join(',') }
  return {
    listeners: [...open, address(['CONTROLLER', coordination.controllerPort])].join(','),
    'advertised.listeners': open.join(','),
    'listener.security.protocol.map': [
      'CONTROLLER:PLAINTEXT',
      ...Object.keys(listeners).map((name) => `${name}:${name}`),
    ].join(','),
  }
}

// A dead leader is replaced after 3 s; with the defaults it takes 9 s.
function fastFailover({ coordination }: BrokerPlan): Record<string, string> {
  if (coordination.kind === 'zookeeper') return {}
  return {
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'controller.quorum.election.timeout.ms': '500',
    'controller.quorum.fetch.timeout.ms': '1000',
  }
}
