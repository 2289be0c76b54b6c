import { describe, expect, it } from 'vitest'
import { apis } from '../../src/kafka-wire/apis.ts'
import { errorName } from '../../src/kafka-wire/error-codes.ts'
import { decodeMetadataResponse } from '../../src/kafka-wire/metadata.ts'
import {
  decodeSaslAuthenticateResponse,
  encodeSaslAuthenticateRequest,
} from '../../src/kafka-wire/sasl-authenticate.ts'
import { decodeSaslHandshakeResponse, encodeSaslHandshakeRequest } from '../../src/kafka-wire/sasl-handshake.ts'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { type KafkaSocket, openKafkaSocket } from '../contract/kafka-socket.ts'
import { metadataRequest } from './ask.ts'

const users = { lag: 'keeper' }

async function handshake(socket: KafkaSocket, version: number, mechanism: string) {
  const body = encodeSaslHandshakeRequest(version, { mechanism })
  const answer = decodeSaslHandshakeResponse(version, await socket.ask(apis.SaslHandshake, version, body))
  return { error: errorName(answer.error), mechanisms: answer.mechanisms }
}

async function step(socket: KafkaSocket, token: string) {
  const body = encodeSaslAuthenticateRequest(1, { bytes: Buffer.from(token) })
  const answer = decodeSaslAuthenticateResponse(1, await socket.ask(apis.SaslAuthenticate, 1, body))
  return { error: errorName(answer.error), said: answer.bytes.toString(), lifetimeMs: answer.sessionLifetimeMs }
}

async function authenticate(socket: KafkaSocket, token: string) {
  return (await step(socket, token)).error
}

async function mayAsk(socket: KafkaSocket) {
  const { api, version, body } = metadataRequest
  return decodeMetadataResponse(version, await socket.ask(api, version, body)).brokers.length > 0
}

