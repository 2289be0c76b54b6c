import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { tokenFromEndpoint } from '../../src/kafka/sasl-token-endpoint.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { startOidc, unsignedToken } from '../rigs/oidc.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { isAtLeast } from '../rigs/version.ts'
import { lagOf } from './kafka-lag.ts'
import { askForAWhile } from './kafka-long-connection.ts'
import { rightsContract } from './kafka-rights.ts'

const secret = (text: string) => ({ reveal: () => text })
const passwords = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** Connections must authenticate again within this time (KIP-368, from 2.2 on). */
const SESSION_MS = 3_000

/** OAUTHBEARER (2.0 and later) on one listener, with the validator that takes tokens without a signature. */
const oauth = {
  'connections.max.reauth.ms': String(SESSION_MS),
  'listener.name.sasl_plaintext.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
  'listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config':
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
}

/** What authentication promises on a real broker of one version. */
export function securedKafka(version: string): void {
  describe(`a secured Kafka ${version}`, () => {
    let kafka: KafkaRig
    let client: RigClient

    beforeAll(async () => {
      const properties = isAtLeast(version, '2.2') ? oauth : {}
      kafka = await startKafka({ version, security: 'secure', properties })
      client = await startRigClient({ version, bootstrap: kafka.bootstrap })
      await client.createTopics([{ name: 'orders', partitions: 1 }])
      await client.produce('orders', 0, 10)
      await client.commit('g', [{ topic: 'orders', partition: 0, offset: 4n }])
    })
    afterAll(async () => {
      await client?.stop()
      await kafka?.stop()
    })

    const lag = async (options: Parameters<typeof lagOf>[0]) => (await lagOf(options)).rows['g orders/0']
    const secure = () => kafka.secure ?? expect.fail('the rig has no secure listeners')
    const ca = () => readFileSync(secure().tls.ca)
    const admin = { username: 'admin', password: secret('adminpass') }

    it('answers over TLS, to a server whose certificate we check', async () => {
      expect(await lag({ bootstrap: [secure().ssl], tls: { ca: ca() } })).toBe('6')
      await expect(lag({ bootstrap: [secure().ssl], tls: {} })).rejects.toMatchObject({
        denied: true,
        message: expect.stringMatching(/self.signed|unable to (get|verify)/),
      })
      await expect(lag({ bootstrap: [secure().ssl], requestTimeoutMs: 2_000 })).rejects.toThrow(/Ask any broker/)
    })

    it('takes us for the subject of our certificate', async () => {
      const { tls, ssl } = secure()
      const options = {
        bootstrap: [ssl],
        tls: { ca: ca(), cert: readFileSync(tls.clientCert), key: readFileSync(tls.clientKey) },
      }
      expect((await lagOf(options)).rows).toEqual({})

      const principal = 'User:CN=client'
      for (const [resource, name] of [
        ['TOPIC', 'orders'],
        ['GROUP', 'g'],
        ['CLUSTER', 'kafka-cluster'],
      ] as const)
        await client.allow({ principal, resource, name, operation: 'DESCRIBE' })
      await vi.waitFor(async () => expect(await lag(options)).toBe('6'), { timeout: 10_000, interval: 500 })
    })

    it.each(passwords)('answers to %s, with and without TLS', async (mechanism) => {
      const sasl = { mechanism, ...admin }
      expect(await lag({ bootstrap: [secure().saslPlaintext], sasl })).toBe('6')
      expect(await lag({ bootstrap: [secure().saslSsl], tls: { ca: ca() }, sasl })).toBe('6')
    })

    it.each(passwords)('says that a wrong password for %s is refused, and not what it was', async (mechanism) => {
      const wrong = lag({
        bootstrap: [secure().saslPlaintext],
        sasl: { mechanism, username: 'admin', password: secret('hunter2') },
      })

      await expect(wrong).rejects.toMatchObject({
        denied: true,
        message: expect.stringMatching(/as "admin" by .*AUTHENTICATION_FAILED/),
      })
      await expect(wrong).rejects.not.toThrow('hunter2')
    })

    if (isAtLeast(version, '2.2')) {
      it.each(['PLAIN', 'SCRAM-SHA-512'] as const)(
        'keeps a connection by %s past the time for it',
        async (mechanism) => {
          const options = { bootstrap: [secure().saslPlaintext], sasl: { mechanism, ...admin } }
          const { connections, logins } = await askForAWhile(options, 2 * SESSION_MS)

          expect(connections).toBe(1)
          expect(logins).toBeGreaterThanOrEqual(2)
        },
      )

      it('takes a bearer token from a token endpoint, and new ones before they end', async () => {
        await using oidc = await startOidc({ clientId: 'l', clientSecret: 's-1', lifetimeMs: 4_000, subject: 'admin' })
        const endpoint = {
          url: oidc.tokenEndpoint,
          clientId: 'l',
          clientSecret: secret('s-1'),
          clientAuth: 'basic',
        } as const
        const source = tokenFromEndpoint(endpoint, systemClock)
        const sasl = { mechanism: 'OAUTHBEARER', source, extensions: {} } as const

        expect(await lag({ bootstrap: [secure().saslPlaintext], sasl })).toBe('6')
        const { connections, logins } = await askForAWhile({ bootstrap: [secure().saslPlaintext], sasl }, 8_000)
        expect(connections).toBe(1)
        expect(logins).toBeGreaterThanOrEqual(2)
        expect(oidc.given()).toBeGreaterThanOrEqual(2)
      })

      it('says that a bearer token is refused, and not what it was', async () => {
        const token = unsignedToken('admin', -60_000)
        const source = { token: () => Promise.resolve(token), forget: () => undefined }
        const refused = lag({
          bootstrap: [secure().saslPlaintext],
          sasl: { mechanism: 'OAUTHBEARER', source, extensions: {} },
        })

        await expect(refused).rejects.toMatchObject({ denied: true, message: expect.stringContaining('invalid_token') })
        await expect(refused).rejects.not.toThrow(token.slice(0, 40))
      })
    } else {
      it('names what it has when it has no OAUTHBEARER', async () => {
        const source = { token: () => Promise.resolve('t'), forget: () => undefined }
        const sasl = { mechanism: 'OAUTHBEARER', source, extensions: {} } as const

        await expect(lag({ bootstrap: [secure().saslPlaintext], sasl })).rejects.toMatchObject({
          denied: true,
          message: expect.stringMatching(/UNSUPPORTED_SASL_MECHANISM, the broker offers .*SCRAM-SHA-512/),
        })
      })
    }

    rightsContract(version, () => ({ kafka, client }))
  })
}
