import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { SaslExchange } from './sasl-exchange.ts'

/** What we use of one security context of the package `kerberos`; tokens are base64. */
interface KerberosClient {
  readonly contextComplete: boolean
  step(challenge: string): Promise<string | null>
  wrap(token: string, options?: { readonly protect?: boolean }): Promise<string | null>
  unwrap(token: string): Promise<string | null>
}

/** What we use of the package `kerberos`, which binds MIT Kerberos. */
export interface Kerberos {
  readonly GSS_MECH_OID_KRB5: number
  initializeClient(
    service: string,
    options: { readonly mechOID: number; readonly principal?: string },
  ): Promise<KerberosClient>
}

export interface GssapiOptions {
  readonly kerberos: Kerberos
  /** First part of the brokers' principals: `sasl.kerberos.service.name`. */
  readonly serviceName: string
  /** Who we are, `name@REALM`; absent: whoever the credential cache or the client keytab is for. */
  readonly principal?: string
}

/** The bit of "no security layer" (RFC 4752, section 3.3), which is what Kafka speaks: TLS does the rest. */
const NO_LAYER = 1

/**
 * SASL GSSAPI (RFC 4752) with Kerberos: tokens until both sides have proven themselves, then the offer of security
 * layers and our choice of none. The library asks the KDC in a thread of its own.
 */
export function createGssapi({ kerberos, serviceName, principal }: GssapiOptions, host: string): SaslExchange {
  const service = `${serviceName}@${host}`
  let client: KerberosClient | undefined
  let phase: 'context' | 'layer' | 'done' = 'context'

  async function step(challenge: Uint8Array): Promise<Uint8Array> {
    client ??= await kerberos.initializeClient(service, {
      mechOID: kerberos.GSS_MECH_OID_KRB5,
      ...(principal === undefined ? {} : { principal }),
    })
    const answer = await client.step(base64(challenge))
    if (client.contextComplete) phase = 'layer'
    return bytes(answer)
  }

  async function chooseLayer(offer: Uint8Array): Promise<Uint8Array> {
    if (client === undefined) throw new UnavailableError(`Authenticate to "${service}": no security context`)
    const offered = bytes(await client.unwrap(base64(offer)))
    if (offered.length !== 4 || (offered[0]! & NO_LAYER) === 0)
      throw new UnavailableError(
        `Authenticate to "${service}": security layers ${offered.toString('hex') || 'unnamed'}, expected an offer without one`,
        { denied: true },
      )
    phase = 'done'
    // No layer, and so no largest message; without a name the broker takes that of the ticket.
    return bytes(await client.wrap(base64(Uint8Array.of(NO_LAYER, 0, 0, 0))))
  }

  return {
    start: () => told(service, () => step(Buffer.alloc(0))),
    next: (challenge) => {
      if (phase === 'done') return undefined
      const isLayer = phase === 'layer'
      return told(service, () => (isLayer ? chooseLayer(challenge) : step(challenge)))
    },
  }
}

async function told<T>(service: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof UnavailableError) throw error
    const why = describeError(error)
    // A KDC that is away comes back; an unknown principal or a wrong key does not.
    const denied = !/contact any KDC|resolve network address|timed out/i.test(why)
    throw new UnavailableError(`Get a Kerberos ticket for "${service}": ${why}`, { cause: error, denied })
  }
}

function base64(token: Uint8Array): string {
  return Buffer.from(token).toString('base64')
}

function bytes(token: string | null): Buffer {
  return Buffer.from(token ?? '', 'base64')
}
