import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { isZookeeperError } from '../../src/zookeeper/errors.ts'
import { runTree } from '../contract/zookeeper-trees.ts'
import { type RunningClient, runClient, until } from '../contract/zookeeper-world.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'

const nothing = Buffer.alloc(0)
const sessionTimeoutMs = 10_000

/** Writes numbers one after the other, each until it is acknowledged, and says which was the last. */
function startWriter({ zookeeper }: RunningClient, path: string) {
  const stop = new AbortController()
  let last = 0
  const done = (async () => {
    while (!stop.signal.aborted) {
      try {
        await zookeeper.setData(path, Buffer.from(String(last + 1)), { timeoutMs: 5_000 })
        last++
      } catch (error) {
        // Lost on its way: written again, it does no harm.
        if (!(error instanceof UnavailableError)) throw error
      }
    }
  })()
  return {
    last: () => last,
    stop: async () => {
      stop.abort()
      await done
      return last
    },
  }
}

async function modeOf(server: ZookeeperRig['servers'][number]): Promise<string> {
  const answer = await server.fourLetter('srvr').catch(() => '')
  return /^Mode: (.*)$/m.exec(answer)?.[1] ?? ''
}

async function withMode(rig: ZookeeperRig, wanted: string) {
  for (const server of rig.servers) if ((await modeOf(server)) === wanted) return server
  throw new Error(`No server of the ensemble is "${wanted}"`)
}

async function untilMode(server: ZookeeperRig['servers'][number], isWanted: (mode: string) => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; !isWanted(await modeOf(server)); )
    if (performance.now() > end) throw new Error(`Server ${server.port} is "${await modeOf(server)}"`)
}

describe.each(['3.9.5', '3.4.14'])('an ensemble of three ZooKeeper %s', (version) => {
  let rig: ZookeeperRig | undefined
  const ensemble = (): ZookeeperRig => {
    if (rig === undefined) throw new Error('The ensemble has not been started')
    return rig
  }
  beforeAll(async () => {
    rig = await startZookeeper({ version, servers: 3 })
  })
  afterAll(() => rig?.stop())

  async function hardship(root: string, strike: (watcher: RunningClient) => Promise<() => Promise<void>>) {
    const { connect } = ensemble()
    await using writer = runClient({ connect, sessionTimeoutMs })
    await using watcher = runClient({ connect, sessionTimeoutMs })
    await writer.zookeeper.makeDirectories(`${root}/members`)
    await writer.zookeeper.create(`${root}/count`, Buffer.from('0'))
    await watcher.zookeeper.create(`${root}/members/me`, nothing, { mode: 'ephemeral' })
    const events: string[] = []
    await watcher.zookeeper.exists(`${root}/later`, { watch: ({ type }) => events.push(type) })
    await using watched = runTree(watcher.zookeeper, { root })
    await until('the view', () => watched.tree.isCurrent())
    const session = watcher.zookeeper.session()?.id
    const writing = startWriter(writer, `${root}/count`)
    await until('the first writes', () => writing.last() > 5)

    const startedAt = performance.now()
    const heal = await strike(watcher)
    const before = writing.last()
    await until('writes go on', () => writing.last() > before + 5, 30_000)
    const recoveredMs = Math.round(performance.now() - startedAt)
    await writer.zookeeper.create(`${root}/later`, nothing, { timeoutMs: 20_000 })
    await until('the watch has fired', () => events.length > 0, 30_000)
    const last = await writing.stop()
    const seen = (): number => Number(watched.tree.view()?.nodes.get(`${root}/count`)?.data.toString())
    await until('the view has the last write', () => watched.tree.isCurrent() && seen() >= last, 30_000)
    await heal()

    expect(events).toEqual(['created'])
    expect(seen()).toBe(last)
    expect(watched.paths()).toEqual([`${root}/count`, `${root}/later`, `${root}/members`, `${root}/members/me`])
    expect(watched.changes.flatMap(({ removed }) => removed)).toEqual([])
    expect(watcher.zookeeper.session()?.id).toBe(session)
    expect((await watcher.zookeeper.exists(`${root}/members/me`))?.ephemeralOwner).toBe(session)
    expect([...watcher.states(), ...writer.states()]).not.toContain('expired')
    return recoveredMs
  }

  it('keeps sessions, ephemerals, watches and every acknowledged write when its leader is killed', async () => {
    const recoveredMs = await hardship('/leader', async () => {
      const leader = await withMode(ensemble(), 'leader')
      await leader.kill()
      return async () => {
        await leader.restart()
        await untilMode(leader, (mode) => mode !== '')
      }
    })
    console.info(`${version}: writes again ${recoveredMs} ms after the leader was killed`)
  })

  it('is left for another server when the one at hand stands still, within two thirds of the session timeout', async () => {
    const noticedMs: number[] = []
    await hardship('/still', async (watcher) => {
      const connected = watcher.changes.findLast(({ state }) => state === 'connected')
      const at = connected?.state === 'connected' ? connected.server : ''
      const server = ensemble().servers.find(({ port }) => at.endsWith(`:${port}`))
      if (server === undefined) throw new Error(`"${at}" is no server of the ensemble`)
      const startedAt = performance.now()
      const changes = watcher.changes.length
      server.pause()
      await until('it is noticed', () => watcher.changes.length > changes, 20_000)
      noticedMs.push(Math.round(performance.now() - startedAt))
      return async () => {
        server.resume()
        await untilMode(server, (mode) => mode !== '')
      }
    })
    console.info(`${version}: SIGSTOP noticed after ${noticedMs[0]} ms of a ${sessionTimeoutMs} ms session`)
    expect(noticedMs[0]).toBeLessThanOrEqual((sessionTimeoutMs * 2) / 3 + 500)
  })

  it('has its abilities asked for once a server, at the price of a connection and not of the session', async () => {
    const { connect } = ensemble()
    await using client = runClient({ connect, sessionTimeoutMs })
    const { zookeeper } = client
    await zookeeper.create('/asked', nothing, { mode: 'ephemeral' })
    const session = zookeeper.session()?.id
    await zookeeper.sync()
    const connections = zookeeper.counters().connections

    const answers = await Promise.all([zookeeper.supports('addWatch'), zookeeper.supports('multiRead')])
    await zookeeper.sync()
    const after = zookeeper.counters().connections
    for (let round = 0; round < 5; round++) await zookeeper.multiRead([{ type: 'getData', path: '/asked' }])

    expect(answers).toEqual(version === '3.9.5' ? [true, true] : [false, false])
    expect(after - connections).toBeLessThanOrEqual(version === '3.9.5' ? 0 : 1)
    expect(zookeeper.counters().connections).toBe(after)
    expect((await zookeeper.exists('/asked'))?.ephemeralOwner).toBe(session)
  })
})