describe('SASL of a simulated cluster', () => {
  it('lets in who knows the password', async () => {
    await using cluster = await createKafkaCluster({ users })
    await using socket = await openKafkaSocket(cluster.bootstrap[0] ?? '')

    expect(await handshake(socket, 1, 'PLAIN')).toEqual({
      error: 'NONE',
      mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    })
    expect(await authenticate(socket, '\0lag\0keeper')).toBe('NONE')
    expect(await mayAsk(socket)).toBe(true)
  })

  it.each(['\0lag\0wrong', '\0nobody\0keeper', 'nonsense', '\0constructor\0'])('refuses %j and ends', async (token) => {
    await using cluster = await createKafkaCluster({ users })
    await using socket = await openKafkaSocket(cluster.bootstrap[0] ?? '')
    await handshake(socket, 1, 'PLAIN')

    expect(await authenticate(socket, token)).toBe('SASL_AUTHENTICATION_FAILED')
    await socket.closed
  })

  it('names what it offers when asked for another mechanism, and ends', async () => {
    await using cluster = await createKafkaCluster({ bearer: () => 'lag' })
    await using socket = await openKafkaSocket(cluster.bootstrap[0] ?? '')

    const answer = await handshake(socket, 1, 'PLAIN')

    expect(answer).toEqual({ error: 'UNSUPPORTED_SASL_MECHANISM', mechanisms: ['OAUTHBEARER'] })
    await socket.closed
  })

  it('takes bare tokens after handshake v0', async () => {
    await using cluster = await createKafkaCluster({ users, version: '0.10.2' })
    await using right = await openKafkaSocket(cluster.bootstrap[0] ?? '')
    await handshake(right, 0, 'PLAIN')
    right.send(Buffer.from('\0lag\0keeper'))
    expect(await right.frame()).toHaveLength(0)

    await using wrong = await openKafkaSocket(cluster.bootstrap[0] ?? '')
    await handshake(wrong, 0, 'PLAIN')
    wrong.send(Buffer.from('\0lag\0wrong'))
    await wrong.closed
  })

  it('is out of place where nobody need authenticate', async () => {
    await using cluster = await createKafkaCluster()
    await using socket = await openKafkaSocket(cluster.bootstrap[0] ?? '')

    expect(await handshake(socket, 1, 'PLAIN')).toEqual({ error: 'ILLEGAL_SASL_STATE', mechanisms: [] })
    expect(await mayAsk(socket)).toBe(true)
  })

  it('ends a connection that asks before it has authenticated', async () => {
    await using cluster = await createKafkaCluster({ users })
    await using socket = await openKafkaSocket(cluster.bootstrap[0] ?? '')

    await expect(mayAsk(socket)).rejects.toThrow('closed by the peer')
  })

  it('says as if by a challenge that a bearer token is not good, and refuses when that was read', async () => {
    await using cluster = await createKafkaCluster({ bearer: (token) => (token === 'good' ? 'lag' : undefined) })
    await using right = await openKafkaSocket(cluster.bootstrap[0] ?? '')
    await handshake(right, 1, 'OAUTHBEARER')
    expect(await authenticate(right, 'n,,\x01auth=Bearer good\x01pool=p\x01\x01')).toBe('NONE')

    await using wrong = await openKafkaSocket(cluster.bootstrap[0] ?? '')
    await handshake(wrong, 1, 'OAUTHBEARER')
    const bad = await step(wrong, 'n,,\x01auth=Bearer bad\x01\x01')
    expect(bad).toMatchObject({ error: 'NONE', said: '{"status":"invalid_token"}' })
    expect(await authenticate(wrong, '\x01')).toBe('SASL_AUTHENTICATION_FAILED')
    await wrong.closed
  })

  describe('with a limited time', () => {
    async function authenticated(cluster: { readonly bootstrap: readonly string[] }) {
      const socket = await openKafkaSocket(cluster.bootstrap[0] ?? '')
      await handshake(socket, 1, 'PLAIN')
      expect(await step(socket, '\0lag\0keeper')).toMatchObject({ error: 'NONE', lifetimeMs: 1_050 })
      return socket
    }
    const limited = { users: { lag: 'keeper', other: 'o' }, sessionLifetimeMs: 1_050 }
    const past = () => new Promise((resolve) => setTimeout(resolve, 1_100))

    it('ends a connection at the first request after it', async () => {
      await using cluster = await createKafkaCluster(limited)
      await using socket = await authenticated(cluster)
      expect(await mayAsk(socket)).toBe(true)
      await past()

      await expect(mayAsk(socket)).rejects.toThrow('closed by the peer')
    })

    it('takes the same user again, but not within a second', async () => {
      await using cluster = await createKafkaCluster(limited)
      await using socket = await authenticated(cluster)
      expect(await handshake(socket, 1, 'PLAIN')).toMatchObject({ error: 'ILLEGAL_SASL_STATE' })
      expect(await mayAsk(socket)).toBe(true)
      await past()

      expect(await handshake(socket, 1, 'PLAIN')).toMatchObject({ error: 'NONE' })
      expect(await authenticate(socket, '\0lag\0keeper')).toBe('NONE')
      expect(await mayAsk(socket)).toBe(true)
    })

    it.each([
      ['another user', '\0other\0o'],
      ['a wrong password', '\0lag\0wrong'],
    ])('refuses %s', async (_, token) => {
      await using cluster = await createKafkaCluster(limited)
      await using socket = await authenticated(cluster)
      await past()
      await handshake(socket, 1, 'PLAIN')

      expect(await authenticate(socket, token)).toBe('SASL_AUTHENTICATION_FAILED')
      await socket.closed
    })

    it('ends a connection that asks in the middle of an exchange', async () => {
      await using cluster = await createKafkaCluster(limited)
      await using socket = await authenticated(cluster)
      await past()
      await handshake(socket, 1, 'PLAIN')

      await expect(mayAsk(socket)).rejects.toThrow('closed by the peer')
    })
  })
})
