import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadKerberos } from '../../src/app/kerberos.ts'
import type { Kerberos } from '../../src/kafka/sasl-gssapi.ts'
import { lagOf } from '../contract/kafka-lag.ts'
import { askForAWhile } from '../contract/kafka-long-connection.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type KdcRig, kerberosPackage, startKdc } from '../rigs/kdc.ts'
import { startRigClient } from '../rigs/rig-client.ts'
import { isAtLeast } from '../rigs/version.ts'

/** What MIT Kerberos reads, and the JVMs of the rigs; all of it ends with this file. */
const variables = ['KRB5_CONFIG', 'KRB5_CLIENT_KTNAME', 'KRB5CCNAME', 'JAVA_TOOL_OPTIONS'] as const

let kdc: KdcRig
let kerberos: Kerberos
let brokerKeytab: string
const before = new Map(variables.map((name) => [name, process.env[name]]))

beforeAll(async () => {
  kdc = await startKdc()
  brokerKeytab = await kdc.addPrincipal('kafka/127.0.0.1')
  process.env['KRB5_CONFIG'] = kdc.config
  process.env['KRB5_CLIENT_KTNAME'] = await kdc.addPrincipal('admin')
  process.env['KRB5CCNAME'] = 'MEMORY:lagkeeper'
  // Brokers up to 2.x look into the JDK by reflection to learn the realm, which Java 17 forbids unless told otherwise.
  const opened = ['exports', 'opens'].map((how) => `--add-${how}=java.security.jgss/sun.security.krb5=ALL-UNNAMED`)
  process.env['JAVA_TOOL_OPTIONS'] = [`-Djava.security.krb5.conf=${kdc.config}`, ...opened].join(' ')
  const loaded = await kerberosPackage()
  kerberos = loadKerberos(() => loaded)
})
afterAll(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  await kdc?.stop()
})

describe.each(['4.3.1', '1.1.1'])('Kafka %s with Kerberos', (version) => {
  let kafka: KafkaRig
  const limits = isAtLeast(version, '2.2')

  beforeAll(async () => {
    const listener = 'listener.name.sasl_plaintext'
    kafka = await startKafka({
      version,
      security: 'secure',
      properties: {
        [`${listener}.sasl.enabled.mechanisms`]: 'GSSAPI',
        [`${listener}.sasl.kerberos.service.name`]: 'kafka',
        [`${listener}.gssapi.sasl.jaas.config`]: `com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab="${brokerKeytab}" principal="kafka/127.0.0.1@${kdc.realm}";`,
        ...(limits ? { 'connections.max.reauth.ms': '3000' } : {}),
      },
    })
    await using client = await startRigClient({ version, bootstrap: kafka.bootstrap })
    await client.createTopics([{ name: 'orders', partitions: 1 }])
    await client.produce('orders', 0, 10)
    await client.commit('g', [{ topic: 'orders', partition: 0, offset: 4n }])
  })
  afterAll(() => kafka?.stop())

  const gssapi = (more: { readonly serviceName?: string; readonly principal?: string } = {}) => ({
    bootstrap: [kafka.secure?.saslPlaintext ?? ''],
    sasl: { mechanism: 'GSSAPI', kerberos, serviceName: 'kafka', ...more } as const,
  })

  it('answers to a ticket, with and without the name of whom it is for', async () => {
    expect((await lagOf(gssapi())).rows['g orders/0']).toBe('6')
    expect((await lagOf(gssapi({ principal: `admin@${kdc.realm}` }))).rows['g orders/0']).toBe('6')
  })

  it('keeps the connection', async () => {
    const { connections, logins } = await askForAWhile(gssapi(), 6_500)

    expect(connections).toBe(1)
    expect(logins > 1).toBe(limits)
  })

  it('says which service or principal the realm does not know', async () => {
    await expect(lagOf(gssapi({ serviceName: 'nosuch' }))).rejects.toMatchObject({
      denied: true,
      message: expect.stringMatching(/Get a Kerberos ticket for "nosuch@127.0.0.1": .*not found in Kerberos database/),
    })
    await expect(lagOf(gssapi({ principal: `stranger@${kdc.realm}` }))).rejects.toMatchObject({
      denied: true,
      message: expect.stringContaining(`stranger@${kdc.realm}`),
    })
  })

  it('tells a KDC that is away from one that refuses', async () => {
    // A ticket for this service is in nobody's cache.
    const other = await kdc.addPrincipal(`other${version}/127.0.0.1`)
    expect(other).not.toBe('')
    await kdc.kdc.kill()
    try {
      await expect(lagOf(gssapi({ serviceName: `other${version}` }))).rejects.toMatchObject({
        denied: false,
        message: expect.stringContaining('Cannot contact any KDC'),
      })
    } finally {
      await kdc.kdc.restart()
    }
  })
})