describe('an ensemble of three ZooKeeper 3.9.5 with read-only mode', () => {
  it('is read from its last server by whoever allows that, and left for one that takes writes', async () => {
    // From 3.6 on a read-only server makes no other new sessions than local ones.
    const properties = { localSessionsEnabled: 'true', localSessionsUpgradingEnabled: 'true' }
    await using rig = await startZookeeper({ version: '3.9.5', servers: 3, readOnlyMode: true, properties })
    const [first, second, third] = rig.servers
    if (first === undefined || second === undefined || third === undefined) throw new Error('There are fewer servers')
    const allowing = { connect: rig.connect, sessionTimeoutMs: 3_000, allowsReadOnly: true }
    await using usual = runClient({ connect: rig.connect, sessionTimeoutMs: 20_000 })
    await using frugal = runClient(allowing)
    await usual.zookeeper.create('/a', Buffer.from('data'))
    // An ephemeral makes a session known to the whole ensemble.
    for (const { zookeeper } of [usual, frugal])
      await zookeeper.create('/mine-', nothing, { mode: 'ephemeral_sequential' })
    await Promise.all(rig.servers.map(({ port }) => synced(port)))
    const session = usual.zookeeper.session()?.id

    await Promise.all([first.kill(), second.kill()])
    await untilMode(third, (mode) => mode === 'read-only')
    await using late = runClient(allowing)
    expect((await late.zookeeper.getData('/a', { timeoutMs: 20_000 })).data.toString()).toBe('data')
    await until('the session is given up for one of the last server', () => canOnlyRead(frugal), 20_000)
    for (const { zookeeper } of [frugal, late])
      expect((await zookeeper.getData('/a', { timeoutMs: 20_000 })).data.toString()).toBe('data')
    const refusals = await Promise.all(
      [frugal, late].map(({ zookeeper }) => zookeeper.setData('/a', nothing).catch((error: unknown) => error)),
    )
    await using watched = runTree(late.zookeeper, { root: '/a' })
    await until('the view', () => watched.tree.view() !== undefined)
    const waiting = await usual.zookeeper.exists('/a', { timeoutMs: 1_000 }).catch((error: unknown) => error)

    expect(refusals.map((refusal) => isZookeeperError(refusal, 'NOT_READ_ONLY'))).toEqual([true, true])
    expect(late.changes[0]).toMatchObject({ state: 'connected', isReadOnly: true, isNewSession: true })
    expect(frugal.changes.at(-1)).toMatchObject({ state: 'connected', isReadOnly: true, isNewSession: true })
    expect(frugal.states()).toContain('expired')
    expect(waiting).toMatchObject({ name: 'UnavailableError', timedOut: true })
    expect(usual.zookeeper.state()).not.toBe('connected')

    const startedAt = performance.now()
    await Promise.all([first.restart(), second.restart()])
    await until('all can write', () => [usual, frugal, late].every(canWrite), 40_000)
    console.info(`3.9.5: from read-only to writable after ${Math.round(performance.now() - startedAt)} ms`)
    await late.zookeeper.setData('/a', Buffer.from('written'))
    await usual.zookeeper.sync()

    expect((await usual.zookeeper.getData('/a')).data.toString()).toBe('written')
    expect(usual.zookeeper.session()?.id).toBe(session)
    await until('the view too', () => watched.tree.isCurrent())
  })
})

function canWrite({ changes }: RunningClient): boolean {
  const last = changes.at(-1)
  return last?.state === 'connected' && last.isReadOnly === undefined
}

function canOnlyRead({ changes }: RunningClient): boolean {
  const last = changes.at(-1)
  return last?.state === 'connected' && last.isReadOnly === true
}

/** The server has caught up with the others. */
async function synced(port: number): Promise<void> {
  await using client = runClient({ connect: `127.0.0.1:${port}`, sessionTimeoutMs })
  await client.zookeeper.sync()
}
