import { describe, expect, it } from 'vitest'
import { configSchema } from '../../src/app/schema.ts'
import { tokenGrants } from '../../src/app/token-grants.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createTokens, digestOf, targetProblem } from '../../src/http/tokens.ts'
import { ConfigError } from '../../src/runtime/errors.ts'

const sha256 = (token: string): string => digestOf(token).toString('hex')

function grants(tokens: string) {
  return tokenGrants(
    loadConfig(configSchema, { text: `registration: { token: one, tokens: [ ${tokens} ] }`, env: {} }).registration,
  )
}

function problems(tokens: string): string {
  try {
    grants(tokens)
    return 'none'
  } catch (error) {
    return error instanceof ConfigError ? error.problems.join('\n') : String(error)
  }
}

describe('tokens from the configuration', () => {
  it('have what is configured, and no limit where nothing is', () => {
    const [single, team] = grants(
      `{ name: team, sha256: ${sha256('t')}, scopes: [register, reload], namespaces: ["pay.*"], quota: 7, rate: 5, expires: 2027-01-31 }`,
    )

    expect([single?.name, single?.scopes.size, single?.namespaces.covers('any'), single?.quota]).toEqual([
      'token',
      3,
      true,
      undefined,
    ])
    expect([...(team?.scopes ?? [])]).toEqual(['register', 'reload'])
    expect(['pay', 'payments', 'xpay'].map((name) => team?.namespaces.covers(name))).toEqual([true, true, false])
    expect([team?.quota, team?.rate, team?.expiresAt]).toEqual([7, { perSecond: 5, burst: 10 }, Date.UTC(2027, 0, 31)])
  })

  it('are found by the header, whichever of two that are good at once', () => {
    const tokens = createTokens(
      grants(['a', 'b'].map((one) => `{ name: team, sha256: ${sha256(one)}, scopes: [reload] }`).join(', ')),
    )

    expect(
      ['Bearer one', 'bearer a', 'Bearer   b', 'Bearer c', 'Basic b', 'b', undefined].map(
        (header) => tokens.find(header)?.name,
      ),
    ).toEqual(['token', 'team', 'team', undefined, undefined, undefined, undefined])
  })

  it('limit addresses and ports', () => {
    const [, token] = grants(
      `{ name: t, sha256: ${sha256('t')}, scopes: [reload], allowed_cidrs: [10.20.0.0/16, "fd00::/8"], allowed_ports: [9250-9259, 9404] }`,
    )
    const why = (address: string) => targetProblem(token, address)?.expected ?? 'fine'

    expect(why('10.20.1.1:9250')).toBe('fine')
    expect(why('10.20.1.1:9259')).toBe('fine')
    expect(why('[fd00::1]:9404')).toBe('fine')
    expect(why('10.20.1.1:9260')).toBe(
      'an address that the token "t" may register: port 9260 is none of 9250-9259, 9404',
    )
    expect(why('10.21.1.1:9250')).toContain('10.21.1.1 is in none of the allowed networks (10.20.0.0/16, fd00::/8)')
    expect(targetProblem(undefined, '10.21.1.1:9260')).toBeUndefined()
  })

  it.each([
    [
      'the token in place of its digest',
      '{ name: t, sha256: s3cret-token, scopes: [reload] }',
      'tokens[0].sha256 (1:58): <secret>, expected the SHA-256',
    ],
    [
      'a digest twice',
      [1, 2].map(() => `{ name: t, sha256: ${sha256('t')}, scopes: [reload] }`).join(),
      'tokens[1].sha256',
    ],
    ['no scopes', `{ name: t, sha256: ${sha256('t')}, scopes: [] }`, 'tokens[0].scopes'],
    ['an unknown scope', `{ name: t, sha256: ${sha256('t')}, scopes: [root] }`, 'tokens[0].scopes[0]'],
    [
      'the scope register without namespaces',
      `{ name: t, sha256: ${sha256('t')}, scopes: [register] }`,
      'tokens[0].namespaces',
    ],
    [
      'a day that there is not',
      `{ name: t, sha256: ${sha256('t')}, scopes: [reload], expires: 2027-02-30 }`,
      'tokens[0].expires',
    ],
    [
      'a time without zone',
      `{ name: t, sha256: ${sha256('t')}, scopes: [reload], expires: "2027-02-20T10:00" }`,
      'tokens[0].expires',
    ],
    [
      'ports the wrong way round',
      `{ name: t, sha256: ${sha256('t')}, scopes: [reload], allowed_ports: [9259-9250] }`,
      'tokens[0].allowed_ports[0]',
    ],
    [
      'a port that there is not',
      `{ name: t, sha256: ${sha256('t')}, scopes: [reload], allowed_ports: [70000] }`,
      'tokens[0].allowed_ports[0]',
    ],
    ['a quota of nothing', `{ name: t, sha256: ${sha256('t')}, scopes: [reload], quota: 0 }`, 'tokens[0].quota'],
  ])('refuse %s', (_, tokens, expected) => {
    const found = problems(tokens)

    expect(found).toContain(`registration.${expected}`)
    expect(found.split('\n')).toHaveLength(1)
    expect(found).not.toContain('s3cret')
  })
})
