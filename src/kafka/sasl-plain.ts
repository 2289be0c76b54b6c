import type { Credentials, SaslExchange } from './sasl-exchange.ts'

/** SASL PLAIN (RFC 4616): one token with user name and password; use it over TLS only. */
export function createPlain({ username, password }: Credentials): SaslExchange {
  return {
    start: () => Buffer.from(`\0${username}\0${password.reveal()}`),
    next: () => undefined,
    secrets: () => [password.reveal()],
  }
}
