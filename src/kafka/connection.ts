import { decodeApiVersionsResponse, encodeApiVersionsRequest } from '../kafka-wire/api-versions.ts'
import { apis } from '../kafka-wire/apis.ts'
import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { type Authentication, authenticate } from './authenticate.ts'
import { type Answer, type Exchange, openRaw, type RawConnection, type RawSettings } from './raw-connection.ts'
import type { SaslOptions } from './sasl.ts'
import { createSaslSession, type SaslSession } from './sasl-session.ts'
import { kafka09, kafka082, negotiated, type VersionTable } from './version-table.ts'

/** How every connection of a cluster is made. */
export interface ConnectionSettings extends RawSettings {
  readonly sasl?: SaslOptions
  readonly requestTimeoutMs: number
  /** How long a broker may take to answer ApiVersions before it is taken for 0.9, which never does. */
  readonly probeTimeoutMs: number
}

export interface KafkaConnection {
  readonly broker: string
  readonly versions: VersionTable
  /** False when the broker did not answer ApiVersions and its versions are a guess. */
  readonly negotiated: boolean
  readonly isOpen: () => boolean
  /**
   * Sends one request; answers may be awaited together, they come back in order.
   *
   * @throws UnavailableError when the broker does not have the API, the time is over or the connection ends
   * @throws DecodeError when the answer is malformed; the connection is gone then
   */
  request<T>(exchange: Exchange<T>, signal: AbortSignal): Promise<Answer<T>>
  close(reason: Error): void
}

/**
 * Connects to a broker, learns its versions and authenticates.
 *
 * @param name how evidence and errors call the broker, such as `host:9092`
 * @param mayBeOld false when it has answered ApiVersions before: then its silence is trouble and not its age
 */
export async function connectKafka(
  name: string,
  address: { readonly host: string; readonly port: number },
  settings: ConnectionSettings,
  mayBeOld: boolean,
  signal: AbortSignal,
): Promise<KafkaConnection> {
  const open = (): Promise<RawConnection> => openRaw(name, address, settings, signal)
  const { raw, versions } = await negotiate(name, open, settings, mayBeOld, signal)
  const session = await openSession(name, address.host, raw, versions, settings, signal)
  return {
    broker: name,
    versions,
    negotiated: versions !== kafka09 && versions !== kafka082,
    isOpen: raw.isOpen,
    close: raw.close,
    request: (exchange, requestSignal) => {
      const version = versions.version(exchange.api)
      if (version === undefined)
        return Promise.reject(
          new UnavailableError(`Ask ${name} for ${exchange.api.name}: this broker does not have it`, {
            unsupported: true,
          }),
        )
      return raw.send(exchange, version, settings.requestTimeoutMs, requestSignal, session?.due)
    },
  }
}

/** Undefined when nobody asked us to authenticate. */
async function openSession(
  name: string,
  host: string,
  raw: RawConnection,
  versions: VersionTable,
  settings: ConnectionSettings,
  signal: AbortSignal,
): Promise<SaslSession | undefined> {
  const { sasl: options, requestTimeoutMs: timeoutMs, clock } = settings
  if (options === undefined) return undefined
  const asking: Authentication = { name, host, raw, versions, options, timeoutMs }
  try {
    return createSaslSession(asking, await authenticate(asking, signal), clock, signal)
  } catch (error) {
    raw.close(error instanceof Error ? error : new UnavailableError(String(error)))
    throw error
  }
}

/** ApiVersions, or what its absence says: 0.8.2 closes the connection, 0.9 stays silent. */
async function negotiate(
  name: string,
  open: () => Promise<RawConnection>,
  settings: ConnectionSettings,
  mayBeOld: boolean,
  signal: AbortSignal,
): Promise<{ raw: RawConnection; versions: VersionTable }> {
  const raw = await open()
  const exchange = {
    api: apis.ApiVersions,
    encode: encodeApiVersionsRequest,
    decode: decodeApiVersionsResponse,
  }
  try {
    const { value } = await raw.send(exchange, 0, settings.probeTimeoutMs, signal)
    if (value.error !== errorCodes.NONE) {
      const refused = new UnavailableError(`Ask ${name} for ApiVersions: ${errorName(value.error)}`, {
        unsupported: value.error === errorCodes.UNSUPPORTED_VERSION,
      })
      raw.close(refused)
      throw refused
    }
    return { raw, versions: negotiated(value.ranges) }
  } catch (error) {
    if (!(error instanceof UnavailableError) || error.denied || !mayBeOld || signal.aborted || raw.isOpen()) throw error
    if (error.timedOut) return { raw: await open(), versions: kafka09 }
    return { raw: await open(), versions: kafka082 }
  }
}
