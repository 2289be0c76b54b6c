import { UnavailableError } from '../runtime/errors.ts'
import type { SaslExchange } from './sasl-exchange.ts'
import type { TokenSource } from './sasl-token.ts'

export interface OauthBearerOptions {
  readonly source: TokenSource
  /** SASL extensions (KIP-342) by name, such as `logicalCluster`. */
  readonly extensions: Readonly<Record<string, string>>
}

/** Ends every part of the message (RFC 7628, section 3.1). */
const END = '\x01'

/**
 * SASL OAUTHBEARER (RFC 7628): one token, and over TLS only, since whoever reads it can use it. A broker that does not
 * take it says why in JSON as if it were a challenge, and refuses only after we have answered with nothing.
 */
export function createOauthBearer({ source, extensions }: OauthBearerOptions): SaslExchange {
  let refusal: string | undefined
  let token = ''
  return {
    start: async (signal) => {
      token = await source.token(signal)
      const pairs = Object.entries({ auth: `Bearer ${token}`, ...extensions })
      return Buffer.from(`n,,${END}${pairs.map(([name, value]) => `${name}=${value}${END}`).join('')}${END}`)
    },
    next: (challenge) => {
      if (refusal !== undefined)
        throw new UnavailableError(`Authenticate by OAUTHBEARER: the broker refused: ${refusal}`, { denied: true })
      if (challenge.length === 0) return undefined
      refusal = statusOf(challenge)
      return Buffer.from(END)
    },
    secrets: () => [token],
    refused: () => source.forget(),
  }
}

/** `invalid_token` of `{"status":"invalid_token"}`; nothing else of the answer is repeated. */
function statusOf(challenge: Uint8Array): string {
  return /"status"\s*:\s*"([\w-]{1,64})"/.exec(Buffer.from(challenge).toString('utf8'))?.[1] ?? 'without a reason'
}
