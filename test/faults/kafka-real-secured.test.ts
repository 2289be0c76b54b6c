import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { kafkaTool } from '../rigs/kafka-tool.ts'
import { startOidc, unsignedToken } from '../rigs/oidc.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { expiredStore } from './expired-store.ts'
import { type KafkaDaemon, startKafkaDaemon } from './kafka-daemon.ts'
import type { AllowedLag } from './lag-oracle.ts'
import { removeTemporaryFolders, temporaryFolder } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

const version = '3.9.2'
/** Brokers end a session that is not renewed within this time: nobody outlasts a right that is gone. */
const sessionMs = 3_000
/** A cluster that refuses us is asked again after 10 s at the most, give or take a third. */
const backMs = 30_000

let kafka: KafkaRig
let rig: RigClient
const allowed = new Map<string, AllowedLag>([['g/orders/0', { least: 6n, most: 6n }]])

beforeAll(async () => {
  kafka = await startKafka({
    version,
    security: 'secure',
    properties: {
      'connections.max.reauth.ms': String(sessionMs),
      'listener.name.sasl_plaintext.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512,OAUTHBEARER',
      'listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config':
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
    },
  })
  rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
  await rig.createTopics([{ name: 'orders' }])
  await rig.produce('orders', 0, 10)
  await rig.commit('g', [{ topic: 'orders', partition: 0, offset: 4n }])
})
afterAll(async () => {
  await rig?.stop()
  await kafka?.stop()
  await removeTemporaryFolders()
})

const secure = () => kafka.secure ?? expect.fail('the rig has no secure listeners')
const broker = () => kafka.brokers[0] ?? expect.fail('the rig has no broker')
const bearer = (source: string): readonly string[] => [
  `bootstrap: "${secure().saslPlaintext}"`,
  `sasl: { mechanism: OAUTHBEARER, oauth: { ${source} } }`,
]

async function hasLag(daemon: KafkaDaemon): Promise<void> {
  await eventually('a lag that is known', backMs, async () => {
    const labels = { consumer: 'g', topic: 'orders', state: 'known' }
    return (await daemon.value('stream_consumer_partitions', labels)) === '1'
  })
  await daemon.hasLag('g', 'orders', '6')
  for (const source of ['kafka', 'kafka-groups'] as const)
    await eventually(`${source} to be up`, 5_000, () => daemon.isUp(source))
  expect(await daemon.total('g')).toBe('6')
}

/** Refused, and not merely unread: nothing of an earlier cycle is shown. */
async function isRefused(daemon: KafkaDaemon): Promise<void> {
  await daemon.hasState('g', 'orders', 'unauthorized', '1')
  await daemon.hasLag('g', 'orders', undefined)
  expect(await daemon.reasonOf('g', 'orders')).toBe('unauthorized')
  expect(await daemon.total('g')).toBeUndefined()
  expect([await daemon.isUp(), await daemon.isUp('kafka-groups')]).toEqual([false, false])
}

/** It goes on asking, ever more seldom. */
async function asksSeldom(daemon: KafkaDaemon, api: string): Promise<void> {
  // Two sources and five phases a cycle would be a hundred attempts in this time.
  const [before, errors] = [await daemon.requests(api), await daemon.errors('unauthorized')]
  await sleep(10_000)
  expect((await daemon.requests(api)) - before).toBeLessThanOrEqual(6)
  expect(await daemon.errors('unauthorized')).toBeGreaterThan(errors + 5)
}

async function setPassword(password: string): Promise<void> {
  const who = ['--entity-type', 'users', '--entity-name', 'admin']
  const what = ['--alter', '--add-config', `SCRAM-SHA-512=[password=${password}]`]
  await kafkaTool(version, 'configs', ['--bootstrap-server', kafka.bootstrap, ...what, ...who])
}

