import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lagOf } from '../contract/kafka-lag.ts'
import { askForAWhile } from '../contract/kafka-long-connection.ts'
import { rightsContract } from '../contract/kafka-rights.ts'
import { securedKafka } from '../contract/kafka-secured.ts'
import { createAuthority } from '../fakes/certificates.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { isAtLeast } from '../rigs/version.ts'

const password = { reveal: () => 'adminpass' }
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

securedKafka('1.1.1')

// 0.10.2 takes tokens bare and hangs up on a wrong password, 2.3 is an early one that limits sessions (KIP-368), 3.9 the
// last with ZooKeeper.
describe.each(['0.10.2.2', '2.3.1', '3.9.2'])('a secured Kafka %s', (version) => {
  let kafka: KafkaRig
  let client: RigClient
  const limits = isAtLeast(version, '2.2')

  beforeAll(async () => {
    kafka = await startKafka({
      version,
      mode: 'zookeeper',
      security: 'secure',
      properties: {
        // Old brokers know it for all listeners only, and do not mind it together with SASL.
        [isAtLeast(version, '1.1') ? 'listener.name.ssl.ssl.client.auth' : 'ssl.client.auth']: 'required',
        ...(limits ? { 'connections.max.reauth.ms': '3000' } : {}),
      },
    })
    client = await startRigClient({ version, bootstrap: kafka.bootstrap })
    await client.createTopics([{ name: 'orders', partitions: 1 }])
    await client.produce('orders', 0, 10)
    await client.commit('g', [{ topic: 'orders', partition: 0, offset: 4n }])
  })
  afterAll(async () => {
    await client?.stop()
    await kafka?.stop()
  })
  const secure = () => kafka.secure ?? expect.fail('the rig has no secure listeners')

  it.each(mechanisms)('answers to %s, with and without TLS, for as long as one likes', async (mechanism) => {
    const sasl = { mechanism, username: 'admin', password }
    const tls = { ca: readFileSync(secure().tls.ca) }

    for (const options of [
      { bootstrap: [secure().saslPlaintext], sasl },
      { bootstrap: [secure().saslSsl], tls, sasl },
    ])
      expect((await lagOf(options)).rows['g orders/0']).toBe('6')
    const { connections, logins } = await askForAWhile({ bootstrap: [secure().saslPlaintext], sasl }, 6_500)
    expect(connections).toBe(1)
    expect(logins > 1).toBe(limits)
  })

  it.each(mechanisms)('refuses a wrong password for %s, and that is said without it', async (mechanism) => {
    const sasl = { mechanism, username: 'admin', password: { reveal: () => 'hunter2' } }
    const wrong = lagOf({ bootstrap: [secure().saslPlaintext], sasl })

    await expect(wrong).rejects.toMatchObject({
      denied: true,
      message: expect.stringMatching(isAtLeast(version, '1.0') ? /AUTHENTICATION_FAILED/ : /the broker hung up/),
    })
    await expect(wrong).rejects.not.toThrow('hunter2')
  })

  it('wants a certificate, and says when it gets none or a strange one', async () => {
    const { tls, ssl } = secure()
    const ca = readFileSync(tls.ca)
    const ours = { cert: readFileSync(tls.clientCert), key: readFileSync(tls.clientKey) }
    const strange = createAuthority(kafka.dir, 'strange').issue('stranger')

    // The subject has no rights, and is let in all the same.
    expect((await lagOf({ bootstrap: [ssl], tls: { ca, ...ours } })).rows).toEqual({})
    for (const shown of [{}, { cert: readFileSync(strange.cert), key: readFileSync(strange.key) }])
      await expect(lagOf({ bootstrap: [ssl], tls: { ca, ...shown } })).rejects.toMatchObject({
        denied: true,
        message: expect.stringMatching(/the broker (does not accept our certificate|broke off the handshake)/),
      })
  })

  rightsContract(version, () => ({ kafka, client }))
})
