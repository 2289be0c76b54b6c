import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLag } from '../../src/commands/read-lag.ts'
import type { KafkaClusterOptions } from '../../src/kafka/cluster.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const secret = (text: string) => ({ reveal: () => text })

describe.each(['4.3.1', '1.1.1'])('a secured Kafka %s', (version) => {
  let kafka: KafkaRig
  let rig: RigClient

  beforeAll(async () => {
    kafka = await startKafka({ version, security: 'secure' })
    rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
    await rig.createTopics([{ name: 'orders', partitions: 1 }])
    await rig.produce('orders', 0, 10)
    await rig.commit('g', [{ topic: 'orders', partition: 0, offset: 4n }])
  })
  afterAll(async () => {
    await rig?.stop()
    await kafka?.stop()
  })

  const lag = async (options: Partial<KafkaClusterOptions> & { readonly bootstrap: readonly string[] }) => {
    const all = () => true
    const snapshot = await readLag(
      {
        kafkaCluster: 'real',
        requestTimeoutMs: 10_000,
        clock: systemClock,
        keepConsumer: all,
        keepTopic: all,
        ...options,
      },
      new AbortController().signal,
    )
    return [...lagRows(snapshot)].filter((row) => row.consumer === 'g').map((row) => row.recordsLag)
  }
  const secure = () => kafka.secure ?? expect.fail('the rig has no secure listeners')
  const ca = () => readFileSync(secure().tls.ca)
  const admin = { username: 'admin', password: secret('adminpass') }

  it('answers over TLS, to a server whose certificate we check', async () => {
    expect(await lag({ bootstrap: [secure().ssl], tls: { ca: ca() } })).toEqual([6n])
    await expect(lag({ bootstrap: [secure().ssl], tls: {} })).rejects.toThrow(/self.signed|unable to (get|verify)/)
    await expect(lag({ bootstrap: [secure().ssl], requestTimeoutMs: 2_000 })).rejects.toThrow(/Ask any broker/)
  })

  it.each(['PLAIN', 'SCRAM-SHA-256'] as const)('answers to %s, with and without TLS', async (mechanism) => {
    expect(await lag({ bootstrap: [secure().saslPlaintext], sasl: { mechanism, ...admin } })).toEqual([6n])
    expect(await lag({ bootstrap: [secure().saslSsl], tls: { ca: ca() }, sasl: { mechanism, ...admin } })).toEqual([6n])
  })

  it.each(['PLAIN', 'SCRAM-SHA-256'] as const)(
    'says that a wrong password for %s is refused, and not what it was',
    async (mechanism) => {
      const wrong = lag({
        bootstrap: [secure().saslPlaintext],
        sasl: { mechanism, username: 'admin', password: secret('hunter2') },
      })

      await expect(wrong).rejects.toMatchObject({
        denied: true,
        message: expect.stringMatching(/as "admin" by .*AUTHENTICATION_FAILED/),
      })
      await expect(wrong).rejects.not.toThrow('hunter2')
    },
  )
})
