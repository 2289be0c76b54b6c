import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { kafkaClientOptions } from '../../src/app/kafka-client.ts'
import { kerberosProblem, loadKerberos } from '../../src/app/kerberos.ts'
import { loadPackage, packageProblem } from '../../src/app/optional-package.ts'
import { configSchema } from '../../src/app/schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/runtime/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-sasl-schema-'))
const tokenFile = join(folder, 'token')
writeFileSync(tokenFile, 'from-file\n', { mode: 0o600 })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function load(sasl: string) {
  const text = `kafka: [ { name: main, bootstrap: "b:1", sasl: ${sasl} } ]`
  const [cluster] = loadConfig(configSchema, { text, env: {} }).kafka
  return cluster ?? expect.fail('no cluster')
}

function problemsOf(sasl: string): readonly string[] {
  try {
    load(sasl)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const endpoint = 'token_endpoint: "https://idp/t", client_id: c, client_secret: s3cret-canary'

describe('the block sasl', () => {
  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])('has user and password for %s', (mechanism) => {
    const { sasl } = load(`{ mechanism: ${mechanism}, username: u, password: s3cret-canary }`)

    expect(sasl).toMatchObject({ mechanism, username: 'u' })
    expect(inspect(sasl, { depth: 9 })).not.toContain('s3cret-canary')
  })

  it('has one source of tokens for OAUTHBEARER', async () => {
    const { sasl } = load(
      `{ mechanism: OAUTHBEARER, oauth: { ${endpoint}, scope: kafka, extensions: [ "pool=p=1" ] } }`,
    )
    expect(sasl).toMatchObject({
      source: { kind: 'endpoint', url: 'https://idp/t', clientId: 'c', clientAuth: 'basic', scope: 'kafka' },
      extensions: { pool: 'p=1' },
    })
    expect(inspect(sasl, { depth: 9 })).not.toContain('s3cret-canary')

    const config = load(`{ mechanism: OAUTHBEARER, oauth: { token_file: ${tokenFile} } }`)
    const options = kafkaClientOptions(config).sasl
    if (options?.mechanism !== 'OAUTHBEARER') return expect.fail('another mechanism')
    expect(await options.source.token(new AbortController().signal)).toBe('from-file')
    expect(load('{ mechanism: OAUTHBEARER, oauth: { command: [ token, "-q" ] } }').sasl).toMatchObject({
      source: { kind: 'command', command: ['token', '-q'] },
    })
  })

  it('has a region for AWS_MSK_IAM', () => {
    expect(load('{ mechanism: AWS_MSK_IAM, aws: { region: eu-central-1, profile: p } }').sasl).toEqual({
      mechanism: 'AWS_MSK_IAM',
      region: 'eu-central-1',
      profile: 'p',
    })
  })

  it.each([
    [
      'no user',
      '{ mechanism: SCRAM-SHA-512, password: p }',
      ['sasl.username', 'missing, expected it with mechanism "SCRAM-SHA-512"'],
    ],
    ['no password', '{ mechanism: PLAIN, username: u }', ['sasl.password', 'missing, expected it or "password_file"']],
    [
      'an empty password',
      '{ mechanism: PLAIN, username: u, password: "" }',
      ['sasl.password', '<secret>, expected text'],
    ],
    [
      'the password of another mechanism',
      `{ mechanism: OAUTHBEARER, password: s3cret-canary, oauth: { ${endpoint} } }`,
      ['sasl.password', '<secret>, expected none with mechanism "OAUTHBEARER"'],
    ],
    [
      'another block',
      '{ mechanism: PLAIN, username: u, password: p, aws: { region: x } }',
      ['sasl.aws', 'expected none with'],
    ],
    ['no source', '{ mechanism: OAUTHBEARER }', ['sasl.oauth', 'expected it with']],
    [
      'an empty source',
      '{ mechanism: OAUTHBEARER, oauth: {} }',
      ['sasl.oauth', 'expected one of token_file, command, token_endpoint'],
    ],
    [
      'two sources',
      `{ mechanism: OAUTHBEARER, oauth: { command: [a], ${endpoint.split(',')[0]} } }`,
      ['oauth.token_endpoint', 'given beside "command", expected only one'],
    ],
    [
      'a client without secret',
      '{ mechanism: OAUTHBEARER, oauth: { token_endpoint: "https://i/t", client_id: c } }',
      ['oauth.client_secret', 'missing, expected it or "client_secret_file"'],
    ],
    [
      'a scope of a command',
      '{ mechanism: OAUTHBEARER, oauth: { command: [a], scope: s } }',
      ['oauth.scope', 'only beside "token_endpoint"'],
    ],
    [
      'a secret over plain HTTP',
      `{ mechanism: OAUTHBEARER, oauth: { ${endpoint.replace('https', 'http')} } }`,
      ['oauth.token_endpoint', 'expected a URL'],
    ],
    [
      'an extension named auth',
      `{ mechanism: OAUTHBEARER, oauth: { ${endpoint}, extensions: [ "auth=x" ] } }`,
      ['oauth.extensions[0]', 'expected "name=value"'],
    ],
    ['no region', '{ mechanism: AWS_MSK_IAM, aws: {} }', ['aws.region', 'missing']],
    ['a typo', '{ mechanism: AWS_MSK_IAM, aws: { region: r, profil: x } }', ['aws.profil', 'did you mean "profile"?']],
  ])('refuses %s', (_, sasl, [path = '', message = '']) => {
    const problems = problemsOf(sasl)

    expect(problems).toHaveLength(1)
    expect(problems[0]?.split(' ')[0]).toContain(path)
    expect(problems[0]).toContain(message)
    expect(problems[0]).not.toContain('s3cret-canary')
  })
})

describe('a package that is installed only where it is needed', () => {
  it('is named with how to install it when it is not there', () => {
    const problem = 'expected the npm package "no-such-package" beside Lagkeeper: npm install no-such-package'

    expect(packageProblem('no-such-package')).toBe(problem)
    expect(() => loadPackage('no-such-package')).toThrow(new ConfigError([problem]))
    expect(packageProblem('zod')).toBeUndefined()
    expect(loadPackage('zod')).toHaveProperty('z')
  })

  it('is taken only for what it is', () => {
    const kerberos = { GSS_MECH_OID_KRB5: 9, initializeClient: () => Promise.reject(new Error('unused')) }

    expect(loadKerberos(() => kerberos)).toBe(kerberos)
    expect(kerberosProblem(() => kerberos)).toBeUndefined()
    expect(() => loadKerberos(() => ({ initializeClient: 1 }))).toThrow('expected version 7')
    const broken = () => {
      throw new Error('libgssapi_krb5.so.2: cannot open shared object file')
    }
    expect(kerberosProblem(broken)).toContain('libgssapi_krb5.so.2')
  })
})
