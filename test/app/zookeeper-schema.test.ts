import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { zookeeperOptions, zookeeperSchema } from '../../src/app/zookeeper-schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-zookeeper-schema-'))
afterAll(() => rmSync(folder, { recursive: true }))

function pem(name: string): string {
  const path = join(folder, name)
  writeFileSync(path, name)
  return path
}

describe('the block zookeeper', () => {
  it('needs servers alone', () => {
    expect(zookeeperOptions(zookeeperSchema.parse({ connect: 'a,b:2182/c' }))).toEqual({
      connect: 'a,b:2182/c',
      sessionTimeoutMs: 10_000,
    })
  })

  it('becomes what the client takes', () => {
    const config = zookeeperSchema.parse({
      connect: 'a',
      session_timeout: '30s',
      auth: { username: 'ann', password: 'd1gest' },
      sasl: { username: 'bob', password: 's4sl' },
      tls: { ca_file: pem('ca'), cert_file: pem('cert'), key_file: pem('key'), server_name: 'zk.example' },
    })

    expect(zookeeperOptions(config)).toEqual({
      connect: 'a',
      sessionTimeoutMs: 30_000,
      auth: [{ scheme: 'digest', credential: 'ann:d1gest' }],
      sasl: { username: 'bob', password: 's4sl' },
      tls: {
        rejectUnauthorized: true,
        ca: Buffer.from('ca'),
        cert: Buffer.from('cert'),
        key: Buffer.from('key'),
        servername: 'zk.example',
      },
    })
    expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toMatch(/d1gest|s4sl/)
  })

  it.each([
    ['a path that is none', { connect: 'a/b//c' }],
    ['a user with a colon', { connect: 'a', auth: { username: 'a:b', password: 'x' } }],
    ['a user without a password', { connect: 'a', sasl: { username: 'a' } }],
    ['a certificate without its key', { connect: 'a', tls: { cert_file: 'x' } }],
    ['an option that there is not', { connect: 'a', tls: { ca: 'x' } }],
  ])('refuses %s', (_, block) => {
    expect(zookeeperSchema.safeParse(block).success).toBe(false)
  })
})
