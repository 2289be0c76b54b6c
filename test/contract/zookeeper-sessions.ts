import { expect, it } from 'vitest'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { until, type ZookeeperWorld } from './zookeeper-world.ts'

const nothing = Buffer.alloc(0)

export function sessionContract({ client, behindProxy, place }: ZookeeperWorld): void {
  it('keeps session and ephemerals over a lost connection', async () => {
    await using running = await behindProxy()
    const { zookeeper, proxy } = running
    const path = place()
    await zookeeper.create(path, nothing, { mode: 'ephemeral' })
    const before = zookeeper.session()?.id

    proxy.cut()
    await until('the connection is lost', () => running.states().includes('connecting'))
    const found = await zookeeper.exists(path)

    expect(found?.ephemeralOwner).toBe(before)
    expect(zookeeper.session()?.id).toBe(before)
    expect(running.changes.at(-1)).toMatchObject({ state: 'connected', isNewSession: false })
  })

  it('resumes a session that an earlier client has left', async () => {
    const path = place()
    const first = client({ keepsSession: true })
    await first.zookeeper.create(path, nothing, { mode: 'ephemeral' })
    const savedSession = first.zookeeper.session()
    await first.stop()
    if (savedSession === undefined) throw new Error('There is no session to save')

    await using second = client({ savedSession })
    const stat = await second.zookeeper.exists(path)

    expect(stat?.ephemeralOwner).toBe(savedSession.id)
    expect(second.changes[0]).toMatchObject({ state: 'connected', isNewSession: false, sessionId: savedSession.id })
  })

  it('starts a new session when the saved one is not ours', async () => {
    const path = place()
    await using first = client()
    await first.zookeeper.create(path, nothing, { mode: 'ephemeral' })
    const saved = first.zookeeper.session()
    if (saved === undefined) throw new Error('There is no session to save')

    await using second = client({ savedSession: { ...saved, password: Buffer.alloc(16, 7) } })
    await until('a session', () => second.zookeeper.state() === 'connected')

    expect(second.states()).toEqual(['expired', 'connected'])
    expect(second.changes.at(-1)).toMatchObject({ isNewSession: true })
    expect(second.zookeeper.session()?.id).not.toBe(saved.id)
    expect(await second.zookeeper.exists(path)).toBeDefined()
  })

  it('ends the session and its ephemerals when it stops', async () => {
    const path = place()
    await using watcher = client()
    const running = client()
    await running.zookeeper.create(path, nothing, { mode: 'ephemeral' })

    await running.stop()
    await watcher.zookeeper.sync()

    expect(await watcher.zookeeper.exists(path)).toBeUndefined()
    expect(running.states().at(-1)).toBe('closed')
    expect(running.states()).not.toContain('expired')
    await expect(running.zookeeper.exists(path)).rejects.toThrow(UnavailableError)
  })

  it('knows until when its session is certain', async () => {
    await using running = client()
    const { zookeeper } = running
    expect(zookeeper.confirmedUntil()).toBeUndefined()

    const before = performance.now()
    await zookeeper.sync()
    const confirmed = zookeeper.confirmedUntil() ?? 0

    const timeoutMs = zookeeper.session()?.timeoutMs ?? 0
    expect(confirmed).toBeGreaterThanOrEqual(before + timeoutMs)
    expect(confirmed).toBeLessThanOrEqual(performance.now() + timeoutMs)
  })

  it('gives a request up at its deadline and at the call of its signal', async () => {
    await using running = await behindProxy()
    const { zookeeper, proxy } = running
    await zookeeper.sync()
    proxy.block()
    const stop = new AbortController()

    const waiting = Promise.allSettled([
      zookeeper.exists('/', { timeoutMs: 50 }),
      zookeeper.exists('/', { signal: stop.signal }),
      zookeeper.exists('/', { signal: AbortSignal.abort(new Error('before')) }),
    ])
    stop.abort(new Error('enough'))

    expect(await waiting).toMatchObject([
      { reason: { name: 'UnavailableError', timedOut: true } },
      { reason: { message: 'enough' } },
      { reason: { message: 'before' } },
    ])
    proxy.unblock()
    expect(await zookeeper.exists('/')).toBeDefined()
  })
}
