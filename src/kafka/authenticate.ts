import { apis } from '../kafka-wire/apis.ts'
import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import { decodeSaslAuthenticateResponse, encodeSaslAuthenticateRequest } from '../kafka-wire/sasl-authenticate.ts'
import { decodeSaslHandshakeResponse, encodeSaslHandshakeRequest } from '../kafka-wire/sasl-handshake.ts'
import { UnavailableError } from '../runtime/errors.ts'
import type { RawConnection } from './raw-connection.ts'
import { createSaslExchange, type SaslOptions } from './sasl.ts'
import type { SaslExchange } from './sasl-exchange.ts'
import type { VersionTable } from './version-table.ts'

/** The connection that is to be authenticated, and as whom. */
export interface Authentication {
  /** How errors call the broker, such as `host:9092`. */
  readonly name: string
  readonly host: string
  readonly raw: RawConnection
  readonly versions: VersionTable
  readonly options: SaslOptions
  /** For each answer of the broker. */
  readonly timeoutMs: number
}

/** What the broker allowed. */
export interface Grant {
  /** For how long, from `askedAt` on; 0: for as long as the connection lives. */
  readonly lifetimeMs: number
  /** By the monotonic clock. */
  readonly askedAt: number
}

/**
 * Runs one SASL exchange, on a fresh connection or once more on an open one (KIP-368): tokens inside SaslAuthenticate
 * from 1.0 on (KIP-152), bare before. Nothing else may be sent on the connection meanwhile.
 *
 * @throws UnavailableError with `denied` when the broker says no; it names the mechanisms that it offers
 */
export async function authenticate(asking: Authentication, signal: AbortSignal): Promise<Grant> {
  const { name, host, raw, versions, options, timeoutMs } = asking
  const handshake = versions.version(apis.SaslHandshake)
  if (handshake === undefined)
    throw new UnavailableError(`Authenticate at ${name}: this broker has no SaslHandshake`, { unsupported: true })
  // First of all, because it may mean to ask somebody else for a token: a broker in the middle of an exchange is not
  // kept waiting for that.
  const exchange = createSaslExchange(options, host)
  let token: Uint8Array | undefined = await exchange.start(signal)
  const { value: offer } = await raw.send(
    {
      api: apis.SaslHandshake,
      encode: (version) => encodeSaslHandshakeRequest(version, { mechanism: options.mechanism }),
      decode: decodeSaslHandshakeResponse,
    },
    handshake,
    timeoutMs,
    signal,
  )
  if (offer.error !== errorCodes.NONE)
    throw new UnavailableError(
      `Authenticate at ${name} by "${options.mechanism}": ${errorName(offer.error)}, the broker offers ${offer.mechanisms.join(', ') || 'nothing'}`,
      { denied: true },
    )
  const wrapped = handshake === 0 ? undefined : versions.version(apis.SaslAuthenticate)
  let grant: Grant = { lifetimeMs: 0, askedAt: 0 }
  try {
    while (token !== undefined) {
      const answer: Step =
        wrapped === undefined
          ? await bareStep(asking, token, signal)
          : await step(asking, exchange, wrapped, token, signal)
      grant = answer.grant
      token = await exchange.next(answer.challenge)
    }
  } catch (error) {
    if (error instanceof UnavailableError && error.denied) exchange.refused?.()
    throw error
  }
  return grant
}

interface Step {
  readonly challenge: Uint8Array
  readonly grant: Grant
}

async function step(
  asking: Authentication,
  exchange: SaslExchange,
  version: number,
  token: Uint8Array,
  signal: AbortSignal,
): Promise<Step> {
  const { value, evidence } = await asking.raw.send(
    {
      api: apis.SaslAuthenticate,
      encode: (v) => encodeSaslAuthenticateRequest(v, { bytes: token }),
      decode: decodeSaslAuthenticateResponse,
    },
    version,
    asking.timeoutMs,
    signal,
  )
  if (value.error !== errorCodes.NONE) {
    const said = value.errorMessage === undefined ? '' : `, ${masked(value.errorMessage, exchange)}`
    throw new UnavailableError(`${whoIsAsking(asking)}: ${errorName(value.error)}${said}`, { denied: true })
  }
  return { challenge: value.bytes, grant: { lifetimeMs: value.sessionLifetimeMs, askedAt: evidence.sentAt } }
}

async function bareStep(asking: Authentication, token: Uint8Array, signal: AbortSignal): Promise<Step> {
  try {
    const challenge = await asking.raw.sendBare(token, asking.timeoutMs, signal)
    return { challenge, grant: { lifetimeMs: 0, askedAt: 0 } }
  } catch (error) {
    if (!(error instanceof UnavailableError) || error.timedOut || error.denied) throw error
    throw new UnavailableError(
      `${whoIsAsking(asking)}: the broker hung up, which is how one before 1.0 says that it does not know us`,
      { cause: error, denied: true },
    )
  }
}

/** Brokers write for people, and some quote what they were sent. */
function masked(text: string, { secrets }: SaslExchange): string {
  const known = (secrets?.() ?? []).filter((secret) => secret !== '')
  return known.reduce((rest, secret) => rest.replaceAll(secret, '<secret>'), text).slice(0, 500)
}

function whoIsAsking({ name, options }: Authentication): string {
  const as = 'username' in options ? ` as "${options.username}"` : ''
  return `Authenticate at ${name}${as} by "${options.mechanism}"`
}
