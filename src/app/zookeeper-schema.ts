import { z } from 'zod'
import { duration } from '../config/duration.ts'
import { parsed, secret, text } from '../config/text-options.ts'
import type { EnsembleOptions } from '../zookeeper/client.ts'
import { parseConnectString } from '../zookeeper/connect-string.ts'
import { foreignSchema } from './foreign-schema.ts'
import { tlsClient, tlsClientOptions } from './tls-client.ts'

const auth = z.strictObject({
  username: text('a user name without ":"', /^[^:]+$/).describe("User of ZooKeeper's `digest` scheme."),
  password: secret().describe('Password of the user.'),
})

const sasl = z.strictObject({
  username: text('a user name').describe('User in the `Server` section of the JAAS file of the servers.'),
  password: secret().describe('Password of the user; it is never sent.'),
})

/** The block `zookeeper` of the configuration. */
export const zookeeperSchema = z.strictObject({
  connect: parsed('servers such as "zk1:2181,zk2:2181/lagkeeper"', connectString).describe(
    'Servers of the ensemble with commas in between, and the path under which everything is kept.',
  ),
  session_timeout: duration('1s', '5m')
    .prefault('10s')
    .describe('How long ZooKeeper keeps our registrations after it last heard from us.'),
  auth: auth.optional().describe('Identify to ZooKeeper, so that access rights can be given to us alone.'),
  sasl: sasl.optional().describe('Authenticate by SASL DIGEST-MD5, for servers that demand it.'),
  tls: tlsClient
    .optional()
    .describe(
      'Connect with TLS, to the `secureClientPort`. `{}` is enough when the certificates are publicly trusted.',
    ),
  foreign: foreignSchema,
})

export type ZookeeperConfig = z.output<typeof zookeeperSchema>

/** What the client takes of the block; the files are read now. */
export function zookeeperOptions(
  config: Pick<ZookeeperConfig, 'connect' | 'auth' | 'sasl' | 'tls'> &
    Partial<Pick<ZookeeperConfig, 'session_timeout'>>,
): EnsembleOptions {
  const { auth: digest, sasl: user, tls: files } = config
  return {
    connect: config.connect,
    ...(config.session_timeout !== undefined && { sessionTimeoutMs: config.session_timeout }),
    ...(digest !== undefined && {
      auth: [{ scheme: 'digest', credential: `${digest.username}:${digest.password.reveal()}` }],
    }),
    ...(user !== undefined && { sasl: { username: user.username, password: user.password.reveal() } }),
    ...(files !== undefined && { tls: tlsClientOptions(files) }),
  }
}

function connectString(value: string): string | undefined {
  try {
    parseConnectString(value)
    return value
  } catch {
    return undefined
  }
}
