import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, createServer, type TlsOptions } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createKafkaCluster as createClient } from '../../src/kafka/cluster.ts'
import { apis } from '../../src/kafka-wire/apis.ts'
import { decodeMetadataResponse, encodeMetadataRequest } from '../../src/kafka-wire/metadata.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { createKafkaCluster, type KafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { type Authority, createAuthority, type KeyPair } from '../fakes/certificates.ts'

const program = 'openssl'
const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-tls-refusal-'))
let ours: Authority
let foreign: Authority
let good: KeyPair
let kafka: KafkaCluster

beforeAll(async () => {
  ours = createAuthority(folder, 'ours')
  foreign = createAuthority(folder, 'foreign')
  good = ours.issue('broker')
  kafka = await createKafkaCluster()
})
afterAll(async () => {
  await kafka?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** A simulated broker behind TLS. */
async function brokerWith(pair: KeyPair, more: TlsOptions = {}) {
  const sockets = new Set<Socket>()
  const server = createServer({ cert: readFileSync(pair.cert), key: readFileSync(pair.key), ...more }, (socket) => {
    const [, port = ''] = kafka.bootstrap[0]?.split(':') ?? []
    const behind = connect(Number(port), '127.0.0.1')
    for (const one of [socket, behind]) one.on('error', () => undefined)
    socket.pipe(behind).pipe(socket)
    socket.on('close', () => behind.destroy())
    sockets.add(socket)
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Listen: no port')
  return {
    address: `127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function askThrough(address: string, tls: ConnectionOptions | (() => ConnectionOptions)): Promise<number> {
  const client = createClient({ bootstrap: [address], tls, requestTimeoutMs: 5_000, clock: systemClock })
  try {
    const exchange = {
      api: apis.Metadata,
      encode: (version: number) => encodeMetadataRequest(version, { topics: [] }),
      decode: decodeMetadataResponse,
    }
    const { value } = await client.askAny(exchange, new AbortController().signal)
    return value.brokers.length
  } finally {
    client.close()
  }
}

const trust = (authority: Authority): ConnectionOptions => ({ ca: readFileSync(authority.ca) })
const show = (pair: KeyPair): ConnectionOptions => ({ cert: readFileSync(pair.cert), key: readFileSync(pair.key) })

it('a broker whose certificate is good is asked, also when it wants ours', async () => {
  await using broker = await brokerWith(good, { requestCert: true, ca: readFileSync(ours.ca) })

  expect(await askThrough(broker.address, { ...trust(ours), ...show(ours.issue('lagkeeper')) })).toBe(1)
})

it.each([
  [
    'that has expired',
    () => ours.issue('old', undefined, -1),
    /certificate has expired.*we do not accept the certificate/,
  ],
  ['of an unknown authority', () => foreign.issue('other'), /we do not accept the certificate of the broker/],
  ['for another host', () => ours.issue('elsewhere', 'DNS:elsewhere'), /does not match.*we do not accept/],
])('a broker with a certificate %s is refused as unauthorized', async (_, issue, message) => {
  await using broker = await brokerWith(issue())

  await expect(askThrough(broker.address, trust(ours))).rejects.toMatchObject({
    denied: true,
    message: expect.stringMatching(message),
  })
})

/** Insists on a certificate of ours, and says so by an alert as brokers do, where a server of Node only hangs up. */
async function insistentServer(version: 'tls1_2' | 'tls1_3') {
  const child = spawn(
    program,
    [
      ...['s_server', '-accept', '127.0.0.1:0', `-${version}`, '-cert', good.cert, '-key', good.key],
      ...['-CAfile', ours.ca, '-Verify', '1', '-verify_return_error'],
    ],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  )
  const port = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('openssl s_server has ended')))
    child.stdout.on('data', (chunk: Buffer) => {
      const found = /^ACCEPT .*:(\d+)$/m.exec(chunk.toString())?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

it.each([
  ['none', () => ({})],
  ['one of an unknown authority', () => show(foreign.issue('stranger'))],
  ['one that has expired', () => show(ours.issue('late', undefined, -1))],
])('a broker that insists on a certificate, and gets %s, has refused us', async (_, certificate) => {
  for (const version of ['tls1_2', 'tls1_3'] as const) {
    await using broker = await insistentServer(version)

    await expect(askThrough(broker.address, { ...trust(ours), ...certificate() }), version).rejects.toMatchObject({
      denied: true,
      message: expect.stringMatching(/the broker (does not accept our certificate|broke off the handshake)/),
    })
  }
})

it('a broker without TLS is not taken for one that refuses us', async () => {
  const [address = ''] = kafka.bootstrap

  await expect(askThrough(address, trust(ours))).rejects.toMatchObject({ denied: false })
})

it('shows the certificate that is in its file at each connection, and says when that cannot be used', async () => {
  await using broker = await brokerWith(good, { requestCert: true, ca: readFileSync(ours.ca) })
  const [late, renewed] = [ours.issue('renewed', undefined, -1), ours.issue('renewed-again')]
  let pair = late
  const tls = () => ({ ...trust(ours), ...show(pair) })

  await expect(askThrough(broker.address, tls)).rejects.toMatchObject({ name: 'UnavailableError' })
  pair = renewed
  expect(await askThrough(broker.address, tls)).toBe(1)
  // As between the two files of a renewal.
  pair = { cert: late.cert, key: renewed.key }
  await expect(askThrough(broker.address, tls)).rejects.toMatchObject({
    name: 'UnavailableError',
    denied: false,
    message: expect.stringContaining('key values mismatch'),
  })
  pair = { cert: join(folder, 'missing.pem'), key: renewed.key }
  await expect(askThrough(broker.address, tls)).rejects.toMatchObject({
    name: 'UnavailableError',
    denied: false,
    message: expect.stringMatching(/Read the certificates for .*missing\.pem/),
  })
  pair = renewed
  expect(await askThrough(broker.address, tls)).toBe(1)
})
