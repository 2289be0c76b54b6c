import { describe, expect, it } from 'vitest'
import { createSaslExchange } from '../../src/kafka/sasl.ts'
import { createScram } from '../../src/kafka/sasl-scram.ts'

const pencil = { username: 'user', password: { reveal: () => 'pencil' } }
const text = (token: Uint8Array | undefined): string => Buffer.from(token ?? []).toString()

describe('SASL mechanisms', () => {
  it('PLAIN sends user and password once', () => {
    const exchange = createSaslExchange({ mechanism: 'PLAIN', ...pencil })

    expect(text(exchange.start())).toBe('\0user\0pencil')
    expect(exchange.next(Buffer.alloc(0))).toBeUndefined()
  })

  it('SCRAM-SHA-256 equals the published exchange of RFC 7677', () => {
    const exchange = createScram('sha256', pencil, 'rOprNGfwEbeRWgbNEkqO')

    expect(text(exchange.start())).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
    const proof = exchange.next(
      Buffer.from('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'),
    )
    expect(text(proof)).toBe(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    )
    expect(exchange.next(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))).toBeUndefined()
  })

  it.each([
    ['a server that cannot prove itself', ['r=abcX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'v=AAAA'], 'did not prove'],
    ['a refusal', ['e=invalid-proof'], 'invalid-proof'],
    ['a nonce of another exchange', ['r=zzz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'], 'another exchange'],
    ['too few iterations', ['r=abcX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1'], '4096 to'],
    ['iterations that would hold us for minutes', ['r=abcX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2147483647'], '4096 to'],
  ])('SCRAM refuses %s', (_, answers, message) => {
    const exchange = createScram('sha256', pencil, 'abc')
    exchange.start()

    expect(() => {
      for (const answer of answers) exchange.next(Buffer.from(answer))
    }).toThrow(message)
  })
})
