import { createPlain } from './sasl-plain.ts'
import { createScram } from './sasl-scram.ts'

/** What a user configured for SASL; the password is revealed only where it is used. */
export interface SaslOptions {
  readonly mechanism: keyof typeof mechanisms
  readonly username: string
  readonly password: { reveal(): string }
}

/**
 * One authentication of one connection. `start` gives the first token; `next` takes what the broker answered and gives
 * the next token, or undefined when the exchange is over. Both may throw UnavailableError when the broker's part of the
 * exchange does not hold.
 */
export interface SaslExchange {
  start(): Uint8Array
  next(challenge: Uint8Array): Uint8Array | undefined
}

/** Every mechanism that can be configured, under the name that SaslHandshake uses. */
const mechanisms = {
  PLAIN: createPlain,
  'SCRAM-SHA-256': (options: Credentials) => createScram('sha256', options),
} as const

export interface Credentials {
  readonly username: string
  readonly password: { reveal(): string }
}

/** A fresh exchange for one connection. */
export function createSaslExchange(options: SaslOptions): SaslExchange {
  return mechanisms[options.mechanism](options)
}
