import { describe, expect, it } from 'vitest'
import { DecodeError, UnavailableError } from '../../src/runtime/errors.ts'
import { answerDigestMd5 } from '../../src/zookeeper/digest-md5.ts'

/** Section 4 of RFC 2831. */
const example = {
  challenge: 'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8',
  options: { username: 'chris', password: 'secret', digestUri: 'imap/elwood.innosoft.com', cnonce: 'OA6MHXh6VqTrRk' },
  response: 'd388dad90d4bbd760a152321f2143af7',
  final: 'rspauth=ea40f60335c427b5527b84dbabcdfffd',
}

function answer(challenge: string, options = example.options) {
  return answerDigestMd5(Buffer.from(challenge), options)
}

describe('answerDigestMd5()', () => {
  it('gives the answer of the example in RFC 2831, and takes the answer of its server', () => {
    const { token, verify } = answer(example.challenge)

    expect(token.toString().split(',')).toEqual([
      'charset=utf-8',
      'username="chris"',
      'realm="elwood.innosoft.com"',
      'nonce="OA6MG9tEQGm2hh"',
      'nc=00000001',
      'cnonce="OA6MHXh6VqTrRk"',
      'digest-uri="imap/elwood.innosoft.com"',
      `response=${example.response}`,
      'qop=auth',
    ])
    expect(() => verify(Buffer.from(example.final))).not.toThrow()
  })

  it.each([
    ['another proof', 'rspauth=ea40f60335c427b5527b84dbabcdfffe'],
    ['no proof', ''],
    ['our own proof', `rspauth=${example.response}`],
  ])('refuses a server that answers with %s', (_, final) => {
    const { verify } = answer(example.challenge)

    expect(() => verify(Buffer.from(final))).toThrow(UnavailableError)
    expect(() => verify(Buffer.from(final))).toThrow('could not show that it knows the password')
  })

  it('does without realm, charset and qop, and takes spaces, quotes and a list of protections', () => {
    const plain = answer('nonce=abc,algorithm=md5-sess')
    const spaced = answer('nonce = "abc" , qop="auth-int, auth" , algorithm="md5-sess"')

    expect(plain.token.toString()).not.toMatch(/realm|charset/)
    expect(spaced.token.toString()).toBe(plain.token.toString())
  })

  it('escapes a quote and a backslash, and reads them escaped', () => {
    const { token } = answer('realm="a\\"b\\\\c",nonce="n",algorithm=md5-sess', {
      ...example.options,
      username: 'an"n\\',
    })

    expect(token.toString()).toContain('username="an\\"n\\\\",realm="a\\"b\\\\c"')
  })

  it('hashes ISO 8859-1 where that is enough, and UTF-8 where it is not', () => {
    const responseFor = (username: string, cnonce: string): string =>
      /response=(\w+)/.exec(
        answer(example.challenge, { ...example.options, username, cnonce }).token.toString(),
      )?.[1] ?? ''

    // Recorded from javax.security.sasl of Java 17.
    expect(responseFor('jürgen', 'fZ/ABgdKHhKMMk34/eDq28vb5BQ0QlwUZIhbiy+t')).toBe('4063b984c89d38af2b2d1bb7971a2361')
    expect(responseFor('юрий', 'oX5MLKoQKYPs8NC5WyqXfnhRoxC4bgx5POoGvfFL')).toBe('4f212873642f837b25e7dc5103cda924')
  })

  it.each([
    ['realm="r",algorithm=md5-sess', DecodeError, 'no "nonce"'],
    ['nonce="n",,', DecodeError, 'no directive at byte 10'],
    ['nonce="n', DecodeError, 'no directive at byte 0'],
    [`nonce="${'n'.repeat(5_000)}"`, DecodeError, 'expected at most 4096'],
    ['nonce="n"', UnavailableError, 'expected "md5-sess"'],
    ['nonce="n",algorithm=md5-sess,qop="auth-conf"', UnavailableError, 'expected "auth"'],
  ])('refuses the challenge %s', (challenge, error, message) => {
    expect(() => answer(challenge)).toThrow(error)
    expect(() => answer(challenge)).toThrow(message)
  })

  it('says the password to nobody', () => {
    const { token } = answer(example.challenge)

    expect(token.toString()).not.toContain(example.options.password)
  })
})
