import { createKafkaCluster, type KafkaClusterOptions } from '../../src/kafka/cluster.ts'
import type { ApiName } from '../../src/kafka-wire/apis.ts'
import { apis } from '../../src/kafka-wire/apis.ts'
import { decodeMetadataResponse, encodeMetadataRequest } from '../../src/kafka-wire/metadata.ts'
import { systemClock } from '../../src/runtime/clock.ts'

/** What became of a client that asked for a while, three questions at a time. */
export interface LongConnection {
  /** Questions that were answered. */
  readonly answered: number
  /** Connections that were made: each begins with one ApiVersions. */
  readonly connections: number
  /** Times that it authenticated. */
  readonly logins: number
}

/** Asks one broker for metadata every `pauseMs` for `forMs`. Rejects with the first question that failed. */
export async function askForAWhile(
  options: Pick<KafkaClusterOptions, 'bootstrap' | 'tls' | 'sasl'>,
  forMs: number,
  pauseMs = 50,
): Promise<LongConnection> {
  const { signal } = new AbortController()
  const asked = new Map<ApiName, number>()
  const client = createKafkaCluster({
    ...options,
    requestTimeoutMs: 10_000,
    clock: systemClock,
    onRequest: (api) => {
      asked.set(api, (asked.get(api) ?? 0) + 1)
    },
  })
  const exchange = {
    api: apis.Metadata,
    encode: (version: number) => encodeMetadataRequest(version, { topics: [] }),
    decode: decodeMetadataResponse,
  }
  let answered = 0
  try {
    const until = performance.now() + forMs
    while (performance.now() < until) {
      await Promise.all([1, 2, 3].map(() => client.askAny(exchange, signal)))
      answered += 3
      await systemClock.sleep(pauseMs, signal)
    }
    return { answered, connections: asked.get('ApiVersions') ?? 0, logins: asked.get('SaslHandshake') ?? 0 }
  } finally {
    client.close()
  }
}
