import type { Credentials, SaslExchange } from './sasl-exchange.ts'
import { createPlain } from './sasl-plain.ts'
import { createScram } from './sasl-scram.ts'

/** What a user configured for SASL. */
export interface SaslOptions extends Credentials {
  readonly mechanism: keyof typeof mechanisms
}

/** Every mechanism that can be configured, under the name that SaslHandshake uses. */
const mechanisms = {
  PLAIN: createPlain,
  'SCRAM-SHA-256': (options: Credentials) => createScram('sha256', options),
} as const

/** A fresh exchange for one connection. */
export function createSaslExchange(options: SaslOptions): SaslExchange {
  return mechanisms[options.mechanism](options)
}
