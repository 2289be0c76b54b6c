import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { runDaemon } from '../../src/app/daemon.ts'
import { effectiveConfig, parseFlags } from '../../src/app/flags.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'

const stop = new AbortController()
let folder = ''
let url = ''
let done = Promise.resolve()
let hangUp: () => void = () => undefined
const levels: string[] = []

/** A cluster that nobody answers for: what counts here is what is watched, not what is found. */
const cluster = (name: string): string => `{name: ${name}, bootstrap: ["127.0.0.1:1"]}`

async function configure(text: string): Promise<void> {
  await writeFile(join(folder, 'lagkeeper.yaml'), `${text}\nstorage: {path: ${folder}/data}\n`)
}

async function waitingFor(): Promise<string> {
  const answer = await fetch(`${url}/-/ready`)
  return answer.text()
}

async function selfMetric(name: string): Promise<string | undefined> {
  const page = await (await fetch(`${url}/metrics/self`)).text()
  return page.split('\n').find((line) => line.startsWith(`${name} `))
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-reload-'))
  await configure(`kafka: [${cluster('one')}]`)
  const flags = parseFlags([`--config.file=${join(folder, 'lagkeeper.yaml')}`, '--web.listen-address=127.0.0.1:0'])
  url = await new Promise<string>((resolve, reject) => {
    done = runDaemon(
      {
        clock: systemClock,
        logger: silentLogger,
        version: 'test',
        read: () => effectiveConfig(flags, {}),
        onConfig: ({ log }) => levels.push(log.level),
        onListening: ({ port }) => resolve(`http://127.0.0.1:${port}`),
        onHangUp: (listener) => {
          hangUp = listener
          return () => {
            hangUp = () => undefined
          }
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
  await rm(folder, { recursive: true, force: true })
})

describe('a reload of the daemon', () => {
  it('watches another cluster from then on', async () => {
    expect(await waitingFor()).toContain('\\"one\\"')
    await configure(`kafka: [${cluster('one')}, ${cluster('two')}]\nlog: {level: debug}`)
    const answer = await fetch(`${url}/-/reload`, { method: 'POST' })
    expect(await answer.json()).toEqual({ reloaded: true, changed: ['kafka two'] })
    expect(answer.status).toBe(200)
    expect(await waitingFor()).toContain('\\"two\\"')
    expect(levels).toEqual(['debug'])
  })

  it('keeps the old configuration when the new one is wrong, and says so in the answer and in a metric', async () => {
    await configure('kafka: [{name: broken}]')
    const answer = await fetch(`${url}/-/reload`, { method: 'POST' })
    expect(answer.status).toBe(500)
    expect(JSON.stringify(await answer.json())).toContain('kafka[0].bootstrap')
    expect(await waitingFor()).toContain('\\"two\\"')
    expect(await selfMetric('lagkeeper_config_last_reload_successful')).toBe(
      'lagkeeper_config_last_reload_successful 0',
    )
  })

  it('is also had by a signal', async () => {
    await configure(`kafka: [${cluster('three')}]`)
    hangUp()
    const text = await waitingFor()
    expect(text).toContain('\\"three\\"')
    expect(text).not.toContain('\\"one\\"')
    expect(await selfMetric('lagkeeper_config_last_reload_successful')).toBe(
      'lagkeeper_config_last_reload_successful 1',
    )
  })

  it('uses new rules for registrations without a restart of anything', async () => {
    const put = (): Promise<Response> =>
      fetch(`${url}/v1/registrations/a/b/c/d`, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ address: '192.0.2.1:9000', incarnation: '1' }),
      })
    expect((await put()).status).toBe(422)
    await configure(`kafka: [${cluster('three')}]\nregistration: {allowed_cidrs: ["192.0.2.0/24"]}`)
    const answer = await fetch(`${url}/-/reload`, { method: 'POST' })
    expect(await answer.json()).toEqual({ reloaded: true, changed: [] })
    expect((await put()).status).toBe(200)
  })

  it('says what is wrong with the first Flink cluster, watches it once it is right, and forgets it again', async () => {
    const reload = async (flink: string) => {
      await configure(`kafka: [${cluster('three')}]\n${flink}`)
      const answer = await fetch(`${url}/-/reload`, { method: 'POST' })
      return { status: answer.status, text: await answer.text() }
    }
    const broken = await reload(`flink: [{name: f, rest: ["https://127.0.0.1:1"], tls: {ca_file: ${folder}/none}}]`)
    expect(broken).toEqual({ status: 500, text: expect.stringContaining('ca_file') })
    expect((await fetch(`${url}/api/v1/jobs`)).status).toBe(200)

    const watching = await reload('flink: [{name: f, rest: ["http://127.0.0.1:1"]}]')
    expect(watching.status).toBe(200)
    expect(JSON.parse(watching.text).changed).toEqual(
      expect.arrayContaining(['discovery flink/f', 'jobs', 'kafka three', 'registrar']),
    )
    await vi.waitFor(async () => {
      expect(await selfMetric('lagkeeper_source_up{source="flink",name="f"}')).toMatch(/ 0$/)
    }, 5_000)

    const without = await reload('')
    expect(JSON.parse(without.text).changed).toContain('discovery flink/f')
    expect(await selfMetric('lagkeeper_source_up{source="flink",name="f"}')).toBeUndefined()
  })
})
