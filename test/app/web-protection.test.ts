import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { configSchema } from '../../src/app/schema.ts'
import { createWebProtection } from '../../src/app/web-protection.ts'
import { loadConfig } from '../../src/config/load.ts'
import { loadWebConfig } from '../../src/config/web-config.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createAuthority } from '../fakes/certificates.ts'
import { fakeClock } from '../fakes/clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-web-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const authority = createAuthority(folder)
const [one, two] = [authority.issue('one'), authority.issue('two')]
const path = join(folder, 'web.yaml')

function use(pair: { readonly cert: string; readonly key: string }, which: 'both' | 'certificate' = 'both'): void {
  copyFileSync(pair.cert, join(folder, 'live.pem'))
  if (which === 'both') copyFileSync(pair.key, join(folder, 'live.key'))
}

/** The protection that watches the file, with what it logged and told. */
function world() {
  const logged: string[] = []
  const looks: boolean[] = []
  const clock = fakeClock()
  const note = (_: unknown, message: string): void => void logged.push(message)
  const read = () => ({
    config: loadConfig(configSchema, { text: `web: { config_file: ${path} }`, env: {} }),
    demo: false,
    web: loadWebConfig(path),
  })
  const protection = createWebProtection(read(), {
    clock,
    logger: { ...silentLogger, info: note, error: note },
    onLook: (isRight) => looks.push(isRight),
  })
  return { protection, clock, logged, looks, read }
}

beforeEach(() => {
  writeFileSync(path, 'tls_server_config: { cert_file: live.pem, key_file: live.key }')
  use(one)
})

it('takes a certificate that was exchanged, and users too, within a few seconds', async () => {
  const { protection, clock, logged } = world()
  const stop = new AbortController()
  const done = protection.run(stop.signal)
  const first = protection.current()

  await clock.advance(20_000)
  expect(protection.current()).toBe(first)
  use(two)
  await clock.advance(5_000)
  expect(protection.current().tls?.cert).not.toBe(first.tls?.cert)
  writeFileSync(path, `basic_auth_users: { ann: "$2y$04$${'.'.repeat(53)}" }`)
  await clock.advance(5_000)
  expect([...protection.current().users.keys()]).toEqual(['ann'])
  writeFileSync(path, `basic_auth_users: { bob: "$2y$04$${'.'.repeat(53)}" }`)
  await clock.advance(5_000)
  expect([...protection.current().users.keys()]).toEqual(['bob'])

  stop.abort()
  await done
  expect(logged).toEqual(Array.from({ length: 3 }, () => 'Web configuration reloaded'))
})

it('keeps what it has while a file is wrong, says so once, and says when it is right again', async () => {
  const { protection, clock, logged, looks } = world()
  const stop = new AbortController()
  const done = protection.run(stop.signal)
  const first = protection.current()

  use(two, 'certificate')
  for (let look = 0; look < 4; look++) await clock.advance(5_000)
  expect(protection.current()).toBe(first)
  use(one)
  await clock.advance(5_000)

  stop.abort()
  await done
  expect(protection.current()).toBe(first)
  expect(logged).toEqual(['Web configuration not reloaded, the old one stays', 'Web configuration is right again'])
  expect(looks.filter((isRight) => !isRight).length).toBeGreaterThan(2)
  expect(looks.at(-1)).toBe(true)
})

it('takes what a reload has read at once', () => {
  const { protection, read } = world()
  use(two)

  const next = read()
  protection.use(next)

  expect(protection.current()).toBe(next.web)
})

it('protects nothing without a file', async () => {
  const { protection, clock, read, looks } = world()
  const { config, demo } = read()
  const stop = new AbortController()
  protection.use({ config: { ...config, web: { listen_address: { port: 0 } } }, demo })
  const done = protection.run(stop.signal)

  await clock.advance(20_000)
  stop.abort()
  await done

  expect(protection.current()).toEqual({ headers: {}, users: new Map() })
  expect(looks).toEqual([])
})
