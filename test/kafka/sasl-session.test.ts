import { afterEach, expect, it } from 'vitest'
import { type KafkaCluster as Client, createKafkaCluster as createClient } from '../../src/kafka/cluster.ts'
import type { SaslOptions } from '../../src/kafka/sasl.ts'
import { apis } from '../../src/kafka-wire/apis.ts'
import { decodeMetadataResponse, encodeMetadataRequest } from '../../src/kafka-wire/metadata.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { createKafkaCluster, type KafkaClusterOptions } from '../../src/simulator/kafka-cluster.ts'

const { signal } = new AbortController()
let close: (() => Promise<void>) | undefined
afterEach(() => close?.())

/** Moves our clock, not that of the brokers. */
let offsetMs = 0
const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + offsetMs }

async function start(options: KafkaClusterOptions, sasl: SaslOptions) {
  offsetMs = 0
  const kafka = await createKafkaCluster(options)
  const client = createClient({ bootstrap: kafka.bootstrap, sasl, requestTimeoutMs: 2_000, clock })
  close = async () => {
    client.close()
    await kafka[Symbol.asyncDispose]()
  }
  return { kafka, client }
}

async function ask(client: Client): Promise<number> {
  const exchange = {
    api: apis.Metadata,
    encode: (version: number) => encodeMetadataRequest(version, { topics: [] }),
    decode: decodeMetadataResponse,
  }
  const { value } = await client.askAny(exchange, signal)
  client.learn(value.brokers)
  return value.brokers.length
}

const sleep = (ms: number) => systemClock.sleep(ms, signal)
const users = { lag: 'keeper' }
const password = { reveal: () => 'keeper' }
const named = (...tokens: readonly string[]) => {
  let used = 0
  return {
    token: () => Promise.resolve(tokens[Math.min(used++, tokens.length - 1)] ?? ''),
    forget: () => undefined,
  }
}

it.each(['PLAIN', 'SCRAM-SHA-512'] as const)(
  'a connection by %s lives on past the time that the broker gave it',
  async (mechanism) => {
    const { kafka, client } = await start({ users, sessionLifetimeMs: 1_200 }, { mechanism, username: 'lag', password })
    const until = performance.now() + 2_700
    while (performance.now() < until) {
      expect(await Promise.all([ask(client), ask(client), ask(client)])).toEqual([1, 1, 1])
      await sleep(50)
    }

    // Once a connection: whoever loses it learns the versions again.
    expect(kafka.requests.total('ApiVersions')).toBe(1)
    expect(kafka.requests.total('SaslHandshake')).toBeGreaterThanOrEqual(2)
  },
)

it('one that was idle past its time authenticates before it asks', async () => {
  const { kafka, client } = await start(
    { users, sessionLifetimeMs: 1_000 },
    { mechanism: 'PLAIN', username: 'lag', password },
  )
  await ask(client)
  await sleep(1_300)

  expect(await ask(client)).toBe(1)
  expect(kafka.requests.total('ApiVersions')).toBe(1)
  expect(kafka.requests.total('SaslHandshake')).toBe(2)
})

it('one without a limit authenticates once', async () => {
  const { kafka, client } = await start({ users }, { mechanism: 'PLAIN', username: 'lag', password })
  await ask(client)
  offsetMs = 86_400_000

  await ask(client)
  expect(kafka.requests.total('SaslHandshake')).toBe(1)
})

it('a token that is no longer good ends the connection, and a new one opens the next', async () => {
  let good = 'first'
  const bearer = (token: string) => (token === good ? 'lag' : undefined)
  const source = named('first', 'stale-canary', 'second')
  const { kafka, client } = await start(
    { bearer, sessionLifetimeMs: 1_000 },
    { mechanism: 'OAUTHBEARER', source, extensions: {} },
  )
  await ask(client)
  good = 'second'
  await sleep(1_050)

  const refused = Promise.all([ask(client), ask(client)])
  await expect(refused).rejects.toMatchObject({
    denied: true,
    message: expect.stringContaining('SASL_AUTHENTICATION_FAILED'),
  })
  await expect(refused).rejects.not.toThrow('stale-canary')
  offsetMs = 1_000
  expect(await ask(client)).toBe(1)
  expect(kafka.requests.total('ApiVersions')).toBeGreaterThan(1)
})

it('requests that come while it authenticates wait for it', async () => {
  let opening: (() => void) | undefined
  const gate = { isShut: false }
  const source = {
    token: async () => {
      if (gate.isShut)
        await new Promise<void>((resolve) => {
          opening = resolve
        })
      return 't'
    },
    forget: () => undefined,
  }
  const { kafka, client } = await start(
    { bearer: () => 'lag', sessionLifetimeMs: 1_000 },
    { mechanism: 'OAUTHBEARER', source, extensions: {} },
  )
  await ask(client)
  gate.isShut = true
  await sleep(1_050)
  const waiting = [ask(client), ask(client)]
  await sleep(100)
  expect(kafka.requests.total('Metadata')).toBe(1)
  opening?.()

  expect(await Promise.all(waiting)).toEqual([1, 1])
})
