import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { daemonMain, startDaemon } from '../rigs/daemon.ts'
import type { RigProcess } from '../rigs/process.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'

/** The built program as a user runs it, on a real ZooKeeper. */
describe('the daemon on ZooKeeper', () => {
  let zookeeper: ZookeeperRig
  let daemon: RigProcess
  let url: string
  const storage = mkdtempSync(join(tmpdir(), 'lagkeeper-zookeeper-'))

  beforeAll(async () => {
    zookeeper = await startZookeeper({ version: '3.9.5' })
    const config = `storage: { path: "${storage}" }\nzookeeper: { connect: "${zookeeper.connect}/lagkeeper" }`
    ;({ process: daemon, url } = await startDaemon({ folder: storage, config }))
  })
  afterAll(async () => {
    await daemon?.stop()
    await zookeeper?.stop()
    rmSync(storage, { recursive: true, force: true })
  })

  const targets = async (): Promise<readonly string[]> => {
    const answer = await fetch(`${url}/sd/v1/targets`)
    if (!answer.ok) return [`${answer.status}`]
    const groups: { targets: string[] }[] = JSON.parse(await answer.text())
    return groups.flatMap((group) => group.targets).sort()
  }
  const register = (instance: string, address: string) =>
    fetch(`${url}/v1/registrations/test/etl/worker/${instance}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ address, incarnation: '1', lease_seconds: 60 }),
    })

  it('lists what is acknowledged, and keeps it over SIGKILL and a restart', async () => {
    await vi.waitFor(async () => expect((await register('a', '127.0.0.1:9250')).ok).toBe(true), {
      timeout: 20_000,
      interval: 200,
    })
    expect((await register('b', '127.0.0.1:9251')).ok).toBe(true)
    await vi.waitFor(async () => expect(await targets()).toEqual(['127.0.0.1:9250', '127.0.0.1:9251']), {
      timeout: 5_000,
    })

    await daemon.kill()
    await daemon.restart()
    await vi.waitFor(async () => expect(await targets()).toEqual(['127.0.0.1:9250', '127.0.0.1:9251']), {
      timeout: 20_000,
    })
  })

  it('answers 503, never an empty list, while it has not read ZooKeeper', async () => {
    for (const server of zookeeper.servers) server.pause()
    await daemon.kill()
    await daemon.restart()
    const answer = await fetch(`${url}/sd/v1/targets`)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)])

    for (const server of zookeeper.servers) server.resume()
    await vi.waitFor(async () => expect(await targets()).toEqual(['127.0.0.1:9250', '127.0.0.1:9251']), {
      timeout: 30_000,
    })
  })

  it('lists a command for as long as lagkeeper register runs it, and passes its exit code on', async () => {
    const command = spawn(
      process.execPath,
      [
        daemonMain,
        'register',
        `--url=${url}`,
        '--namespace=test',
        '--app=etl',
        '--role=worker',
        '--instance=c',
        '--address=127.0.0.1:9252',
        '--',
        'sh',
        '-c',
        'sleep 4; exit 7',
      ],
      { stdio: 'ignore' },
    )
    const exited = once(command, 'exit')

    await vi.waitFor(async () => expect(await targets()).toContain('127.0.0.1:9252'), { timeout: 10_000 })
    expect((await exited)[0]).toBe(7)
    await vi.waitFor(async () => expect(await targets()).not.toContain('127.0.0.1:9252'), { timeout: 6_000 })
  })

  it('ends with 0 after SIGTERM, within seconds', async () => {
    const demo = spawn(process.execPath, [daemonMain, '--web.listen-address=127.0.0.1:0', '--log.format=json'], {
      cwd: storage,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await new Promise<void>((resolve) =>
      demo.stderr.on('data', (chunk: Buffer) => chunk.includes('Listening') && resolve()),
    )
    const exited = once(demo, 'exit')
    demo.kill('SIGTERM')

    expect((await exited)[0]).toBe(0)
  })
})
