import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createYarnCluster } from '../../src/yarn/yarn-cluster.ts'
import { describeYarnCluster } from '../contract/yarn-cluster.ts'
import { startKdc } from '../rigs/kdc.ts'
import { startYarn, type YarnRig } from '../rigs/yarn.ts'
import { submitApplication } from '../rigs/yarn-application.ts'

const signal = new AbortController().signal
const timeoutMs = 3_000
const everyMs = 1_000

describeYarnCluster('A real YARN 3.4.1', async () => {
  const rig = await startYarn({ version: '3.4.1' })
  return {
    resourceManagers: rig.resourceManagers,
    submit: (plan) => submitApplication(rig, plan),
    [Symbol.asyncDispose]: () => rig.stop(),
  }
})

interface Look {
  readonly atMs: number
  readonly tookMs: number
  /** The list, or why there is none. */
  readonly said: readonly string[] | Error
}

describe('A real YARN 3.4.1 with two ResourceManagers', () => {
  it('frozen, thawed, killed: the list goes on after each takeover, no look hangs, and no list is ever short', {
    timeout: 600_000,
  }, async () => {
    await using rig = await startYarn({ version: '3.4.1', ha: true, nodes: 0 })
    const { id } = await submitApplication(rig, { name: 'waits', queue: 'stream' })
    const resourceManagers = rig.resourceManagers
    const cluster = createYarnCluster({ name: 'rig', resourceManagers, timeoutMs }, { logger: silentLogger })
    const startedAt = performance.now()
    const looks: Look[] = []
    async function look(): Promise<Look> {
      const at = performance.now()
      const said = await cluster.applications({ types: ['Apache Flink'] }, signal).then(
        (list) => list.map((one) => one.id),
        (error: Error) => error,
      )
      const one = { atMs: at - startedAt, tookMs: performance.now() - at, said }
      looks.push(one)
      return one
    }
    const isList = ({ said }: Look): boolean => !(said instanceof Error)
    const first = (await rig.active()) ?? -1
    const second = 1 - first

    expect((await look()).said).toEqual([id])

    rig.freeze(first)
    const frozen = await takeover(rig, second, look, isList)
    rig.thaw(first)
    for (let more = 0; more < 8; more++) {
      expect((await look()).said).toEqual([id])
      await sleep(everyMs)
    }

    await rig.stopResourceManager(second)
    const killed = await takeover(rig, first, look, isList)

    // Asked of each: itself, then the list.
    for (const { tookMs } of looks) expect(tookMs).toBeLessThan(2 * timeoutMs + 2_000)
    for (const one of looks) if (isList(one)) expect(one.said).toEqual([id])
    for (const { said } of looks)
      if (said instanceof Error) expect(said.message).toMatch(/no ResourceManager is active/)
    for (const { lateMs } of [frozen, killed]) expect(lateMs).toBeLessThan(2 * timeoutMs + everyMs)
    const reasons = new Set(looks.flatMap(({ said }) => (said instanceof Error ? [said.message] : [])))
    process.stdout.write(
      `YARN 3.4.1, active ResourceManager frozen: the other active after ${seconds(frozen.activeMs)}, list again ${seconds(frozen.lateMs)} later; ` +
        `killed: ${seconds(killed.activeMs)}, ${seconds(killed.lateMs)}; ${looks.length} looks, longest ${seconds(Math.max(...looks.map(({ tookMs }) => tookMs)))}\n` +
        `${[...reasons].join('\n')}\n`,
    )
    cluster.close()
  })
})

