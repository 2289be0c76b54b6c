import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { loadWebConfig } from '../../src/config/web-config.ts'
import { ConfigError } from '../../src/runtime/errors.ts'
import { createAuthority } from '../fakes/certificates.ts'
import { webConfigCases } from './web-config-cases.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-web-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const authority = createAuthority(folder, 'test')
authority.issue('server')
authority.issue('other')
const path = join(folder, 'web.yaml')

function load(text: string) {
  const names = { SERVER: 'test-server', OTHER: 'test-other', CA: 'test-ca.pem' }
  writeFileSync(
    path,
    text.replaceAll(
      /\b(SERVER|OTHER|CA)\b/g,
      (word) => Object.entries(names).find(([key]) => key === word)?.[1] ?? word,
    ),
    {
      mode: 0o600,
    },
  )
  return loadWebConfig(path)
}

function problems(text: string): readonly string[] {
  try {
    load(text)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const tls = 'cert_file: SERVER.pem, key_file: SERVER.key'

describe('loadWebConfig()', () => {
  it.each(webConfigCases.filter(({ refusedAt }) => refusedAt === undefined))('accepts $what', ({ text }) => {
    expect(problems(text)).toEqual([])
  })

  it.each(webConfigCases.filter(({ refusedAt }) => refusedAt !== undefined))(
    'refuses $what with its place',
    ({ text, refusedAt = '' }) => {
      const found = problems(text)

      expect(found.length).toBeGreaterThan(0)
      expect(found.some((one) => one.startsWith(`${path}: ${refusedAt}`))).toBe(true)
      expect(found.join('\n')).not.toContain('s3cret')
    },
  )

  it('protects nothing when the file says nothing', () => {
    expect(load('')).toEqual({ headers: {}, users: new Map() })
  })

  it('gives TLS as node wants it, and never shows the key', () => {
    const found = load(
      `tls_server_config: { ${tls}, min_version: TLS13, cipher_suites: [ TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ], curve_preferences: [ CurveP256, X25519 ] }`,
    )

    expect(found.tls).toMatchObject({
      cert: expect.stringContaining('BEGIN CERTIFICATE'),
      clientAuth: 'NoClientCert',
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      ciphers: expect.stringMatching(/^TLS_AES_128_GCM_SHA256:.*:ECDHE-RSA-AES128-GCM-SHA256$/),
      curves: 'P-256:X25519',
    })
    expect(found.tls?.key.reveal()).toContain('PRIVATE KEY')
    expect(inspect(found, { depth: 9 })).not.toContain('PRIVATE KEY')
  })

  it('reads a limit as requests a second', () => {
    expect(load('rate_limit: { interval: 20ms, burst: 5 }').rateLimit).toEqual({ perSecond: 50, burst: 5 })
    expect(load('rate_limit: { interval: 0, burst: 5 }').rateLimit).toBeUndefined()
  })

  it('refuses a key that others may read', () => {
    chmodSync(join(folder, 'test-other.key'), 0o644)

    expect(problems('tls_server_config: { cert_file: OTHER.pem, key_file: OTHER.key }').join()).toContain(
      'mode 0644 lets every user at it',
    )
  })

  it('reports all that is wrong at once', () => {
    expect(
      problems(`tls_server_config: { ${tls}, min_version: x, nope: 1 }\nbasic_auth_users: { "a:b": x }`).map(
        (one) => one.slice(path.length + 2).split(' ')[0],
      ),
    ).toEqual(['tls_server_config.min_version', 'tls_server_config.nope', 'basic_auth_users.a:b'])
  })
})
