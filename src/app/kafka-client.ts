import { readFileSync } from 'node:fs'
import type { KafkaClusterOptions } from '../kafka/cluster.ts'
import type { SaslOptions } from '../kafka/sasl.ts'
import type { TokenSource } from '../kafka/sasl-token.ts'
import { tokenFromCommand } from '../kafka/sasl-token-command.ts'
import { tokenFromEndpoint } from '../kafka/sasl-token-endpoint.ts'
import { tokenFromFile } from '../kafka/sasl-token-file.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { awsCredentials } from './aws-credentials.ts'
import type { OauthSource } from './kafka-oauth-schema.ts'
import type { KafkaSaslConfig } from './kafka-sasl-schema.ts'
import type { KafkaClusterConfig } from './kafka-schema.ts'
import { loadKerberos } from './kerberos.ts'
import { tlsClientOptions } from './tls-client.ts'

/**
 * How to reach a configured cluster; what a mechanism needs is loaded. Certificate files are read now, so that a bad one is
 * known at once, and again at each connection, since others renew them.
 */
export function kafkaClientOptions(
  config: KafkaClusterConfig,
): Pick<KafkaClusterOptions, 'bootstrap' | 'requestTimeoutMs' | 'tls' | 'sasl'> {
  const { tls } = config
  if (tls !== undefined) tlsClientOptions(tls)
  return {
    bootstrap: config.bootstrap,
    requestTimeoutMs: config.request_timeout,
    ...(tls === undefined ? {} : { tls: () => tlsClientOptions(tls) }),
    ...(config.sasl === undefined ? {} : { sasl: saslOptions(config.sasl, systemClock) }),
  }
}

function saslOptions(config: KafkaSaslConfig, clock: Clock): SaslOptions {
  switch (config.mechanism) {
    case 'OAUTHBEARER':
      return { mechanism: config.mechanism, source: tokenSource(config.source, clock), extensions: config.extensions }
    case 'AWS_MSK_IAM':
      return { mechanism: config.mechanism, region: config.region, credentials: awsCredentials(config.profile) }
    case 'GSSAPI': {
      const { mechanism, serviceName, principal } = config
      return { mechanism, serviceName, kerberos: loadKerberos(), ...(principal === undefined ? {} : { principal }) }
    }
    default:
      return config
  }
}

function tokenSource(source: OauthSource, clock: Clock): TokenSource {
  switch (source.kind) {
    case 'file':
      return tokenFromFile(source.path, clock)
    case 'command':
      return tokenFromCommand(source.command, clock)
    case 'endpoint': {
      const { scope, audience, caFile, ...endpoint } = source
      return tokenFromEndpoint(
        {
          ...endpoint,
          ...(scope === undefined ? {} : { scope }),
          ...(audience === undefined ? {} : { audience }),
          ...(caFile === undefined ? {} : { tls: { ca: readFileSync(caFile) } }),
        },
        clock,
      )
    }
  }
}