/** Looks once a second until there is a list again; when the other became active, that one itself is asked. */
async function takeover(
  rig: YarnRig,
  next: number,
  look: () => Promise<Look>,
  isList: (look: Look) => boolean,
): Promise<{ readonly activeMs: number; readonly lateMs: number }> {
  const since = performance.now()
  let activeMs: number | undefined
  const watch = new AbortController()
  const watching = (async () => {
    while (activeMs === undefined && !watch.signal.aborted) {
      const answer = await fetch(`${rig.resourceManagers[next]}/ws/v1/cluster/info`, {
        redirect: 'manual',
        signal: AbortSignal.timeout(2_000),
      }).then(
        (response) => response.text(),
        () => '',
      )
      if (answer.includes('"haState":"ACTIVE"')) activeMs = performance.now() - since
      await sleep(200)
    }
  })()
  try {
    for (;;) {
      if (isList(await look())) break
      if (performance.now() - since > 240_000) throw new Error('Wait for a list again: none within 240 s')
      await sleep(everyMs)
    }
    const listMs = performance.now() - since
    return { activeMs: activeMs ?? listMs, lateMs: listMs - (activeMs ?? listMs) }
  } finally {
    watch.abort()
    await watching
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

describe('A real YARN 3.4.1 whose ResourceManager is killed and started again', () => {
  it('has what runs in its first list, without an address until its master is back, and in the same attempt', async () => {
    const store = await mkdtemp(join(tmpdir(), 'lagkeeper-yarn-store-'))
    await using rig = await startYarn({
      version: '3.4.1',
      properties: {
        'yarn.resourcemanager.recovery.enabled': 'true',
        'yarn.resourcemanager.store.class':
          'org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore',
        'yarn.resourcemanager.fs.state-store.uri': `file://${store}`,
      },
    })
    const master = { host: 'localhost', port: 18_081, trackingUrl: 'http://localhost:18081' }
    const { id } = await submitApplication(rig, { name: 'goes on', master })
    const { resourceManagers } = rig
    const cluster = createYarnCluster({ name: 'rig', resourceManagers, timeoutMs }, { logger: silentLogger })
    const look = async () => {
      const list = await cluster.applications({}, signal).catch(() => undefined)
      return list?.map((one) => `${one.id} ${one.state} ${one.amRpcAddress ?? '-'}`).join()
    }
    const running = `${id} RUNNING localhost:18081`
    /** What was seen until it ran, in order, and when. */
    const follow = async (): Promise<ReadonlyMap<string | undefined, number>> => {
      const since = performance.now()
      const seen = new Map<string | undefined, number>()
      while (!seen.has(running) && performance.now() - since < 120_000) {
        const now = await look()
        if (!seen.has(now)) seen.set(now, performance.now() - since)
        await sleep(100)
      }
      return seen
    }
    try {
      expect((await follow()).has(running)).toBe(true)
      await rig.stopResourceManager(0)
      const restarting = rig.startResourceManager(0)
      const seen = await follow()
      await restarting

      const lists = [...seen.keys()].filter((list) => list !== undefined)
      for (const list of lists) expect([`${id} ACCEPTED -`, running]).toContain(list)
      expect(lists.at(-1)).toBe(running)
      expect((await cluster.attempts(id, signal)).map(({ number }) => number)).toEqual([1])
      const [first = 0, again = 0] = [seen.get(lists[0]), seen.get(running)]
      process.stdout.write(
        `YARN 3.4.1 started again: a list after ${seconds(first)}, the address ${seconds(again - first)} later\n`,
      )
    } finally {
      cluster.close()
      await rm(store, { recursive: true, force: true })
    }
  })
})

describe('A real YARN 3.3.6 with Kerberos on its web servers', () => {
  it('lets in the command of docs/yarn.md, which is run once for each server, and nobody else', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lagkeeper-yarn-kerberos-'))
    await using kdc = await startKdc()
    const principal = 'HTTP/127.0.0.1'
    const [server, client] = [await kdc.addPrincipal(principal), await kdc.addPrincipal('lagkeeper')]
    await using rig = await startYarn({
      version: '3.3.6',
      system: { 'java.security.krb5.conf': kdc.config },
      coreProperties: {
        'hadoop.http.filter.initializers': 'org.apache.hadoop.security.AuthenticationFilterInitializer',
        'hadoop.http.authentication.type': 'kerberos',
        'hadoop.http.authentication.kerberos.principal': `${principal}@${kdc.realm}`,
        'hadoop.http.authentication.kerberos.keytab': server,
      },
    })
    const page = await readFile(new URL('../../docs/yarn.md', import.meta.url), 'utf8')
    const [, script = ''] = /^```sh\n([\s\S]*?)^```$/m.exec(page) ?? []
    const program = join(dir, 'yarn-headers')
    await writeFile(program, script, { mode: 0o755 })
    const environment = [
      `KRB5_CONFIG=${kdc.config}`,
      `KRB5_CLIENT_KTNAME=${client}`,
      `KRB5CCNAME=FILE:${join(dir, 'cc')}`,
    ]
    const runs = join(dir, 'runs')
    const command = ['env', ...environment, 'sh', '-c', `echo "$YARN_URL" >> ${runs}; exec ${program}`]
    const options = { name: 'rig', resourceManagers: rig.resourceManagers }
    const cluster = createYarnCluster({ ...options, auth: { kind: 'command', command } }, { logger: silentLogger })
    const stranger = createYarnCluster({ ...options, auth: { kind: 'simple', user: 'rig' } }, { logger: silentLogger })
    try {
      for (let look = 0; look < 3; look++) expect(await cluster.applications({}, signal)).toEqual([])
      const [node] = await cluster.nodes(signal)
      const nodeUrl = rig.nodeManagers[0]?.url ?? ''
      // Its principal is of 127.0.0.1, and YARN calls it localhost.
      const here = { id: '', host: '', state: '', ...node, httpAddress: new URL(nodeUrl).host }
      for (let look = 0; look < 2; look++) expect(await cluster.containers(here, signal)).toEqual([])
      expect((await readFile(runs, 'utf8')).trim().split('\n')).toEqual([rig.resourceManagers[0], nodeUrl])
      await expect(stranger.applications({}, signal)).rejects.toMatchObject({ denied: true })
    } finally {
      cluster.close()
      stranger.close()
      await rm(dir, { recursive: true, force: true })
    }
  })
})

describe('A real YARN 3.3.6 with access control', () => {
  it('an application that we may not view is in the list, says so, and has no address', async () => {
    await using rig = await startYarn({
      version: '3.3.6',
      properties: {
        'yarn.acl.enable': 'true',
        'yarn.admin.acl': 'rig',
        'yarn.scheduler.capacity.root.acl_administer_queue': 'rig',
      },
      coreProperties: {
        'hadoop.http.filter.initializers': 'org.apache.hadoop.security.AuthenticationFilterInitializer',
        'hadoop.http.authentication.type': 'simple',
        'hadoop.http.authentication.simple.anonymous.allowed': 'false',
      },
    })
    const master = { host: 'localhost', port: 18_081, trackingUrl: 'http://localhost:18081' }
    const { id } = await submitApplication(rig, { name: 'hidden', master })
    const seenBy = async (user: string) => {
      const auth = { kind: 'simple', user } as const
      const { resourceManagers } = rig
      const cluster = createYarnCluster({ name: 'rig', resourceManagers, auth }, { logger: silentLogger })
      try {
        const [application] = await cluster.applications({}, signal)
        const [attempt] = await cluster.attempts(id, signal)
        return { application, attempt }
      } finally {
        cluster.close()
      }
    }
    const deadline = performance.now() + 60_000
    while ((await seenBy('rig')).application?.state !== 'RUNNING' && performance.now() < deadline) await sleep(200)

    const owner = await seenBy('rig')
    expect(owner.application).toMatchObject({ state: 'RUNNING', amRpcAddress: 'localhost:18081' })
    expect(owner.application).not.toHaveProperty('withheld')
    const stranger = await seenBy('stranger')
    expect(stranger.application).toMatchObject({ id, state: 'RUNNING', name: 'hidden', withheld: true })
    expect(stranger.application).not.toHaveProperty('amRpcAddress')
    expect(stranger.attempt).toEqual({ number: 1, startedAt: owner.attempt?.startedAt })
  })
})
