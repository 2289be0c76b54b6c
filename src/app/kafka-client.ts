import type { KafkaClusterOptions } from '../kafka/cluster.ts'
import type { KafkaClusterConfig } from './kafka-schema.ts'
import { tlsClientOptions } from './tls-client.ts'

/** How to reach a configured cluster; certificate files are read now. */
export function kafkaClientOptions(
  config: KafkaClusterConfig,
): Pick<KafkaClusterOptions, 'bootstrap' | 'requestTimeoutMs' | 'tls' | 'sasl'> {
  return {
    bootstrap: config.bootstrap,
    requestTimeoutMs: config.request_timeout,
    ...(config.tls === undefined ? {} : { tls: tlsClientOptions(config.tls) }),
    ...(config.sasl === undefined ? {} : { sasl: config.sasl }),
  }
}
