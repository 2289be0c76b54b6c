import { expect, it } from 'vitest'
import { createKafkaCluster as createClient } from '../../src/kafka/cluster.ts'
import type { SaslOptions } from '../../src/kafka/sasl.ts'
import { apis } from '../../src/kafka-wire/apis.ts'
import { encodeResponseHeader } from '../../src/kafka-wire/headers.ts'
import { decodeMetadataResponse, encodeMetadataRequest } from '../../src/kafka-wire/metadata.ts'
import { encodeSaslAuthenticateResponse } from '../../src/kafka-wire/sasl-authenticate.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'

const canary = 'secret-canary-77'
const password = { reveal: () => canary }
const source = { token: () => Promise.resolve(canary), forget: () => undefined }
const all: readonly SaslOptions[] = [
  { mechanism: 'PLAIN', username: 'u', password },
  { mechanism: 'SCRAM-SHA-256', username: 'u', password },
  { mechanism: 'SCRAM-SHA-512', username: 'u', password },
  { mechanism: 'OAUTHBEARER', source, extensions: {} },
]

it.each(all)('a broker that quotes the secret of $mechanism is not quoted', async (sasl) => {
  await using kafka = await createKafkaCluster({ users: { u: 'other' }, bearer: () => undefined })
  kafka.faults.lie(({ api, version, correlation, bytes }) => {
    if (api !== 'SaslAuthenticate') return bytes
    const body = encodeSaslAuthenticateResponse(version, {
      error: 58,
      errorMessage: `What is "${canary}" to me? ${'.'.repeat(1_000)}`,
      bytes: Buffer.alloc(0),
      sessionLifetimeMs: 0,
    })
    const frame = Buffer.concat([encodeResponseHeader(apis[api], version, correlation), body])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(frame.length)
    return Buffer.concat([length, frame])
  })
  const client = createClient({ bootstrap: kafka.bootstrap, sasl, requestTimeoutMs: 2_000, clock: systemClock })
  const exchange = {
    api: apis.Metadata,
    encode: (version: number) => encodeMetadataRequest(version, { topics: [] }),
    decode: decodeMetadataResponse,
  }

  const asked = client.askAny(exchange, new AbortController().signal)

  await expect(asked).rejects.toMatchObject({
    denied: true,
    message: expect.stringMatching(/SASL_AUTHENTICATION_FAILED, What is "<secret>" to me\? \.{400,480}$/),
  })
  client.close()
})
