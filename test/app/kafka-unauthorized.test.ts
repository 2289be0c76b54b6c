import { expect, it } from 'vitest'
import { createKafkaService } from '../../src/app/kafka-service.ts'
import { configSchema } from '../../src/app/schema.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Reason } from '../../src/model/reason.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { Logger } from '../../src/runtime/logger.ts'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'

/** Watches a simulated cluster until `isEnough`, and returns what was told and written meanwhile. */
async function watch(bootstrap: readonly string[], sasl: string, isEnough: (told: readonly Told[]) => boolean) {
  const text = `kafka: [ { name: main, interval: 1s, bootstrap: "${bootstrap.join(',')}", sasl: ${sasl} } ]`
  const [config] = loadConfig(configSchema, { text, env: {} }).kafka
  if (config === undefined) throw new Error('Load the configuration: no cluster')
  const told: Told[] = []
  const lines: string[] = []
  const write = (fields: object, message: string): void => void lines.push(JSON.stringify({ ...fields, message }))
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger }
  const stop = new AbortController()
  const service = createKafkaService(config, {
    clock: systemClock,
    logger,
    observer: {
      ...silentObserver,
      source: (source, _name, result) => {
        if (source === 'kafka') told.push(result)
        if (isEnough(told)) stop.abort()
      },
    },
    objectives: () => [],
    statusWindowMs: 600_000,
    onSnapshot: () => undefined,
    onStopped: () => undefined,
  })
  await service.run(AbortSignal.any([stop.signal, AbortSignal.timeout(15_000)]))
  return { told, log: lines.join('\n') }
}

interface Told {
  readonly up: boolean
  readonly reasons: readonly Reason[]
}

it.each(['PLAIN', 'SCRAM-SHA-512'])(
  'a wrong password for %s is a source that is down, unauthorized',
  async (mechanism) => {
    await using kafka = await createKafkaCluster({ users: { lag: 'right' } })
    const sasl = `{ mechanism: ${mechanism}, username: lag, password: wrong-canary }`

    const { told, log } = await watch(kafka.bootstrap, sasl, ({ length }) => length >= 3)

    expect(told.slice(0, 3)).toEqual(Array(3).fill({ up: false, reasons: ['unauthorized'] }))
    expect(log).toContain('SASL_AUTHENTICATION_FAILED')
    expect(log).not.toContain('wrong-canary')
    // The back-off grows: three cycles are no reason for three attempts at each address.
    expect(kafka.requests.total('SaslHandshake')).toBeLessThanOrEqual(3)
  },
)

it('a broker that refuses us does not hide the others', async () => {
  let logins = 0
  // The second broker of three.
  const bearer = (): string | undefined => (++logins === 2 ? undefined : 'lag')
  await using kafka = await createKafkaCluster({ brokers: 3, bearer })
  kafka.state.createTopic('orders', 3)
  for (const partition of [0, 1, 2]) kafka.state.setLog('orders', partition, 0n, 10n)
  const sasl = '{ mechanism: OAUTHBEARER, oauth: { command: [ echo, token-canary ] } }'

  const { told, log } = await watch(kafka.bootstrap, sasl, (all) => all.at(-1)?.reasons.length === 0)

  expect(told[0]?.up).toBe(true)
  expect(told[0]?.reasons).toContain('unauthorized')
  expect(told.at(-1)).toEqual({ up: true, reasons: [] })
  expect(log).not.toContain('token-canary')
})
