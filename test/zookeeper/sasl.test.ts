import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { opcodes } from '../../src/zookeeper/opcodes.ts'
import { runClient, until } from '../contract/zookeeper-world.ts'
import { startFakeZookeeper } from '../fakes/zookeeper.ts'
import { startMiddleman, type Verdict } from './middleman.ts'

const sasl = { username: 'ann', password: 'tops3cret' }
const sessionTimeoutMs = 6_000
const refused = { error: -115 }

const md5 = (...parts: readonly (string | Buffer)[]): Buffer =>
  parts.reduce<ReturnType<typeof createHash>>((hash, part) => hash.update(part), createHash('md5')).digest()

/** The server's half: knows this password, and takes only an answer that is made with it. */
function knowing(password: string): (token: Buffer, step: number) => Verdict {
  return (token, step) => {
    if (step === 0)
      return { token: Buffer.from('realm="zk-sasl-md5",nonce="n1",qop="auth",charset=utf-8,algorithm=md5-sess') }
    const read = (key: string): string => new RegExp(`(?:^|,)${key}="?([^",]+)`).exec(token.toString())?.[1] ?? ''
    const secret = md5(`${read('username')}:zk-sasl-md5:${password}`)
    const key = md5(secret, `:n1:${read('cnonce')}`).toString('hex')
    const proof = (method: string): string =>
      md5(
        `${key}:n1:00000001:${read('cnonce')}:auth:${md5(`${method}:${read('digest-uri')}`).toString('hex')}`,
      ).toString('hex')
    if (read('response') !== proof('AUTHENTICATE')) return refused
    return { token: Buffer.from(`rspauth=${proof('')}`) }
  }
}

/** A fake behind a middleman that answers SASL, a client, and what it logs. */
async function start(answer: (token: Buffer, step: number) => Verdict) {
  const server = await startFakeZookeeper()
  const middleman = await startMiddleman(server.port)
  middleman.sasl = answer
  const lines: string[] = []
  const write = (fields: unknown, message: string): number => lines.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { ...silentLogger, debug: write, info: write, warn: write, error: write, child: () => logger }
  const client = runClient({ connect: middleman.connect, sessionTimeoutMs, sasl }, { logger })
  return {
    server,
    middleman,
    client,
    lines,
    [Symbol.asyncDispose]: async () => {
      await client.stop()
      await middleman[Symbol.asyncDispose]()
      await server.stop()
    },
  }
}

describe('a client with SASL', () => {
  it('authenticates every connection before it sets watches and sends requests', async () => {
    await using world = await start(knowing(sasl.password))
    const { client, middleman, server } = world
    server.data.create('/a', '')
    await client.zookeeper.getData('/a', { watch: () => undefined })
    const first = middleman.opcodes.length

    const id = client.zookeeper.session()?.id
    server.dropConnections()
    await until('the connection is lost', () => client.states().includes('connecting'))
    await client.zookeeper.exists('/a')

    expect(middleman.opcodes.slice(0, first)).toEqual([opcodes.sasl, opcodes.sasl, opcodes.getData])
    expect(middleman.opcodes.slice(first)).toEqual([opcodes.sasl, opcodes.sasl, opcodes.setWatches, opcodes.exists])
    expect(client.zookeeper.session()?.id).toBe(id)
  })

  it.each([
    ['refuses the password', knowing('another'), 'AUTH_FAILED'],
    ['closes at the first step', () => ({ closes: true }), 'connection lost'],
    ['has no SASL', () => ({ error: -6 }), 'UNIMPLEMENTED'],
    ['answers with nothing', () => ({}), 'the server has no SASL'],
    ['answers with nonsense', () => ({ token: Buffer.from('=') }), 'no directive'],
    [
      'does not know the password itself',
      (token: Buffer, step: number): Verdict =>
        step === 0 ? knowing('')(token, step) : { token: Buffer.from('rspauth=00') },
      'could not show that it knows the password',
    ],
  ] as const)('sends nothing to a server that %s, keeps its session, and says why', async (_, answer, why) => {
    await using world = await start(answer)
    const { client, middleman, server, lines } = world

    await until('a second attempt', () => middleman.connections() >= 2)
    await expect(client.zookeeper.exists('/a', { timeoutMs: 50 })).rejects.toMatchObject({ timedOut: true })

    expect(middleman.opcodes.every((opcode) => opcode === opcodes.sasl)).toBe(true)
    expect(client.states()).toEqual([])
    expect(server.data.sessions.size).toBe(1)
    expect(lines.find((line) => line.startsWith('ZooKeeper not reached'))).toContain(why)
    expect(lines.join('\n')).not.toContain(sasl.password)
  })

  it('gives up a server that does not answer in its share of the time', async () => {
    await using server = await startFakeZookeeper()
    await using middleman = await startMiddleman(server.port)
    middleman.sasl = () => ({ isSilent: true })
    await using client = runClient({ connect: middleman.connect, sessionTimeoutMs: 300, sasl })

    await until('a second attempt', () => middleman.connections() >= 2)

    expect(client.states()).not.toContain('connected')
  })

  it('stops at once in the middle of it', async () => {
    await using server = await startFakeZookeeper()
    await using middleman = await startMiddleman(server.port)
    middleman.sasl = () => ({ isSilent: true })
    const client = runClient({ connect: middleman.connect, sessionTimeoutMs: 60_000, sasl })
    await until('an attempt', () => middleman.opcodes.length > 0)

    await client.stop()

    expect(client.states()).toEqual(['closed'])
  })
})
