import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { KafkaClusterOptions } from '../kafka/cluster.ts'
import type { KafkaClusterConfig } from './kafka-schema.ts'

/** How to reach a configured cluster; certificate files are read now. */
export function kafkaClientOptions(
  config: KafkaClusterConfig,
): Pick<KafkaClusterOptions, 'bootstrap' | 'requestTimeoutMs' | 'tls' | 'sasl'> {
  return {
    bootstrap: config.bootstrap,
    requestTimeoutMs: config.request_timeout,
    ...(config.tls === undefined ? {} : { tls: tlsOptions(config.tls) }),
    ...(config.sasl === undefined ? {} : { sasl: config.sasl }),
  }
}

function tlsOptions(tls: NonNullable<KafkaClusterConfig['tls']>): ConnectionOptions {
  return {
    rejectUnauthorized: !tls.insecure_skip_verify,
    ...(tls.ca_file === undefined ? {} : { ca: readFileSync(tls.ca_file) }),
    ...(tls.cert_file === undefined ? {} : { cert: readFileSync(tls.cert_file) }),
    ...(tls.key_file === undefined ? {} : { key: readFileSync(tls.key_file) }),
    ...(tls.server_name === undefined ? {} : { servername: tls.server_name }),
  }
}
