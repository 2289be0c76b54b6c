import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hash } from 'bcryptjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runDaemon } from '../../src/app/daemon.ts'
import { effectiveConfig, parseFlags } from '../../src/app/flags.ts'
import { loadWebConfig } from '../../src/config/web-config.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { ConfigError } from '../../src/runtime/errors.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { webConfigCases } from '../config/web-config-cases.ts'
import { createAuthority } from '../fakes/certificates.ts'
import { askSecurely } from '../http/secure-server.ts'
import { promtoolBinary, startPrometheus } from '../rigs/prometheus.ts'
import { run } from '../rigs/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'lagkeeper-web-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const authority = createAuthority(folder, 'CA')
const [server, other] = [authority.issue('SERVER'), authority.issue('OTHER')]
const client = authority.issue('client')
const path = (name: string): string => join(folder, name)

describe('the web configuration', () => {
  let promtool = ''
  beforeAll(async () => {
    promtool = await promtoolBinary()
    copyFileSync(authority.ca, path('CA'))
    for (const [name, pair] of [
      ['SERVER', server],
      ['OTHER', other],
    ] as const) {
      copyFileSync(pair.cert, path(`${name}.pem`))
      copyFileSync(pair.key, path(`${name}.key`))
    }
  })

  it.each(webConfigCases)('$what is for us what it is for promtool, or it is written down why not', async (one) => {
    writeFileSync(path('web.yaml'), one.text, { mode: 0o600 })

    const theirs = await run(promtool, ['check', 'web-config', path('web.yaml')])
    const ours = accepts(path('web.yaml'))

    expect(ours).toBe(one.refusedAt === undefined)
    expect([theirs.code === 0, theirs.stderr]).toEqual([one.promtool?.accepts ?? ours, expect.anything()])
  })
})

function accepts(file: string): boolean {
  try {
    loadWebConfig(file)
    return true
  } catch (error) {
    if (error instanceof ConfigError) return false
    throw error
  }
}

describe('a daemon with TLS, client certificates and users', () => {
  const stop = new AbortController()
  let done = Promise.resolve()
  let hangUp: () => void = () => undefined
  let port = 0
  const ca = readFileSync(authority.ca, 'utf8')
  const identity = { ca, cert: readFileSync(client.cert), key: readFileSync(client.key) }
  const login = { authorization: `Basic ${Buffer.from('ann:s3cret').toString('base64')}` }
  const live = (pair: typeof server): void => {
    copyFileSync(pair.cert, path('live.pem'))
    copyFileSync(pair.key, path('live.key'))
  }
  const write = (text: string): void => writeFileSync(path('live.yaml'), text)
  const tls = `tls_server_config: { cert_file: live.pem, key_file: live.key, client_ca_file: ${authority.ca}, client_auth_type: RequireAndVerifyClientCert }`
  let users = ''

  const ask = (where: string, headers: Readonly<Record<string, string>> = login, agent = new Agent()) =>
    askSecurely(port, where, { ...identity, headers, agent })
  const metric = async (): Promise<string | undefined> => {
    const answer = await ask('/metrics/self')
    return typeof answer === 'string'
      ? answer
      : /^lagkeeper_config_last_reload_successful (.*)$/m.exec(answer.text)?.[1]
  }

  beforeAll(async () => {
    live(server)
    users = `basic_auth_users: { ann: "${await hash('s3cret', 10)}" }`
    write(`${tls}\n${users}`)
    writeFileSync(path('lagkeeper.yaml'), `demo: false\nstorage: { path: ${path('data')} }`)
    const flags = parseFlags([
      ...[`--config.file=${path('lagkeeper.yaml')}`, `--web.config.file=${path('live.yaml')}`],
      '--web.listen-address=127.0.0.1:0',
    ])
    port = await new Promise<number>((resolve, reject) => {
      done = runDaemon(
        {
          clock: systemClock,
          logger: silentLogger,
          version: 'test',
          read: () => effectiveConfig(flags, {}),
          onListening: (address) => resolve(address.port),
          onHangUp: (listener) => {
            hangUp = listener
            return () => undefined
          },
        },
        stop.signal,
      )
      done.catch(reject)
    })
  })
  afterAll(async () => {
    stop.abort()
    await done
  })

  it('is read by curl that has both, and by nobody else', async () => {
    const url = `https://localhost:${port}/-/healthy`
    const curl = (...args: readonly string[]) =>
      run('curl', ['-sS', '--max-time', '10', '-o', '-', '-w', '%{http_code}', '--cacert', authority.ca, ...args])
    const certificate = ['--cert', client.cert, '--key', client.key]

    expect((await curl(...certificate, '-u', 'ann:s3cret', url)).stdout).toBe('ok\n200')
    expect((await curl(...certificate, '-u', 'ann:wrong', url)).stdout).toMatch(/401$/)
    expect((await curl(...certificate, url)).stdout).toMatch(/401$/)
    expect((await curl('-u', 'ann:s3cret', url)).code).not.toBe(0)
    expect((await curl('-u', 'ann:s3cret', url.replace('https', 'http'))).code).not.toBe(0)
  })

  it('is scraped by Prometheus with a client certificate and a password', async () => {
    const scrape = `
      - job_name: lagkeeper
        scheme: https
        metrics_path: /metrics/self
        tls_config: { ca_file: ${authority.ca}, cert_file: ${client.cert}, key_file: ${client.key}, server_name: localhost }
        basic_auth: { username: ann, password: s3cret }
        static_configs: [ { targets: [ "127.0.0.1:${port}" ] } ]`
    await using prometheus = await startPrometheus({
      config: `global: { scrape_interval: 1s }\nscrape_configs:${scrape}\n`,
    })

    const up = async () => (await prometheus.query('up')).map(({ value }) => value)
    await expect.poll(up, { timeout: 30_000 }).toEqual(['1'])
  })

  it('exchanges its certificate while a connection is open, without being told', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    expect(await ask('/-/healthy', login, agent)).toMatchObject({ server: 'SERVER', isReused: false })

    live(other)

    await expect.poll(() => ask('/-/healthy'), { timeout: 20_000 }).toMatchObject({ status: 200, server: 'OTHER' })
    expect(await ask('/-/healthy', login, agent)).toMatchObject({ status: 200, server: 'SERVER', isReused: true })
    agent.destroy()
  })

  it('keeps what it has when the file is wrong, and says so in a metric and in the answer to a reload', async () => {
    expect(await metric()).toBe('1')

    write(`${tls}\n${users}\nnonsense: 1`)

    await expect.poll(metric, { timeout: 20_000 }).toBe('0')
    expect(await ask('/-/healthy')).toMatchObject({ status: 200 })
    expect(await ask('/-/healthy', {})).toMatchObject({ status: 401 })
    hangUp()
    expect(await metric()).toBe('0')
    write(`${tls}\n${users}`)
    hangUp()
    expect(await metric()).toBe('1')
  })

  it('takes another password at once when it is told to', async () => {
    write(`${tls}\nbasic_auth_users: { ann: "${await hash('other', 4)}" }`)
    hangUp()

    expect(await ask('/-/healthy')).toMatchObject({ status: 401 })
    const changed = { authorization: `Basic ${Buffer.from('ann:other').toString('base64')}` }
    expect(await ask('/-/healthy', changed)).toMatchObject({ status: 200 })
  })
})
