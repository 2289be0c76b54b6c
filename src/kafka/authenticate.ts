import { apis } from '../kafka-wire/apis.ts'
import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import { decodeSaslAuthenticateResponse, encodeSaslAuthenticateRequest } from '../kafka-wire/sasl-authenticate.ts'
import { decodeSaslHandshakeResponse, encodeSaslHandshakeRequest } from '../kafka-wire/sasl-handshake.ts'
import { UnavailableError } from '../runtime/errors.ts'
import type { RawConnection } from './raw-connection.ts'
import { createSaslExchange, type SaslOptions } from './sasl.ts'
import type { VersionTable } from './version-table.ts'

/**
 * Runs one SASL exchange on a fresh connection: tokens inside SaslAuthenticate from 1.0 on (KIP-152), bare before.
 *
 * @throws UnavailableError with `denied` when the broker says no; it names the mechanisms that it offers
 */
export async function authenticate(
  name: string,
  raw: RawConnection,
  versions: VersionTable,
  options: SaslOptions,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const handshake = versions.version(apis.SaslHandshake)
  if (handshake === undefined) throw new UnavailableError(`Authenticate at ${name}: this broker has no SaslHandshake`)
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
  const wrapped = versions.version(apis.SaslAuthenticate)
  const exchange = createSaslExchange(options)
  let token: Uint8Array | undefined = exchange.start()
  while (token !== undefined) {
    const challenge: Uint8Array =
      handshake === 0 || wrapped === undefined
        ? await raw.sendBare(token, timeoutMs, signal)
        : await step(name, raw, wrapped, token, options, timeoutMs, signal)
    token = exchange.next(challenge)
  }
}

async function step(
  name: string,
  raw: RawConnection,
  version: number,
  token: Uint8Array,
  options: SaslOptions,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { value } = await raw.send(
    {
      api: apis.SaslAuthenticate,
      encode: (v) => encodeSaslAuthenticateRequest(v, { bytes: token }),
      decode: decodeSaslAuthenticateResponse,
    },
    version,
    timeoutMs,
    signal,
  )
  if (value.error !== errorCodes.NONE)
    throw new UnavailableError(
      `Authenticate at ${name} as "${options.username}" by "${options.mechanism}": ${errorName(value.error)}${value.errorMessage === undefined ? '' : `, ${value.errorMessage}`}`,
      { denied: true },
    )
  return value.bytes
}
