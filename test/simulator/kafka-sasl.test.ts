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

async function authenticate(socket: KafkaSocket, token: string) {
  const body = encodeSaslAuthenticateRequest(1, { bytes: Buffer.from(token) })
  const answer = decodeSaslAuthenticateResponse(1, await socket.ask(apis.SaslAuthenticate, 1, body))
  return errorName(answer.error)
}

async function mayAsk(socket: KafkaSocket) {
  const { api, version, body } = metadataRequest
  return decodeMetadataResponse(version, await socket.ask(api, version, body)).brokers.length > 0
}

describe('SASL PLAIN of a simulated cluster', () => {
  it('lets in who knows the password', async () => {
    await using cluster = await createKafkaCluster({ users })
    await using socket = await openKafkaSocket(cluster.bootstrap[0] ?? '')

    expect(await handshake(socket, 1, 'PLAIN')).toEqual({ error: 'NONE', mechanisms: ['PLAIN'] })
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
    await using cluster = await createKafkaCluster({ users })
    await using socket = await openKafkaSocket(cluster.bootstrap[0] ?? '')

    const answer = await handshake(socket, 1, 'SCRAM-SHA-256')

    expect(answer).toEqual({ error: 'UNSUPPORTED_SASL_MECHANISM', mechanisms: ['PLAIN'] })
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
})