describe(`a Kafka ${version} that no longer knows us`, () => {
  it('K18 the password is another one: unauthorized, no lag, few attempts, no password in the log', async () => {
    await using daemon = await startKafkaDaemon(
      [
        `bootstrap: "${secure().saslPlaintext}"`,
        'sasl: { mechanism: SCRAM-SHA-512, username: admin, password: adminpass }',
      ],
      allowed,
    )
    await hasLag(daemon)

    await setPassword('another-one')
    try {
      await isRefused(daemon)
      await asksSeldom(daemon, 'SaslHandshake')
      expect(await daemon.log()).toContain('SASL_AUTHENTICATION_FAILED')
    } finally {
      await setPassword('adminpass')
    }
    await hasLag(daemon)
    for (const secret of ['adminpass', 'another-one', btoa('adminpass')])
      expect(await daemon.log()).not.toContain(secret)
    await daemon.judge()
  })

  it('K18 the bearer token is over: unauthorized until there is a new one, and neither is in the log', async () => {
    const file = join(temporaryFolder('token'), 'token')
    const tokens: string[] = []
    const give = async (lifetimeMs: number): Promise<void> => {
      const token = unsignedToken('admin', lifetimeMs)
      tokens.push(token)
      await writeFile(file, token, { mode: 0o600 })
    }
    await give(6_000)
    await using daemon = await startKafkaDaemon(bearer(`token_file: "${file}"`), allowed)
    await hasLag(daemon)

    await isRefused(daemon)
    await asksSeldom(daemon, 'SaslHandshake')
    expect(await daemon.log()).toContain('invalid_token')

    await give(600_000)
    await hasLag(daemon)
    for (const token of tokens) expect(await daemon.log()).not.toContain(token.slice(0, 60))
    await daemon.judge()
  })

  it('K18 the token endpoint does not answer: the last lag is held, and it goes on when there are tokens again', async () => {
    await using oidc = await startOidc({
      clientId: 'l',
      clientSecret: 'canary-5f',
      lifetimeMs: 4_000,
      subject: 'admin',
    })
    const source = `token_endpoint: "${oidc.tokenEndpoint}", client_id: l, client_secret: canary-5f`
    await using daemon = await startKafkaDaemon(bearer(source), allowed)
    await hasLag(daemon)
    const before = await daemon.errors('read_failed')

    oidc.fail()
    // Nobody has said that we may not: it could not be read.
    await eventually('it to be down', 20_000, async () => !(await daemon.isUp()))
    await daemon.hasState('g', 'orders', 'held', '1')
    await sleep(5_000)
    expect(await daemon.reasonOf('g', 'orders')).toBe('read_failed')
    await daemon.hasLag('g', 'orders', '6')
    expect(await daemon.errors('read_failed')).toBeGreaterThan(before + 3)
    expect(await daemon.errors('unauthorized')).toBe(0)

    oidc.heal()
    await hasLag(daemon)
    expect(await daemon.log()).not.toContain('canary-5f')
    await daemon.judge()
  })

  it("K18 our certificate is over: the broker's word counts, and a new one is read from its file", async () => {
    const { tls, ssl } = secure()
    const folder = temporaryFolder('client-certificate')
    const [cert, key] = [join(folder, 'client.pem'), join(folder, 'client.key')]
    const show = async (pair: { readonly cert: string; readonly key: string }): Promise<void> => {
      await copyFile(pair.cert, cert)
      await writeFile(key, await readFile(pair.key), { mode: 0o600 })
    }
    for (const [resource, name] of [
      ['TOPIC', 'orders'],
      ['GROUP', 'g'],
    ] as const)
      await rig.allow({ principal: 'User:CN=client', resource, name, operation: 'DESCRIBE' })
    await show({ cert: tls.clientCert, key: tls.clientKey })
    const files = `ca_file: "${tls.ca}", cert_file: "${cert}", key_file: "${key}"`
    await using daemon = await startKafkaDaemon([`bootstrap: "${ssl}"`, `tls: { ${files} }`], allowed)
    await hasLag(daemon)

    await show(await expiredStore(tls, 'client'))
    // Only a new connection shows a certificate.
    await broker().restart()
    await isRefused(daemon)
    expect((await daemon.problems()).join()).toMatch(/unauthorized: .*the broker does not accept our certificate/s)
    expect(await daemon.errors('unauthorized')).toBeGreaterThan(2)

    await show({ cert: tls.clientCert, key: tls.clientKey })
    await hasLag(daemon)
    await daemon.judge()
  })

  it('K18 the certificate of the broker is over: we do not speak with it, and do when it has a new one', async () => {
    const { tls, ssl } = secure()
    const good = join(kafka.dir, 'good.p12')
    await copyFile(tls.serverStore, good)
    await using daemon = await startKafkaDaemon([`bootstrap: "${ssl}"`, `tls: { ca_file: "${tls.ca}" }`], allowed)
    await hasLag(daemon)

    await copyFile((await expiredStore(tls, 'server')).store, tls.serverStore)
    await broker().restart()
    injected(broker().pid !== undefined, 'the broker does not run')
    try {
      await isRefused(daemon)
      const problems = (await daemon.problems()).join()
      expect(problems).toMatch(/unauthorized: .*we do not accept the certificate of the broker/s)
      expect(problems).toContain('CERT_HAS_EXPIRED')
      expect(await daemon.errors('unauthorized')).toBeGreaterThan(2)
    } finally {
      await copyFile(good, tls.serverStore)
      await broker().restart()
    }
    await hasLag(daemon)
    await daemon.judge()
  })
})
