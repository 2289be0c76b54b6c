import type { Api, ApiName } from '../kafka-wire/apis.ts'
import type { Broker } from '../model/catalog.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { type RetryPolicy, retryDelay } from '../runtime/retry.ts'
import { type ConnectionSettings, connectKafka, type KafkaConnection } from './connection.ts'
import type { Answer, Exchange, TlsOptions } from './raw-connection.ts'
import type { SaslOptions } from './sasl.ts'

export interface KafkaClusterOptions {
  /** `host:port`, IPv6 in brackets. */
  readonly bootstrap: readonly string[]
  readonly tls?: TlsOptions
  readonly sasl?: SaslOptions
  readonly requestTimeoutMs: number
  readonly clock: Clock
  readonly onRequest?: (api: ApiName) => void
  readonly onDecodeError?: (broker: string) => void
}

/** The connections to the brokers of one cluster: one a broker, opened when needed, each on its own. */
export interface KafkaCluster {
  /** The brokers that the last Metadata named. */
  brokers(): readonly Broker[]
  /** Tells the cluster where its brokers are. */
  learn(brokers: readonly Broker[]): void
  /**
   * Asks one broker by id.
   *
   * @throws UnavailableError when it is not known, cannot be reached (at once while its back-off lasts) or is too slow
   * @throws DecodeError when its answer is malformed
   */
  ask<T>(broker: number, exchange: Exchange<T>, signal: AbortSignal): Promise<Answer<T>>
  /** Asks whichever broker answers first in turn: connected ones, then known ones, then the bootstrap list. */
  askAny<T>(exchange: Exchange<T>, signal: AbortSignal): Promise<Answer<T>>
  /** The version of an API that the connection to a broker uses; undefined while there is no connection. */
  version(broker: number, api: Api): number | undefined
  close(): void
}

const backOff: RetryPolicy = { firstMs: 250, factor: 2, maxMs: 10_000, jitter: 0.3 }
const MAX_FRAME_BYTES = 64 << 20
const PROBE_TIMEOUT_MS = 2_500
/** A connection whose versions are a guess is made anew after this: a modern broker that stood still looks like an old one. */
const GUESS_LASTS_MS = 600_000

interface Link {
  readonly opening: Promise<KafkaConnection>
  readonly madeAt: number
  connection?: KafkaConnection
}

interface Trouble {
  readonly failures: number
  readonly until: number
  readonly error: Error
}

export function createKafkaCluster(options: KafkaClusterOptions): KafkaCluster {
  const { clock } = options
  const life = new AbortController()
  const links = new Map<string, Link>()
  const troubles = new Map<string, Trouble>()
  /** Addresses that have answered ApiVersions once: a broker that is slow later must not be taken for an old one. */
  const modern = new Set<string>()
  let known: readonly Broker[] = []
  const settings: ConnectionSettings = {
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    connectTimeoutMs: options.requestTimeoutMs,
    requestTimeoutMs: options.requestTimeoutMs,
    probeTimeoutMs: Math.min(PROBE_TIMEOUT_MS, options.requestTimeoutMs),
    maxFrameBytes: MAX_FRAME_BYTES,
    clock,
    onRequest: options.onRequest ?? (() => undefined),
    onDecodeError: options.onDecodeError ?? (() => undefined),
  }

  function connect(address: string): Promise<KafkaConnection> {
    const link = links.get(address)
    if (link !== undefined && isUsable(link)) return link.opening
    const trouble = troubles.get(address)
    if (trouble !== undefined && clock.monotonic() < trouble.until) return Promise.reject(trouble.error)
    const opening = connectKafka(address, splitAddress(address), settings, !modern.has(address), life.signal)
    const made: Link = { opening, madeAt: clock.monotonic() }
    links.set(address, made)
    opening.then(
      (connection) => {
        made.connection = connection
        if (connection.negotiated) modern.add(address)
      },
      (error: Error) => {
        links.delete(address)
        fail(address, error)
      },
    )
    return opening
  }

  function isUsable({ connection, madeAt }: Link): boolean {
    if (connection === undefined) return true
    if (connection.negotiated || clock.monotonic() - madeAt < GUESS_LASTS_MS) return connection.isOpen()
    connection.close(new UnavailableError('Made anew, to ask for its versions again'))
    return false
  }

  /** Whoever let a time-out pass is not waited for again in the same cycle: the other brokers must not wait with us. */
  function fail(address: string, error: Error): void {
    const failures = (troubles.get(address)?.failures ?? 0) + 1
    const atLeastMs = isTimeout(error) ? 2 * options.requestTimeoutMs : 0
    const delayMs = Math.max(atLeastMs, retryDelay(backOff, failures, Math.random()))
    troubles.set(address, { failures, error, until: clock.monotonic() + delayMs })
  }

  async function askAt<T>(address: string, exchange: Exchange<T>, signal: AbortSignal): Promise<Answer<T>> {
    const connection = await connect(address)
    signal.throwIfAborted()
    try {
      const answer = await connection.request(exchange, signal)
      troubles.delete(address)
      return answer
    } catch (error) {
      if (isTimeout(error)) fail(address, error)
      throw error
    }
  }

  const addressOf = (broker: number): string | undefined => {
    const found = known.find((one) => one.id === broker)
    return found === undefined ? undefined : joinAddress(found.host, found.port)
  }

  return {
    brokers: () => known,
    learn: (brokers) => {
      known = brokers
      const wanted = new Set([...options.bootstrap, ...brokers.map(({ host, port }) => joinAddress(host, port))])
      for (const [address, link] of links) {
        if (wanted.has(address)) continue
        links.delete(address)
        link.connection?.close(new UnavailableError(`Broker "${address}" is no longer in the cluster`))
      }
    },
    ask: async (broker, exchange, signal) => {
      const address = addressOf(broker)
      if (address === undefined) throw new UnavailableError(`Ask broker ${broker}: the cluster does not name it`)
      return askAt(address, exchange, signal)
    },
    askAny: async (exchange, signal) => {
      const members = known.map(({ host, port }) => joinAddress(host, port))
      const open = members.filter((address) => links.get(address)?.connection?.isOpen() === true)
      const errors: Error[] = []
      for (const address of new Set([...open, ...members, ...options.bootstrap])) {
        try {
          return await askAt(address, exchange, signal)
        } catch (error) {
          if (signal.aborted) throw error
          errors.push(error instanceof Error ? error : new UnavailableError(String(error)))
        }
      }
      throw new UnavailableError(
        `Ask any broker of "${options.bootstrap.join(',')}" for ${exchange.api.name}: ${errors.map(describeError).join('; ')}`,
        {
          cause: errors.at(-1),
          timedOut: errors.some((error) => error instanceof UnavailableError && error.timedOut),
          denied: errors.some((error) => error instanceof UnavailableError && error.denied),
          unsupported: errors.every((error) => error instanceof UnavailableError && error.unsupported),
        },
      )
    },
    version: (broker, api) => links.get(addressOf(broker) ?? '')?.connection?.versions.version(api),
    close: () => {
      const reason = new UnavailableError('The connection was closed by us')
      life.abort(reason)
      for (const link of links.values()) link.connection?.close(reason)
      links.clear()
    },
  }
}

function isTimeout(error: unknown): error is UnavailableError {
  return error instanceof UnavailableError && error.timedOut
}

function joinAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}
