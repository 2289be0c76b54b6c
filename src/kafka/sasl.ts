import { type AwsIdentity, createAwsMskIam } from './sasl-aws.ts'
import type { Credentials, SaslExchange } from './sasl-exchange.ts'
import { createGssapi, type GssapiOptions } from './sasl-gssapi.ts'
import { createOauthBearer, type OauthBearerOptions } from './sasl-oauthbearer.ts'
import { createPlain } from './sasl-plain.ts'
import { createScram } from './sasl-scram.ts'

/** What a user configured for SASL; the mechanisms are named as SaslHandshake names them. */
export type SaslOptions =
  | (Credentials & { readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' })
  | (OauthBearerOptions & { readonly mechanism: 'OAUTHBEARER' })
  | (AwsIdentity & { readonly mechanism: 'AWS_MSK_IAM' })
  | (GssapiOptions & { readonly mechanism: 'GSSAPI' })

/** A fresh exchange for one connection to the broker at `host`, which is the name that it was reached by. */
export function createSaslExchange(options: SaslOptions, host: string): SaslExchange {
  switch (options.mechanism) {
    case 'PLAIN':
      return createPlain(options)
    case 'SCRAM-SHA-256':
      return createScram('sha256', options)
    case 'SCRAM-SHA-512':
      return createScram('sha512', options)
    case 'OAUTHBEARER':
      return createOauthBearer(options)
    case 'AWS_MSK_IAM':
      return createAwsMskIam(options, host)
    case 'GSSAPI':
      return createGssapi(options, host)
  }
}
