import { describe, expect, it } from 'vitest'
import { createSaslExchange } from '../../src/kafka/sasl.ts'
import { createScram } from '../../src/kafka/sasl-scram.ts'
import { scramStep } from '../../src/simulator/kafka-sasl-scram.ts'

const signal = new AbortController().signal
const pencil = { username: 'user', password: { reveal: () => 'pencil' } }
const text = (token: Uint8Array | undefined): string => Buffer.from(token ?? []).toString()

describe('SASL mechanisms', () => {
  it('PLAIN sends user and password once', async () => {
    const exchange = createSaslExchange({ mechanism: 'PLAIN', ...pencil }, 'broker')

    expect(text(await exchange.start(signal))).toBe('\0user\0pencil')
    expect(await exchange.next(Buffer.alloc(0))).toBeUndefined()
  })

  it('SCRAM-SHA-256 equals the published exchange of RFC 7677', async () => {
    const exchange = createScram('sha256', pencil, 'rOprNGfwEbeRWgbNEkqO')

    expect(text(await exchange.start(signal))).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
    const proof = await exchange.next(
      Buffer.from('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'),
    )
    expect(text(proof)).toBe(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    )
    expect(await exchange.next(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))).toBeUndefined()
  })

  // No RFC has an example for SHA-512. The other side is written on its own, and test/real has a broker for it.
  it.each(['sha256', 'sha512'] as const)('SCRAM by %s ends well with whoever knows the password', async (hash) => {
    const user = 'a,b=c'
    const exchange = createScram(hash, { username: user, password: { reveal: () => 'pencil' } })
    const broker = scramStep(hash, { [user]: 'pencil' })

    const challenge = broker(await exchange.start(signal))
    const proof = await exchange.next(bytesOf(challenge))
    const verdict = broker(proof ?? Buffer.alloc(0))

    expect(verdict).toMatchObject({ user })
    expect(await exchange.next(bytesOf(verdict))).toBeUndefined()
  })

  it.each([
    ['a server that cannot prove itself', ['r=abcX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'v=AAAA'], 'did not prove'],
    ['a refusal', ['e=invalid-proof'], 'invalid-proof'],
    ['a nonce of another exchange', ['r=zzz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'], 'another exchange'],
    ['too few iterations', ['r=abcX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1'], '4096 to'],
    ['iterations that would hold us for minutes', ['r=abcX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2147483647'], '4096 to'],
  ])('SCRAM refuses %s', async (_, answers, message) => {
    const exchange = createScram('sha256', pencil, 'abc')
    await exchange.start(signal)

    const all = async (): Promise<void> => {
      for (const answer of answers) await exchange.next(Buffer.from(answer))
    }
    await expect(all()).rejects.toThrow(message)
  })

  it('SCRAM leaves the event loop free while it derives the key', async () => {
    const exchange = createScram('sha512', pencil, 'abc')
    await exchange.start(signal)
    let turns = 0
    const count = setInterval(() => turns++, 1)

    await exchange.next(Buffer.from('r=abcX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=32768'))
    clearInterval(count)

    expect(turns).toBeGreaterThan(2)
  })
})

function bytesOf(outcome: ReturnType<ReturnType<typeof scramStep>>): Buffer {
  if (outcome === 'refused') return expect.fail('the broker refused')
  return 'challenge' in outcome ? outcome.challenge : outcome.last
}
